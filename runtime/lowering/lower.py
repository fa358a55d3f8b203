"""Lower one stage: rows for its runs, requests for its reads and measures, edits for its interventions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...compiler.graph import Node, walk
from ...compiler.physical import EditGroup, PhysicalStage, Request, Rows
from ...compiler.stages import Stage
from .. import registry
from ..binding.axes import axes_of
from ..binding.bindings import Bindings
from ..cube import Axis
from ..errors import about
from ..evaluate import ASKED, Evaluator
from ..facts import ModelFacts
from ..text.rendered import Rendered
from .collisions import in_order, note_collisions
from .edits import edits_of, later_edits_of
from .graft import gates_of, grafts_of, later_gates_of, later_grafts_of, refuse_collisions
from .grid import Grid, grid, in_model, one_index, per_cell, reasons_at
from .judging import Judged, lower_judge
from .knockout import knockouts_of, later_knockouts_of, refuse_blind
from .places import Places, each_token, places

LOWERED = {"knockout": knockouts_of, "graft": grafts_of, "gate": gates_of}
LATER = {"knockout": later_knockouts_of, "graft": later_grafts_of, "gate": later_gates_of}


@dataclass(frozen=True, eq=False)
class Lowered:
    """What is known of one work node: its axes, and how slots make its cells.

    `cell` maps each slot to a cell. `how` is single, mean, max or sum (pools). `reasons` are per cell, None where there
    is a value. `prompt` is the number of each cell's prompt. `judged` is what a judge is asked. `following` are the ids
    of the tokens behind the slots, where these are what is measured.
    """

    node: Node
    axes: tuple[Axis, ...]
    cell: np.ndarray
    how: str
    reasons: np.ndarray
    prompt: np.ndarray
    judged: Judged | None = None
    following: np.ndarray | None = None

    @property
    def along(self) -> int | None:
        """The number of the axis of items."""
        return next((i for i, a in enumerate(self.axes) if a.name == "item" and a.kind == "data"), None)

    @property
    def items(self) -> np.ndarray:
        """The number of each cell's item."""
        shape = [len(a) for a in self.axes]
        along = next((i for i, a in enumerate(self.axes) if a.name == "item"), None)
        return np.zeros(len(self.reasons), np.int64) if along is None else np.indices(shape)[along].reshape(-1)


@dataclass
class RunRows:
    """Rows of one run node: `base` + variant x prompts + prompt. `own` are the axes of its prompts, items last."""

    run: Node
    axes: tuple[Axis, ...]
    own: tuple[Axis, ...]
    prompts: int
    base: int
    cells: Grid

    def prompt_of(self, cells: Grid) -> np.ndarray:
        """Per cell, the number of its prompt."""
        return cells.ravel(tuple(a for a in self.own if a.name in cells.at))


