"""Lower one stage: rows for its runs, requests for its reads and measures, edits for its interventions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...compiler.graph import Node
from ...compiler.physical import PhysicalStage, Request, Rows
from ...compiler.stages import Stage
from .. import registry
from ..binding.axes import axes_of
from ..binding.bindings import Bindings
from ..cube import Axis
from ..errors import about
from ..evaluate import Evaluator
from ..text.rendered import Rendered
from .grid import Grid, grid, in_model, one_index, per_cell, reasons_at
from .judging import lower_judge
from .places import Places, each_token, places, spread_positions
from .rows import rows_for
from .state import Lowered, Lowering


def lower(
    stage: Stage, bindings: Bindings, evaluator: Evaluator, planning: bool = False
) -> list[tuple[PhysicalStage, list[Lowered]]]:
    """Physical stages of one stage, one for each model, with what its work nodes are made of."""
    by_model: dict[str, tuple[Node, list[Node]]] = {}
    for node in stage.nodes:
        for model in models_of(node):
            by_model.setdefault(model.key, (model, []))[1].append(node)
    found, measures = [], registry.catalogue()
    for model, nodes in by_model.values():
        facts = bindings.facts(model)
        state = Lowering(bindings, evaluator, model, facts.n_layers, facts, planning=planning)
        for node in nodes:
            if node.op != "unembedding":
                with about(node.key):
                    lower_node(state, node)
        alone = [w.node.op in measures and measures[w.node.op].answers_only for w in state.lowered]
        requests = tuple(replace(r, narrow=alone[r.work]) for r in state.requests)
        prompt = np.concatenate(state.prompt) if state.prompt else np.zeros(0, np.int64)
        rows = Rows(prompt, tuple(state.prompts))
        cells = sum(int(np.prod([len(a) for a in w.axes], initial=1)) for w in state.lowered)
        physical = PhysicalStage(stage.index, model, state.layers, tuple(nodes), rows,
                                 requests, tuple(state.edits),
                                 bound=state.bound, cells=cells, width=facts.d_model,
                                 kv_width=facts.n_kv_heads * facts.d_head)  # fmt: skip
        found.append((physical, state.lowered))
    return found


def models_of(node: Node) -> list[Node]:
    """The model that a work node runs (two-distribution measures have captured theirs already)."""
    if node.op in ("unembedding", "judge"):
        return [m for m in (node.input("model"),) if m.op != "endpoint"]
    run = run_of(node)
    return [run.input("model")] if run is not None else []


def run_of(node: Node) -> Node | None:
    """The run that a work node reads."""
    if node.op == "run":
        return node
    if node.op in ("read", "next-token"):
        return node.input("run")
    if node.op == "lens":
        return run_of(node.input("activation"))
    for _, child in node.inputs:
        if child.op == "run":
            return child
        if child.op == "next-token":
            return child.input("run")
        if child.op == "lens" and child.input("activation").op == "read":
            return child.input("activation").input("run")
    return None


def lower_node(state: Lowering, node: Node) -> None:
    if node.op == "judge":
        lower_judge(state, node)
    elif node.op == "read":
        lower_read(state, node, node, axes_of(state.bindings, node), lens=False)
    elif node.op == "cross_entropy":
        lower_text(state, node)
    else:
        lower_measure(state, node)


def lower_read(state: Lowering, work: Node, read: Node, axes: tuple[Axis, ...], lens: bool) -> None:
    """Requests for a site at tokens, for each cell of `axes`."""
    run, site, tokens = read.input("run"), read.input("site"), read.input("tokens")
    rows = rows_for(state, run)
    cells = grid(axes)
    model, prompts = run.input("model"), run.input("prompts")
    own = next((a for a in axes if a.name == "token" and a.kind == "data"), None)
    found = (
        each_token(state.bindings, own, tokens, model, prompts)
        if own is not None
        else places(state.bindings, tokens, model, prompts, read)
    )
    how = str(tokens.param("how")) if tokens.op == "pool" else "single"
    layer = per_cell(state.evaluator, site.input("layer"), cells, read, state.stand_in(site.input("layer")))
    head = per_cell(state.evaluator, site.input("head"), cells, read)
    row = state.row_of(rows, cells)
    prompt = rows.prompt_of(cells)
    cell, position, reasons = positions_of(found, cells, prompt, rows.prompts)
    unknown = reasons_at(state.evaluator, (site.input("layer"), site.input("head")), cells, read)
    if unknown is not None:
        reasons = np.where(np.equal(reasons, None), unknown, reasons)
    add_requests(state, len(state.lowered), str(site.param("name")), layer, head, row, cell, position, lens)
    state.lowered.append(Lowered(work, axes, cell, how, state.explained(row, reasons), prompt))


def positions_of(
    found: Places, cells: Grid, prompt: np.ndarray, prompts: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slots as (cell, position), and the reasons of cells without any; `prompt` numbers those of cells."""
    cell, position, _ = spread_positions(found, cells, prompt, prompts)
    label, reasons = found.labels(cells), np.full(cells.count, None, dtype=object)
    for empty in np.flatnonzero(np.bincount(cell, minlength=cells.count) == 0):
        reason = found.of(label[empty], prompt[empty])
        reasons[empty] = reason if isinstance(reason, str) else "no such tokens"
    return cell, position, reasons


