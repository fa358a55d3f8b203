"""Lower a stage of writing: rows for the prompts under their interventions, and the texts behind them. No torch."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

import numpy as np

from ...compiler.counting import Cost
from ...compiler.elaborate.prompts import prompts_of_run
from ...compiler.elaborate.sense import rewrites
from ...compiler.graph import Node
from ...compiler.physical import EditGroup, Rows
from ...compiler.shape import ModelShape
from ...compiler.sizes import Shape, Sizes
from ...compiler.stages import Stage
from ..binding.axes import axes_of
from ..binding.bindings import Bindings
from ..cube import Axis, Cube
from ..errors import ProbeError, about
from ..evaluate import Evaluator
from ..lowering.grid import grid
from ..lowering.rows import rows_for
from ..lowering.state import Lowering
from .sizes import bytes_of, passes

FULL = "the prompt leaves no room for a text in the model's context"


@dataclass(frozen=True, eq=False)
class Asked:
    """One `generate` with its settings, and the axes of its texts, items last."""

    node: Node
    axes: tuple[Axis, ...]
    most: int
    temperature: float
    top_p: float
    penalty: float
    seed: int
    stop: tuple[str, ...]
    written_before: int

    @property
    def cells(self) -> int:
        return int(np.prod([len(a) for a in self.axes], initial=1))


@dataclass(frozen=True, eq=False)
class Writing:
    """What one model writes in one stage.

    `rows` are prompts under interventions: `edits` act in them, `later` on the tokens behind. Texts are columns: the
    `row` that each continues, which of `asked` it is for, its `cell` there, the `limit` of tokens that is asked for,
    and the `most` that it may have. `reasons` [texts] say what cannot be written. `head` gives for each row the first
    one that reads the same. `batches` are arrays of texts.
    """

    stage: int
    model: Node
    layers: int
    rows: Rows
    edits: tuple[EditGroup, ...]
    later: tuple[EditGroup, ...]
    asked: tuple[Asked, ...]
    row: np.ndarray
    of: np.ndarray
    cell: np.ndarray
    limit: np.ndarray
    most: np.ndarray
    reasons: np.ndarray
    head: np.ndarray
    batches: tuple[np.ndarray, ...] = ()

    def prompts_read(self) -> str:
        """What the passes over prompts count, in words."""
        forwards, rows, total = 0, 0, 0
        for batch in self.batches:
            heads, _, prompt = self.of_batch(batch)
            forwards, rows = forwards + 1, rows + heads
            total += self.layers * heads * prompt
        passes, prompts = (f"{n:,} {w}{'' if n == 1 else 's'}" for n, w in ((forwards, "forward"), (rows, "row")))
        return f"{prompts} for {sum(map(len, self.batches)):,} texts, {passes}, {total:,} row-layer-tokens exactly"

    def without(self, batches: Container[int]) -> Writing:
        """The writing without some of its batches."""
        return replace(self, batches=tuple(b for i, b in enumerate(self.batches) if i not in batches))

    def sizes(self, shape: ModelShape) -> Sizes:
        """What is taken at most: FLOPs, bytes of the texts, and of a batch."""
        flops = peak = 0
        for batch in self.batches:
            heads, limit, tokens = self.of_batch(batch)
            for one in passes(self.layers, len(batch), heads, tokens, limit):
                flops += shape.block_flops(one.row_blocks, one.queries, one.keys) + one.logits * shape.head_flops
            peak = max(peak, bytes_of(shape, len(batch), heads, tokens, limit))
        kept = 4 * int(self.most[np.concatenate(self.batches)].sum()) if self.batches else 0
        return Sizes(flops, kept, peak, kept)

    def of_batch(self, batch: np.ndarray) -> tuple[int, int, int]:
        """How many prompts a batch reads, the tokens that its texts may have, and those of its longest prompt."""
        heads = np.unique(self.head[self.row[batch]])
        return len(heads), int(self.most[batch].max()), int(self.rows.lengths[heads].max())

    def passes(self) -> list[Shape]:
        """The passes of all batches where every text is as long as it may be."""
        found: list[Shape] = []
        for batch in self.batches:
            heads, limit, tokens = self.of_batch(batch)
            found += passes(self.layers, len(batch), heads, tokens, limit)
        return found

    def cost(self) -> Cost:
        """What is counted: the passes over prompts exactly, those that add a token at most."""
        lengths, forwards, total, logits = self.rows.lengths, 0, 0, 0
        for batch in self.batches:
            heads, limit, prompt = self.of_batch(batch)
            forwards += limit
            total += self.layers * (heads * prompt + len(batch) * (limit - 1))
            logits += heads + len(batch) * (limit - 1)
        texts = np.concatenate(self.batches) if self.batches else np.zeros(0, np.int64)
        tokens = int((lengths[self.row[texts]] + self.most[texts]).sum())
        return Cost(len(texts), tokens, forwards, total, self.layers * forwards, logits)


def lower_writing(stage: Stage, bindings: Bindings, evaluator: Evaluator, planning: bool = False) -> list[Writing]:
    """What is written in a stage, model by model, not yet in batches."""
    by_model: dict[str, tuple[Node, list[Node]]] = {}
    for node in stage.nodes:
        model = node.input("prompts").input("model")
        by_model.setdefault(model.key, (model, []))[1].append(node)
    return [lower_model(stage, m, nodes, bindings, evaluator, planning) for m, nodes in by_model.values()]


def lower_model(
    stage: Stage, model: Node, nodes: list[Node], bindings: Bindings, evaluator: Evaluator, planning: bool
) -> Writing:
    facts = bindings.facts(model)
    state = Lowering(bindings, evaluator, model, facts.n_layers, facts, planning=planning, writing=True)
    asked, columns = [], []
    for node in nodes:
        with about(node.key):
            wanted = settings(bindings, evaluator, node)
            rows, cells = rows_for(state, node.input("prompts")), grid(wanted.axes)
        columns.append((state.row_of(rows, cells), np.full(cells.count, len(asked)), np.arange(cells.count)))
        asked.append(wanted)
    row, of, cell = (np.concatenate(c) for c in zip(*columns, strict=True))
    every = Rows(np.concatenate(state.prompt), tuple(state.prompts))
    limit = np.array([a.most for a in asked])[of]
    most, reasons = limit, np.array([state.reasons.get(int(r)) for r in row], dtype=object)
    if facts.max_tokens is not None:
        room = facts.max_tokens - every.lengths[row]
        reasons[(room < 1) & np.equal(reasons, None)] = FULL
        most = np.minimum(most, np.maximum(room, 1))
    return Writing(stage.index, model, facts.n_layers, every, tuple(state.edits), tuple(state.later), tuple(asked),
                   row, of, cell, limit, most, reasons, heads(every, state.edits))  # fmt: skip


def settings(bindings: Bindings, evaluator: Evaluator, node: Node) -> Asked:
    """The settings of a `generate`, which are plain values."""

    def plain(name: str, default: object) -> object:
        given = node.input(name)
        if given is None or given.op == "none":
            return default
        found = evaluator.at_home(node).value(given)
        if isinstance(found, Cube):
            if found.axes or found.feature:
                raise ProbeError("option-varies", f"`{name}` has to be one value", f"sweep it: `for {name} in […]`")
            found = found.values[()].item()
        return found

    stop = plain("stop", ())
    return Asked(
        node,
        axes_of(bindings, node),
        int(plain("max_tokens", 256)),
        float(plain("temperature", 0.0)),
        float(plain("top_p", 1.0)),
        float(plain("repetition_penalty", 1.0)),
        int(plain("seed", 0)),
        (stop,) if isinstance(stop, str) else tuple(map(str, stop)),
        rewrites(prompts_of_run(node)),
    )


def heads(rows: Rows, edits: list[EditGroup]) -> np.ndarray:
    """For each row the first one that reads the same: rows without edits in their prompt share the pass over it."""
    edited = np.zeros(len(rows), dtype=bool)
    for group in edits:
        edited[group.rows] = True
    first = np.full(len(rows.prompts), -1)
    plain = np.flatnonzero(~edited)[::-1]
    first[rows.prompt[plain]] = plain  # the first row of each prompt is written last
    return np.where(edited, np.arange(len(rows)), first[rows.prompt])
