"""Run a checked spec: stage by stage, model by model; then statements become results."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..compiler.check import Checked
from ..compiler.counting import cost
from ..compiler.graph import Node, walk
from ..compiler.physical import PhysicalStage
from ..compiler.stages import Stage
from .collect import collect
from .determinism import deterministic
from .errors import ProbeError, about
from .estimates import prices_of, turn_seconds
from .generation.account import account
from .generation.account import notices as within_noise
from .judges.run import at_endpoint, judge_at_endpoints, notices
from .kept import keep, keep_whole, stored, task
from .kept import notices as unkept
from .lowering import Lowered, lower
from .no_items import notices as without_items
from .no_items import with_items
from .options import RunOptions
from .prepared import Prepared, planned, prepare
from .provenance import keys, models_below, numerics
from .results import Run
from .schedule import batch_tokens, memory_of, schedule

Progress = Callable[[str, int, int], None]  # what, rows done, rows in all


def lowered_stages(
    prepared: Prepared, stage: Stage, planning: bool = False
) -> list[tuple[PhysicalStage, list[Lowered]]]:
    """Lower a stage, with the prices and the batch size that the passes go by."""
    lowered = lower(stage, prepared.bindings, prepared.evaluator, planning)
    options = prepared.options
    # Weights that come and go are where a call brings them, and code of one's own may be called in its own way.
    divisible = options.device_map is None and not options.trust_remote_code
    return [
        (p.with_(prices=prices_of(prepared, p.model), budget=batch_tokens(prepared, p), divisible=divisible), w)
        for p, w in lowered
    ]


def execute(checked: Checked, *, root: Path, options: RunOptions, progress: Progress | None = None) -> Run:
    """Run a spec and collect its results.

    Raises `ProbeError`: `planned` for operations that do not run yet, and what data, models or values may raise.
    """
    from .pool import ModelPool

    started = time.time()
    prepared = prepare(checked, root, options)
    missing = planned(prepared)
    if missing:
        raise ProbeError(
            "planned",
            f"the operation `{missing[0].op}` is planned, and does not run yet",
            "`probe operations` says which run",
        )
    order = schedule(prepared)
    pool = ModelPool(prepared.bindings, options, order)
    counted = []
    try:
        with deterministic(options.deterministic and options.device != "cpu", options.tf32):
            for place, turn in enumerate(order.turns):
                pool.begin(place)
                since = time.perf_counter()
                done = run_stage(prepared, turn.stage, pool, progress)
                counted.append(done | {"seconds": round(time.perf_counter() - since, 4)})
    except ProbeError as error:
        error.line = line_of(prepared, error.about)
        raise
    finally:
        pool.close()
        if prepared.store is not None:
            prepared.store.close()
    run = collect(prepared)
    texts = account(prepared, pool.checks)
    manifest = {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "models": [str(prepared.bindings.source(m)) for m in models_used(prepared)],
        "counts": {
            "forwards": pool.counts.forwards,
            "row_layer_tokens": pool.counts.row_layer_tokens,
            "unembeddings": pool.counts.unembeddings,
            "loads": pool.counts.loads,
        },
        "stages": counted,
        "seed": options.seed,
        "estimate": estimate(counted, pool.import_seconds),
        "memory": {"free": memory_of(prepared).free, "weights": order.room},
        "numerics": numerics(prepared),
        "loaded": pool.loaded,
        "load_seconds": round(pool.load_seconds, 3),
        "self_check": {
            name: {"rows": c.rows, "no_op": "exact", "noise_floor": c.noise_floor} for name, c in pool.checks.items()
        },
        "texts": texts,
        "keys": keys(prepared, run.results),
        "endpoints": prepared.endpoints,
        "store": None if prepared.store is None else prepared.store.told(),
    }
    warnings = (
        *run.warnings,
        *without_items(prepared),
        *notices(prepared),
        *unkept(prepared),
        *within_noise(prepared, texts),
    )
    return replace(run, manifest=manifest, warnings=warnings)


def estimate(counted: list[dict], imports: float) -> dict[str, float | bool] | None:
    """What the work of models was estimated to take and what it took, in seconds; None where nothing was measured.

    `imports` are seconds of it that went into importing code. Texts that are written are estimated at their longest,
    so that it is then the most that was estimated.
    """
    work = [c for c in counted if c["kind"] != "weights" and c["forwards"]]
    if not work or any(c["estimated"] is None for c in work):
        return None
    took = sum(c["seconds"] for c in work) - imports
    most = any(c["kind"] == "generate" for c in work)
    return {"seconds": round(sum(c["estimated"] for c in work), 3), "took": round(took, 3), "at_most": most}


def line_of(prepared: Prepared, key: str | None) -> int | None:
    """The line of the first statement that needs a node; None where there is none."""
    for statement in prepared.checked.program.statements if key is not None else ():
        if any(node.key == key for node in walk(prepared.roots[statement.node.key])):
            return statement.span.line
    return None


def models_used(prepared: Prepared) -> list[Node]:
    return models_below([n for s in prepared.stages for n in s.nodes])


def run_stage(prepared: Prepared, stage: Stage, pool, progress: Progress | None) -> dict:
    """Run one stage; its results join those of the evaluator. Returns what it counted and what the plan predicted."""
    from .generation.stage import write_stage
    from .weight_norms import weight_norm
    from .work import StageRun

    results = prepared.evaluator.results
    stage = with_items(prepared, stage)
    elsewhere = [n for n in stage.nodes if at_endpoint(n)]
    if elsewhere:
        judged = judge_at_endpoints(prepared, elsewhere, progress)
        results.update(judged)
        prepared.pin(judged)
        stage = replace(stage, nodes=tuple(n for n in stage.nodes if n not in elsewhere))
    stage = stage if stage.kind == "keep" else stored(prepared, stage)
    before = (pool.counts.forwards, pool.counts.row_layer_tokens)
    expected, estimated, resumed = [0, 0], [], [0, 0]
    if stage.kind == "weights":
        for node in stage.nodes:
            with about(node.key):
                results[node.key] = weight_norm(prepared.bindings, prepared.evaluator, node)
            keep_whole(prepared, [node], results)
    elif stage.kind == "keep":
        for node in stage.nodes:
            with about(node.key):
                prepared.bindings.table(node)
    elif stage.kind == "generate":
        expected, written, estimated = write_stage(prepared, stage, pool, progress)
        resumed = [written, 0]
    else:
        tasks = [task(prepared, p, w) for p, w in lowered_stages(prepared, stage)]
        total, done = sum(len(t.physical.rows) for t in tasks), 0
        for one in tasks:
            if one.idle:
                results.update(keep(prepared, one, {}))
                continue
            physical = one.physical
            loads, checks = pool.counts.loads, len(pool.checks)
            engine = pool.engine(physical.model)
            pool.check(physical.model, physical.rows.prompts)
            physical.extra["donors"] = pool.donors(physical.model, physical.edits, physical.work)
            label = f"stage {stage.index + 1} of {len(prepared.stages)} · {prepared.bindings.source(physical.model)}"

            def note(rows: int, label: str = label) -> None:
                nonlocal done
                done += rows
                if progress is not None:
                    progress(label, done, total)

            made = StageRun(physical, one.lowered, engine, prepared.evaluator, prepared.bindings,
                            one.journal, one.kernels,
                            None if prepared.store is None else prepared.store.folder).run(note)  # fmt: skip
            results.update(keep(prepared, one, made))
            predicted = cost(one.to_run)
            expected[0] += predicted.forwards
            expected[1] += predicted.row_layer_tokens
            fresh = (pool.counts.loads > loads, len(pool.checks) > checks)
            estimated.append(turn_seconds(prepared, one.to_run, *fresh))
            resumed = [a + b for a, b in zip(resumed, one.resumed, strict=True)]
    return {
        "stage": stage.index, "kind": stage.kind, "forwards": pool.counts.forwards - before[0],
        "row_layer_tokens": pool.counts.row_layer_tokens - before[1],
        "resumed": {"batches": resumed[0], "again": resumed[1]},
        "predicted": {"forwards": expected[0], "row_layer_tokens": expected[1]},
        "estimated": None if None in estimated else sum(estimated),
    }  # fmt: skip
