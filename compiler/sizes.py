"""What a physical stage takes: FLOPs, and bytes that it keeps and that its largest batch needs. Runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .physical import PhysicalStage, Where, asked_rows, batch_numbers, depth_of_rows, measured, unembedded
from .shape import ModelShape
from .tails import tail_widths

WHOLE = ("next-token", "lens")  # work whose result is a whole distribution
KEPT, MEASURED = 4, 8  # bytes of a number that is read, and of one that is measured
HELD = 2**22  # bytes up to which vectors that are read are kept in memory; more stand in files


@dataclass(frozen=True)
class Sizes:
    """FLOPs of matrix products; bytes of results (`kept`), and of the activations of the largest batch (`peak`).

    `held` are those of the results that stay in memory. A batch that ends inside its last block is counted to that
    block's end, as row-layer-tokens are.
    """

    flops: int
    kept: int
    peak: int
    held: int

    def __add__(self, other: Sizes) -> Sizes:
        peak = max(self.peak, other.peak)
        return Sizes(self.flops + other.flops, self.kept + other.kept, peak, self.held + other.held)


@dataclass(frozen=True)
class Shape:
    """One batch: tokens that each row runs and attends to, blocks that are called, and sites and logits asked for.

    `row_blocks` adds up the blocks that each row passes; `most_rows` is how many pass a block together. `tail_rows` of
    these block passes are of `tail` tokens alone, but for keys and values.
    """

    queries: int
    keys: int
    calls: int
    row_blocks: int
    most_rows: int
    visits: int
    logits: int
    tail_rows: int = 0
    tail: int = 0

    @property
    def block_tokens(self) -> int:
        """Tokens times blocks that they pass."""
        return self.queries * self.row_blocks - self.tail_rows * (self.queries - self.tail)

    @staticmethod
    def even(rows: int, tokens: int, blocks: int, visits: int, logits: int) -> Shape:
        """A batch whose rows all pass the same blocks from their first tokens on."""
        return Shape(tokens, tokens, blocks, rows * blocks, rows, visits, logits)


def batch_shapes(stage: PhysicalStage) -> list[Shape]:
    """The batches that will run, by the rule by which forwards are counted."""
    heads, visits = unembedded(stage), visits_of_batches(stage)
    lengths, depth, asked, starts = stage.rows.lengths, depth_of_rows(stage), asked_rows(stage), stage.starts
    found, widths = [], tail_widths(stage).tolist()
    for number, batch in enumerate(stage.batches):
        if not asked[batch].any():
            continue
        first, last = starts.layer[batch], np.maximum(depth[batch], starts.layer[batch])
        keys = int(lengths[batch].max())
        calls, tail = max(int(depth[batch].max()) - int(first.min()), 0), widths[number]
        ends = int(((depth[batch] == depth[batch].max()) & (first < last)).sum()) if tail else 0
        joined = np.bincount(first, minlength=stage.layers + 1) - np.bincount(last, minlength=stage.layers + 1)
        found.append(
            Shape(
                keys - starts.first_token(batch), keys, calls + (tail > 0), int((last - first).sum()),
                int(joined.cumsum().max()), int(visits[number]), int(heads[batch].sum()), ends, tail,
            )
        )  # fmt: skip
    return found


def sizes(stage: PhysicalStage, shape: ModelShape, work: Sequence[str]) -> Sizes:
    """The sizes of a stage whose work nodes have these operations, in the order of `Request.work`."""
    flops = peak = 0
    for b in batch_shapes(stage):
        flops += shape.block_flops(b.row_blocks - b.tail_rows, b.queries, b.keys) + b.logits * shape.head_flops
        flops += shape.projection_flops(b.tail_rows, b.queries) + shape.block_flops(b.tail_rows, b.tail, b.keys)
        activations = b.most_rows * b.queries * shape.block_bytes(b.keys)
        peak = max(peak, activations, b.logits * shape.vocabulary * max(shape.itemsize, 4))
    numbers, vectors = kept_bytes(stage, shape, work)
    held = sum(numbers) + sum(n for n in vectors if n <= HELD)
    return Sizes(flops, sum(numbers) + sum(vectors), peak, held)


def visits_of_batches(stage: PhysicalStage) -> np.ndarray:
    """Per batch, the parts (edits and requests) that have anything to do in it."""
    of_row = batch_numbers(stage)
    found = np.zeros(len(stage.batches), np.int64)
    for part in (*stage.requests, *stage.edits):
        if len(part.rows):
            found[np.unique(of_row[part.rows])] += 1
    return found


def kept_bytes(stage: PhysicalStage, shape: ModelShape, work: Sequence[str]) -> tuple[list[int], list[int]]:
    """Bytes of the results of each of a stage's works: of numbers that are measured, and of vectors that are read."""
    numbers, vectors = [0] * len(work), [0] * len(work)
    for request in stage.requests:
        asked = len(request.slots)
        if not measured(request):
            vectors[request.work] += asked * site_width(request.site, shape) * KEPT
        elif work[request.work] in WHOLE:
            vectors[request.work] += asked * shape.vocabulary * KEPT
        else:
            numbers[request.work] += asked * MEASURED
    return numbers, vectors


def site_width(site: Where, shape: ModelShape) -> int:
    """Numbers that a site has at one token, of one head where it names one; an attention pattern counts as one."""
    name, _, head = site
    if name == "pattern":
        return 1
    if name in ("head", "q", "k", "v"):
        whole = shape.kv_heads if name in ("k", "v") else shape.heads
        return shape.head_width * (whole if head is None else 1)
    return shape.mlp_width if name == "neurons" else shape.width


def counted(n: int, what: str) -> str:
    """A number with what it counts: 1 batch, 2,000 rows."""
    return f"{n:,} {what}{'' if n == 1 else 'es' if what.endswith('ch') else 's'}"


def amount(number: float, unit: str) -> str:
    """A number with a decimal prefix and three digits: 12,300,000 bytes are 12.3 MB."""
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor * 0.9995:
            scaled = number / factor
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{digits}f} {prefix}{unit}"
    return f"{number:.0f} {unit}"
