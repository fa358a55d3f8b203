"""Run a physical stage on a loaded model: batches in, cubes out. Knows rows and kernels, not why they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from ..compiler.builtins import SITES
from ..compiler.graph import Node
from ..compiler.physical import EditGroup, PhysicalStage, Request, asked_together, depth_of_rows, measured, whole
from ..compiler.tails import places_of, tail_widths
from .batch_edits import batch_edit, index_of, ref
from .binding.bindings import Bindings
from .buffers import Buffer, InMemory, buffer
from .carry import Carry
from .cells import mark
from .cube import Cube
from .engine import Batch, Edit, Engine, Read, pad
from .evaluate import Evaluator
from .kernels import Kernel, kernel_of
from .lowering.lower import run_of
from .lowering.state import Lowered
from .paged import cell_by_cell
from .scratch import WRITTEN
from .sites import SiteRef, place
from .store.journal import Journal, Part, again
from .text.answers import answer_ids

AT_ONCE = 2**26  # logits, or numbers of unembedding rows, that are there at a time


@dataclass
class Sorted:
    """Parts of a stage sorted by the batch that their row is in, so that each batch takes a slice."""

    order: np.ndarray
    starts: np.ndarray

    @staticmethod
    def of(rows: np.ndarray, batch_of: np.ndarray, count: int) -> Sorted:
        batch = batch_of[rows]
        order = np.argsort(batch, kind="stable")
        return Sorted(order, np.searchsorted(batch[order], np.arange(count + 1)))

    def within(self, index: int) -> np.ndarray:
        return self.order[self.starts[index] : self.starts[index + 1]]


@dataclass
class StageRun:
    """One physical stage while it runs."""

    stage: PhysicalStage
    lowered: list[Lowered]
    engine: Engine
    evaluator: Evaluator
    bindings: Bindings
    journal: Journal = field(default_factory=Journal)
    kernels: list[Kernel | None] = field(default_factory=list)
    folder: Path | None = None  # where large values may stand; None for where the system has such files
    buffers: list[Buffer | None] = field(default_factory=list)
    pooled: list[bool] = field(default_factory=list)  # whether batches yield the cells of a work, and not its slots

    def run(self, progress: Callable[[int], None] = lambda rows: None) -> dict[str, Cube]:
        """Run every batch; returns the results of the work nodes by key."""
        stage = self.stage
        self.kernels = self.kernels or [kernel_of(self.bindings, self.evaluator, w) for w in self.lowered]
        self.buffers = [None] * len(self.lowered)
        batch_of = np.full(len(stage.rows), -1)
        place = np.zeros(len(stage.rows), dtype=np.int64)
        for index, rows in enumerate(stage.batches):
            batch_of[rows] = index
            place[rows] = np.arange(len(rows))
        count = len(stage.batches)
        asked = [(n, Sorted.of(stage.requests[n[0]].rows, batch_of, count)) for n in asked_together(stage)]
        self.pooled = [
            together(w, [r for r in stage.requests if r.work == i], batch_of) for i, w in enumerate(self.lowered)
        ]
        edits = [(g, Sorted.of(g.rows, batch_of, count)) for g in stage.edits]
        depth, carry = depth_of_rows(stage), Carry(stage, batch_of, tail_widths(stage), places_of(stage))
        repeated = again(stage, set(self.journal.found))
        for index, rows in enumerate(stage.batches):
            if index in repeated or index not in self.journal.found:
                self.one(index, rows, place, asked, edits, depth[rows], carry)
            else:
                self.put(self.journal.parts(index))
            progress(len(rows))
        made = {w.node.key: self.finished(i, w) for i, w in enumerate(self.lowered)}
        for node in stage.work:
            if node.op == "unembedding":
                made[node.key] = self.unembedding(node)
        return made

    def one(
        self,
        index: int,
        rows: np.ndarray,
        place: np.ndarray,
        asked: list,
        edits: list,
        depth: np.ndarray,
        carry: Carry,
    ) -> None:
        """Run one batch, each row through its `depth` blocks, and put its results where they belong."""
        ids, lengths = pad([self.stage.rows.prompts[p] for p in self.stage.rows.prompt[rows]])
        reads, wanted = [], []
        for numbers, ordered in asked:
            chosen = ordered.within(index)
            if len(chosen):
                one = self.stage.requests[numbers[0]]
                # The head comes later, in portions, and for no more tokens than are measured.
                site = SiteRef("final_norm") if one.site[0] == "logits" else ref(one.site)
                wanted.append(
                    Read(len(reads), site, index_of(place[one.rows[chosen]]), index_of(one.positions[chosen]))
                )
                reads.append((numbers, chosen))
        changed = tuple(e for g, ordered in edits if (e := self.edit(g, ordered.within(index), place)) is not None)
        left, keeps = carry.reads(index, place)
        if not wanted and not left and not keeps:
            return
        # Later batches may need more blocks of this one than what is read of it.
        last = int(depth.max())
        until = SiteRef("attn_raw", last - 1) if index in carry.wanted and last else None
        if not self.stage.stops:
            until = SiteRef("final_norm")
        start = carry.start(index, place, ids.shape[1])
        deep = None if (depth == last).all() else index_of(depth)
        width = int(carry.widths[index])
        late = index_of(carry.places.table(rows, width, self.stage.rows.lengths[rows])) if width else None
        found = self.engine.run_split(Batch(ids, lengths, changed, (*wanted, *left), keeps, start, until, deep, late))
        carry.take(index, found)
        if index in self.journal.found:
            parts = self.journal.parts(index)
        else:
            taken = [part for key, (n, chosen) in enumerate(reads) for part in self.take(n, chosen, found[key])]
            parts = [self.in_cells(part) for part in taken]
            self.journal.add(index, parts)
        self.put(parts)

    def edit(self, group: EditGroup, chosen: np.ndarray, place: np.ndarray) -> Edit | None:
        if not len(chosen):
            return None
        rows, extra = place[group.rows[chosen]], self.stage.extra
        return batch_edit(group, chosen, rows, extra["operands"], self.engine.model.facts, extra["donors"])

    def take(self, numbers: tuple[int, ...], chosen: np.ndarray, values: torch.Tensor) -> list[Part]:
        """What requests of the same places found there, as the buffers of their works take it."""
        first = self.stage.requests[numbers[0]]
        if not measured(first):
            array = self.all_keys(first, values.float().cpu().numpy())
            return [(first.work, first.slots[chosen], array)]
        hidden, every, parts = self.engine.normed(values) if first.lens else values, whole(self.stage, numbers), []
        for head, mine in self.heads(first, chosen):
            own, state = chosen[mine], hidden[index_of(mine).to(hidden.device)] if len(mine) < len(chosen) else hidden
            parts += self.whole([self.stage.requests[n] for n in every], own, state, head) if every else []
            # Not from the logits of all tokens, if another request has them: a value is the same whatever is asked.
            parts += [self.narrow(self.stage.requests[n], own, state, head) for n in numbers if n not in every]
        return parts

    def heads(self, request: Request, chosen: np.ndarray) -> list[tuple[object, np.ndarray]]:
        """The unembeddings that some places of a request take, each with the places: None is the model's own.

        A lens has the model's own everywhere.
        """
        grafts = [g for g in self.stage.edits if g.kind == "graft" and g.site[0] == "logits"]
        left, found = np.ones(len(chosen), dtype=bool), []
        tokens = int(self.stage.rows.lengths.max())
        at = request.rows[chosen] * tokens + request.positions[chosen]
        for group in grafts if not request.lens else ():
            mine = np.isin(at, group.rows * tokens + group.positions)
            if mine.any():
                donor = self.stage.extra["donors"][group.operand]
                found.append((donor.module(self.engine.model.sites.unembed), np.flatnonzero(mine)))
                left &= ~mine
        return [(None, np.flatnonzero(left)), *found] if left.any() else found

    def whole(self, requests: list[Request], chosen: np.ndarray, hidden: torch.Tensor, head: object) -> list[Part]:
        """Measure the logits of all tokens, computed once for all requests."""
        kernels, found = [self.kernels[r.work] for r in requests], [[] for _ in requests]
        self.engine.counts.unembeddings += len(chosen)
        fan = max(kernel.fan if kernel is not None else 1 for kernel in kernels)
        for part in portions(len(chosen), self.engine.model.vocab * max(fan, 1)):
            logits = self.engine.unembed(hidden[part], head)
            for request, kernel, parts in zip(requests, kernels, found, strict=True):
                slots = request.slots[chosen[part]]
                parts.append(logits.float().cpu().numpy() if kernel is None else kernel.apply(logits, slots))
        return [(r.work, r.slots[chosen], np.concatenate(parts)) for r, parts in zip(requests, found, strict=True)]

    def narrow(self, request: Request, chosen: np.ndarray, hidden: torch.Tensor, head: object) -> Part:
        """Measure the logits of a request's answers."""
        kernel, slots, parts = self.kernels[request.work], request.slots[chosen], []
        size = kernel.answers(slots[:1]).size
        for part in portions(len(slots), size * (2 * hidden.shape[1] + kernel.fan)):
            logits = self.engine.unembed_at(hidden[part], index_of(kernel.answers(slots[part])), head)
            parts.append(kernel.apply(logits, slots[part], narrow=True))
        return request.work, slots, np.concatenate(parts)

    def all_keys(self, request: Request, array: np.ndarray) -> np.ndarray:
        """Attention rows [n, keys of the batch] with as many keys as the longest prompt has: none looks at the rest.

        Values of other sites are as they were.
        """
        if request.site[0] != "pattern":
            return array
        run = run_of(self.lowered[request.work].node)
        keys = max(len(r.ids) for r in self.bindings.rendered(run.input("model"), run.input("prompts")))
        return np.pad(array, ((0, 0), (0, max(keys - array.shape[1], 0))))[:, :keys]

    def in_cells(self, part: Part) -> Part:
        """What a batch has yielded for a work, by cell where it has all slots of its cells, and else by slot."""
        number, slots, values = part
        work = self.lowered[number]
        if not self.pooled[number]:
            return part
        cells = work.cell[slots]
        return number, *((cells, values) if work.how == "single" else pool(cells, values, work.how))

    def put(self, parts: Sequence[Part]) -> None:
        """Put what a batch has yielded into the buffers."""
        for number, places, values in parts:
            if self.buffers[number] is None:
                work = self.lowered[number]
                count = len(work.reasons) if self.pooled[number] else len(work.cell)
                self.buffers[number] = self.buffer(number, (count, values.shape[-1]), values.dtype)
            self.buffers[number].put(places, values)

    def buffer(self, number: int, shape: tuple[int, int], dtype: np.dtype) -> Buffer:
        """Room for vectors of items on the disk if they are many; for anything else in memory."""
        by_items = self.kernels[number] is None and self.lowered[number].along is not None
        return buffer(shape, dtype, by_items, self.folder)

    def finished(self, index: int, work: Lowered) -> Cube:
        """The cube of a work node: slots reduced to cells, reasons where there are none."""
        kernel, found = self.kernels[index], self.buffers[index]
        self.buffers[index] = None
        missing = None if np.equal(work.reasons, None).all() else work.reasons.reshape([len(a) for a in work.axes])
        if found is None:
            kind = np.float32 if kernel is None else np.float64
            found = InMemory((len(work.reasons), self.width(index)), kind)
        elif not self.pooled[index]:
            slots, found = found.view(), self.buffer(index, (len(work.reasons), found.shape[1]), found.dtype)
            for some in runs(work.cell, WRITTEN // max(slots[:1].nbytes, 1)):
                found.put(*pool(work.cell[some], slots[some], work.how))
        if kernel is None:
            return without_nan(found.cube(work.axes, missing, work.along))
        return without_nan(kernel.cube(found.view().reshape(*(len(a) for a in work.axes), kernel.fan), missing))

    def width(self, index: int) -> int:
        """How many numbers a work has in each slot, where none of them was asked for."""
        kernel, model, work = self.kernels[index], self.engine.model, self.lowered[index]
        if kernel is not None:
            return kernel.fan
        if work.node.op != "read":
            return model.vocab
        name = str(work.node.input("site").param("name"))
        layer, head = (0 if index in SITES[name].indices else None for index in ("layer", "head"))
        return place(SiteRef(name, layer, head), model.facts).width

    def unembedding(self, node: Node) -> Cube:
        """The unembedding row of a word."""
        tokenizer = self.bindings.tokenizer(node.input("model"))
        found = answer_ids(tokenizer, "", str(node.input("word").param("value")))
        weight = self.engine.model.hf.get_output_embeddings().weight
        return Cube((), weight[found.id].detach().float().cpu().numpy())


def without_nan(cube: Cube) -> Cube:
    """The cube with the cells missing for which the model gives no number: an overflow, or a division by zero in it."""
    return mark(cube, nowhere(cube).values, "the model gives no number here")


@cell_by_cell
def nowhere(cube: Cube) -> Cube:
    """Which cells have a nan."""
    bad = np.isnan(cube.values)
    return Cube(cube.axes, bad.any(-1) if cube.feature else bad)


def together(work: Lowered, requests: Sequence[Request], batch_of: np.ndarray) -> bool:
    """Whether all slots of each cell of a work are asked by one request, in rows of one batch."""
    if work.how == "single":
        return True
    of = np.full(len(work.cell), -1)
    for number, request in enumerate(requests):
        of[request.slots] = batch_of[request.rows] * len(requests) + number
    same = work.cell[1:] == work.cell[:-1]
    return bool((of[1:][same] == of[:-1][same]).all())


def pool(cell: np.ndarray, values: np.ndarray, how: str) -> tuple[np.ndarray, np.ndarray]:
    """Cells [n] that are there, and the pools [n, w] of their values [slots, w]; `cell` [slots] is in order."""
    if not len(cell):
        return cell, values
    starts = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]])
    total = (np.maximum if how == "max" else np.add).reduceat(values.astype(np.float64), starts, axis=0)
    if how == "mean":
        total /= np.diff(np.r_[starts, len(cell)])[:, None]
    return cell[starts], total.astype(values.dtype)


def runs(cell: np.ndarray, most: int) -> Iterator[slice]:
    """Cut slots, of which `cell` [slots] is in order, into runs of not many more than `most`, between cells."""
    start = 0
    while start < len(cell):
        stop = np.searchsorted(cell, cell[min(start + most, len(cell)) - 1], "right")
        yield slice(start, int(stop))
        start = int(stop)


def portions(count: int, size: int) -> list[slice]:
    """Cut `count` places with `size` numbers each so that not many more than `AT_ONCE` are there at a time."""
    width = max(1, AT_ONCE // max(size, 1))
    return [slice(start, min(start + width, count)) for start in range(0, count, width)]