def add_requests(
    state: Lowering,
    work: int,
    name: str,
    layer,
    head,
    row: np.ndarray,
    cell: np.ndarray,
    position: np.ndarray,
    lens: bool,
) -> None:
    """One request for each site that the cells name."""
    if layer is None and head is None:
        if len(cell):
            state.requests.append(Request(work, (name, None, None), row[cell], position, np.arange(len(cell)), lens))
        return
    layers = np.full(len(row), -1) if layer is None else one_index(layer, "layer")
    for asked in np.unique(layers) if layer is not None else ():
        in_model(name, int(asked), state.layers)
    heads = np.full(len(row), -1) if head is None else one_index(head, "head")
    width = int(heads.max(initial=-1)) + 2
    code = ((layers + 1) * width + heads + 1)[cell]
    for found in np.flatnonzero(np.bincount(code)) if len(code) else ():
        slots = np.flatnonzero(code == found)
        at, of = int(found) // width - 1, int(found) % width - 1
        site = (name, None if at < 0 else at, None if of < 0 else of)
        state.requests.append(Request(work, site, row[cell[slots]], position[slots], slots, lens))


def lower_measure(state: Lowering, node: Node) -> None:
    """A measure of the next token, or of a lens: requests for logits at the places of its distribution."""
    source = (
        node if node.op in ("next-token", "lens") else next(n for _, n in node.inputs if n.op in ("next-token", "lens"))
    )
    axes = axes_of(state.bindings, source if source.op == "next-token" else source.input("activation"))
    if source.op == "lens":
        lower_read(state, node, source.input("activation"), axes, lens=True)
        return
    run = source.input("run")
    rows, cells = rows_for(state, run), grid(axes)
    rendered = state.bindings.rendered(run.input("model"), run.input("prompts"))
    last = np.array([len(r.ids) - 1 for r in rendered], dtype=np.int64)
    row, prompt, cell = state.row_of(rows, cells), rows.prompt_of(cells), np.arange(cells.count)
    add_requests(state, len(state.lowered), "logits", None, None, row, cell, last[prompt], False)
    reasons = state.explained(row, np.full(cells.count, None, dtype=object))
    state.lowered.append(Lowered(node, axes, cell, "single", reasons, prompt))


def lower_text(state: Lowering, node: Node) -> None:
    """Cross entropy: logits before every token that is measured, but the first of the sequence."""
    run = node.input("of")
    rows, axes = rows_for(state, run), axes_of(state.bindings, node)
    cells = grid(axes)
    rendered = state.bindings.rendered(run.input("model"), run.input("prompts"))
    found = measured(state, node, rendered)
    row, prompt = state.row_of(rows, cells), rows.prompt_of(cells)
    cell, position, reasons = positions_of(found, cells, prompt, rows.prompts)
    add_requests(state, len(state.lowered), "logits", None, None, row, cell, position, False)
    following = np.array([rendered[i].ids[p + 1] for i, p in zip(prompt[cell], position, strict=True)], dtype=np.int64)
    reasons = state.explained(row, reasons)
    state.lowered.append(Lowered(node, axes, cell, "mean", reasons, prompt, following=following))


def measured(state: Lowering, node: Node, rendered: tuple[Rendered, ...]) -> Places:
    """The places before the tokens that a cross entropy is of: those named, else all that were written."""
    run, tokens = node.input("of"), node.input("tokens")
    if tokens is None:
        written = [[p for p, kind in enumerate(r.token_kinds) if kind == "text"] for r in rendered]
        found = Places(None, (tuple(np.array(w, dtype=np.int64) for w in written),))
    else:
        found = places(state.bindings, tokens, run.input("model"), run.input("prompts"), node)
    return replace(found, found=tuple(tuple(map(before, each)) for each in found.found))


def before(positions: np.ndarray | str) -> np.ndarray | str:
    """The places before some tokens; the reason where there is none."""
    if isinstance(positions, str):
        return positions
    positions = np.asarray(positions, dtype=np.int64)
    positions = positions[positions > 0] - 1
    return positions if len(positions) else "no token of the text has one before it"