@dataclass
class Lowering:
    """State while the work of one model in one stage is lowered."""

    bindings: Bindings
    evaluator: Evaluator
    model: Node
    layers: int
    facts: ModelFacts
    runs: dict[str, RunRows] = field(default_factory=dict)
    prompt: list[np.ndarray] = field(default_factory=list)
    prompts: dict[tuple[int, ...], int] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    edits: list[EditGroup] = field(default_factory=list)
    lowered: list[Lowered] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)  # rows that cannot be edited as asked, and why
    count: int = 0
    bound: bool = False
    planning: bool = False
    writing: bool = False  # texts behind the rows are to be written: `later` are the edits of what is written
    later: list[EditGroup] = field(default_factory=list)

    def rows_for(self, run: Node) -> RunRows:
        """The rows of a run: every prompt under every variant of its interventions."""
        if run.key in self.runs:
            return self.runs[run.key]
        rendered = self.bindings.rendered(run.input("model"), run.input("prompts"))
        own = axes_of(self.bindings, run.input("prompts"))
        named = {a.name for a in own}
        variants = tuple(a for a in axes_of(self.bindings, run) if a.name not in named)
        cells = grid(variants)
        ids = np.array([self.prompts.setdefault(r.ids, len(self.prompts)) for r in rendered], dtype=np.int64)
        rows = RunRows(run, variants, own, len(rendered), self.count, cells)
        self.runs[run.key] = rows
        self.prompt.append(np.tile(ids, cells.count))
        self.count += cells.count * len(rendered)
        edits = sorted((int(k[1:]), n) for k, n in run.inputs if k.startswith("i"))
        made: list[EditGroup] = []
        meant = {order for order, edit in edits if in_order(edit)}
        later: list[EditGroup] = []
        for order, edit in edits:
            made += LOWERED.get(edit.op, edits_of)(self, rows, edit, order)
            if self.writing:
                later += LATER.get(edit.op, later_edits_of)(self, rows, edit, order)
        refuse_blind(self, rows, made)
        for part in (made, later):
            refuse_collisions(part)
            note_collisions(self, part, meant)
        self.edits += made
        self.later += later
        return rows

    def stand_in(self, layer: Node | None) -> int | None:
        """While planning: the last layer, for one that an earlier stage computes; the stage's cost is a bound then."""
        if not self.planning or layer is None or not any(n.op in ASKED for n in walk(layer)):
            return None
        self.bound = True
        return self.layers - 1

    def explained(self, row: np.ndarray, reasons: np.ndarray) -> np.ndarray:
        """Reasons per cell, with those of the rows that they are read in."""
        for at in np.flatnonzero(np.isin(row, list(self.reasons))) if self.reasons else ():
            if reasons[at] is None:
                reasons[at] = self.reasons[int(row[at])]
        return reasons

    def row_of(self, rows: RunRows, cells: Grid) -> np.ndarray:
        """Per cell of some node, the row that it is read in."""
        return rows.base + cells.ravel(rows.axes) * rows.prompts + rows.prompt_of(cells)


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
    rows = state.rows_for(run)
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


def positions_of(found: Places, cells: Grid, item: np.ndarray, items: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slots as (cell, position), and the reasons of cells without any; `item` numbers the prompt of each cell."""
    label = cells.at[found.axis.name] if found.axis is not None else np.zeros(cells.count, dtype=np.int64)
    table = [[found.of(k, i) for i in range(items)] for k in range(len(found.found))]
    sizes = np.array([[0 if isinstance(p, str) else len(p) for p in row] for row in table], dtype=np.int64).reshape(
        len(table), items
    )
    flat = [p for row in table for p in row if not isinstance(p, str)]
    pool = np.concatenate(flat) if flat else np.zeros(0, np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes.reshape(-1))])[:-1].reshape(sizes.shape)
    count = sizes[label, item]
    cell = np.repeat(np.arange(cells.count), count)
    offset = np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count)
    position = pool[np.repeat(starts[label, item], count) + offset] if len(cell) else np.zeros(0, np.int64)
    reasons = np.full(cells.count, None, dtype=object)
    for empty in np.flatnonzero(count == 0):
        reason = table[label[empty]][item[empty]]
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
    rows, cells = state.rows_for(run), grid(axes)
    rendered = state.bindings.rendered(run.input("model"), run.input("prompts"))
    last = np.array([len(r.ids) - 1 for r in rendered], dtype=np.int64)
    row, prompt, cell = state.row_of(rows, cells), rows.prompt_of(cells), np.arange(cells.count)
    add_requests(state, len(state.lowered), "logits", None, None, row, cell, last[prompt], False)
    reasons = state.explained(row, np.full(cells.count, None, dtype=object))
    state.lowered.append(Lowered(node, axes, cell, "single", reasons, prompt))


def lower_text(state: Lowering, node: Node) -> None:
    """Cross entropy: logits before every token that is measured, but the first of the sequence."""
    run = node.input("of")
    rows, axes = state.rows_for(run), axes_of(state.bindings, node)
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
