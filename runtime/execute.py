"""Run a checked spec: stage by stage, model by model; then statements become results."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..compiler.check import Checked
from ..compiler.graph import Node, walk
from ..compiler.keys import recipe_key, value_key
from ..compiler.normalise import normalise
from ..compiler.passes import optimise
from ..compiler.physical import PhysicalStage, cost
from ..compiler.stages import Stage, cut
from . import registry
from .binding.bindings import Bindings
from .collect import collect
from .cube import Cube
from .determinism import deterministic
from .errors import ProbeError
from .estimates import prices_of, turn_seconds
from .evaluate import Evaluator
from .judges.run import at_endpoint, judge_at_endpoints, notices
from .lowering import Lowered, lower
from .lowering.lower import models_of
from .memory import Memory
from .options import RunOptions
from .provenance import contents, keys, numerics
from .results import Run
from .schedule import batch_tokens, memory_of, schedule
from .store import Store

Progress = Callable[[str, int, int], None]  # what, rows done, rows in all


@dataclass
class Prepared:
    """A program ready to be lowered: normalised roots, and its stages in order."""

    checked: Checked
    roots: dict[str, Node]
    stages: list[Stage]
    bindings: Bindings
    evaluator: Evaluator
    options: RunOptions
    store: Store | None = None
    memory: Memory | None = None
    recipes: dict[str, str] = field(default_factory=dict)
    endpoints: dict[str, dict] = field(default_factory=dict)  # what became of the questions put to each
    _contents: dict[str, str] | None = None

    def pin(self, made: dict[str, Cube]) -> None:
        """Hash values that no recipe tells, so that what is computed from them is kept for these values alone."""
        if self._contents is None:
            self._contents = contents(self)
        for key, cube in made.items():
            reasons = repr(None if cube.missing is None else cube.missing.tolist())
            values = np.ascontiguousarray(cube.values).tobytes()
            self._contents[key] = value_key({"values": values, "reasons": reasons.encode()})

    def recipe(self, node: Node) -> str:
        """The recipe key of a work node; what it depends on is hashed once."""
        if self._contents is None:
            self._contents = contents(self)
        if node.key not in self.recipes:
            settings = {k: v for k, v in numerics(self).items() if k != "seed"}
            self.recipes[node.key] = recipe_key(node, settings, self._contents)
        return self.recipes[node.key]


def prepare(checked: Checked, root: Path, options: RunOptions) -> Prepared:
    """Normalise a program and cut it into stages."""
    program = checked.program
    nodes = [s.node for s in program.statements]
    made = normalise(program.graph, nodes)
    stages = cut([made[n.key] for n in nodes], registry.catalogue())
    bindings = Bindings(root, allow_outside=options.allow_outside, download=not options.offline)
    store = Store(options.store) if options.store is not None else None
    return Prepared(checked, made, stages, bindings, Evaluator(bindings, {}), options, store)


def planned(prepared: Prepared) -> list[Node]:
    """Nodes of operations that do not run yet."""
    catalogue = registry.catalogue()
    return [n for n in walk(*prepared.roots.values()) if n.op in catalogue and catalogue[n.op].planned]


def physical_stages(
    prepared: Prepared, stage: Stage, planning: bool = False
) -> list[tuple[PhysicalStage, list[Lowered]]]:
    """Lower a stage whose inputs are there, and run the passes over it."""
    off = frozenset(prepared.options.passes_off)
    return [(optimise(p, off), w) for p, w in lowered_stages(prepared, stage, planning)]


def lowered_stages(
    prepared: Prepared, stage: Stage, planning: bool = False
) -> list[tuple[PhysicalStage, list[Lowered]]]:
    """Lower a stage, with the prices and the batch size that the passes go by."""
    lowered = lower(stage, prepared.bindings, prepared.evaluator, planning)
    return [(p.with_(prices=prices_of(prepared, p.model), budget=batch_tokens(prepared, p)), w) for p, w in lowered]


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
        with deterministic(options.deterministic, options.tf32):
            for place, turn in enumerate(order.turns):
                pool.begin(place)
                since = time.perf_counter()
                done = run_stage(prepared, turn.stage, pool, progress)
                counted.append(done | {"seconds": round(time.perf_counter() - since, 4)})
    finally:
        pool.close()
    run = collect(prepared)
    manifest = {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "models": [str(prepared.bindings.source(m)) for m in models_used(prepared)],
        "counts": {
            "forwards": pool.counts.forwards,
            "row_layer_tokens": pool.counts.row_layer_tokens,
            "loads": pool.counts.loads,
        },
        "stages": counted,
        "seed": options.seed,
        "estimate": estimate(counted),
        "memory": {"free": memory_of(prepared).free, "weights": order.room},
        "numerics": numerics(prepared),
        "self_check": {
            name: {"rows": c.rows, "no_op": "exact", "noise_floor": c.noise_floor} for name, c in pool.checks.items()
        },
        "keys": keys(prepared, run.results),
        "endpoints": prepared.endpoints,
        "store": None
        if prepared.store is None
        else {"found": prepared.store.hits, "computed": prepared.store.misses, "damaged": prepared.store.damaged},
    }
    return replace(run, manifest=manifest, warnings=(*run.warnings, *notices(prepared)))


def estimate(counted: list[dict]) -> dict[str, float] | None:
    """What the work of models was estimated to take and what it took, in seconds; None where nothing was measured."""
    work = [c for c in counted if c["kind"] != "weights" and c["forwards"]]
    if not work or any(c["estimated"] is None for c in work):
        return None
    return {"seconds": round(sum(c["estimated"] for c in work), 3), "took": round(sum(c["seconds"] for c in work), 3)}


def models_used(prepared: Prepared) -> list[Node]:
    found = {m.key: m for s in prepared.stages for n in s.nodes for m in models_of(n)}
    return list(found.values())


def run_stage(prepared: Prepared, stage: Stage, pool, progress: Progress | None) -> dict:
    """Run one stage; its results join those of the evaluator. Returns what it counted and what the plan predicted."""
    from .weight_norms import weight_norm
    from .work import StageRun

    results = prepared.evaluator.results
    elsewhere = [n for n in stage.nodes if at_endpoint(n)]
    if elsewhere:
        judged = judge_at_endpoints(prepared, elsewhere, progress)
        results.update(judged)
        prepared.pin(judged)
        stage = replace(stage, nodes=tuple(n for n in stage.nodes if n not in elsewhere))
    stage = stored(prepared, stage)
    before = (pool.counts.forwards, pool.counts.row_layer_tokens)
    expected, estimated = [0, 0], []
    if stage.kind == "weights":
        for node in stage.nodes:
            made = {node.key: weight_norm(prepared.bindings, prepared.evaluator, node)}
            results.update(made)
            keep(prepared, made)
    else:
        found = physical_stages(prepared, stage)
        total, done = sum(len(p.rows) for p, _ in found), 0
        for physical, lowered in found:
            loads, checks = pool.counts.loads, len(pool.checks)
            engine = pool.engine(physical.model)
            pool.check(physical.model, physical.rows.prompts)
            physical.extra["operands"] = operands(prepared, physical)
            if not len(physical.rows) and not physical.work:
                continue
            label = f"stage {stage.index + 1} of {len(prepared.stages)} · {prepared.bindings.source(physical.model)}"

            def note(rows: int, label: str = label) -> None:
                nonlocal done
                done += rows
                if progress is not None:
                    progress(label, done, total)

            made = StageRun(physical, lowered, engine, prepared.evaluator, prepared.bindings).run(note)
            results.update(made)
            keep(prepared, made)
            predicted = cost(physical)
            expected[0] += predicted.forwards
            expected[1] += predicted.row_layer_tokens
            fresh = (pool.counts.loads > loads, len(pool.checks) > checks)
            estimated.append(turn_seconds(prepared, physical, *fresh))
    return {
        "stage": stage.index, "kind": stage.kind, "forwards": pool.counts.forwards - before[0],
        "row_layer_tokens": pool.counts.row_layer_tokens - before[1],
        "predicted": {"forwards": expected[0], "row_layer_tokens": expected[1]},
        "estimated": None if None in estimated else sum(estimated),
    }  # fmt: skip


def stored(prepared: Prepared, stage: Stage) -> Stage:
    """The stage without the work whose values are in the store; these join the evaluator's."""
    if prepared.store is None:
        return stage
    left = []
    for node in stage.nodes:
        found = prepared.store.get(prepared.recipe(node))
        if found is None:
            left.append(node)
        else:
            prepared.evaluator.results[node.key] = found
    return replace(stage, nodes=tuple(left))


def keep(prepared: Prepared, made: dict[str, Cube]) -> None:
    """Put new values into the store."""
    if prepared.store is not None:
        for key, cube in made.items():
            prepared.store.put(prepared.recipes[key], cube)


def operands(prepared: Prepared, physical: PhysicalStage) -> dict[str, np.ndarray]:
    """The vectors of every operand of a stage's edits, flat over axes: [cells, width]."""
    wanted = {g.operand for g in physical.edits if g.operand is not None}
    found: dict[str, np.ndarray] = {}
    if not wanted:
        return found
    for node in walk(*physical.work):
        if node.key in wanted:
            cube = prepared.evaluator.at_home(node).cube(node)
            found[node.key] = cube.values.reshape(-1, cube.feature[0])
    return found
