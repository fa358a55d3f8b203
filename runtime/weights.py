"""Squared norms of weights and of their differences, streamed from safetensors. Builds no model; sums in fp64.

Files are read in their own order, a few rows at a time, on a few threads: one reads while others widen and sum, so that
a disk never waits. The sums are of fixed parts in a fixed order: their bits depend neither on the number of threads nor
on how a model is cut into files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ProbeError
from .facts import ModelFacts
from .merged_weights import opened
from .stored_weights import StoredWeights
from .weight_layout import Reader, StoredTensor
from .weight_parts import FUSED, VOCABULARY, WeightPart

if TYPE_CHECKING:
    from torch import Tensor

PART = 1 << 20  # numbers that a thread takes at a time, in whole rows
CHUNK = 1 << 16  # numbers that are widened to fp64 at a time: they stay in the caches
THREADS = 2  # at most: reading takes turns, and one core sums as fast as a disk reads
Key = tuple[str, int | None]
Sums = dict[Key, tuple[float, float]]  # sums of squares of weights, and of what the others differ by


@dataclass(frozen=True)
class Piece:
    """A tensor, and the one beside it that its weights are subtracted from, of which the first `rows` are compared."""

    part: WeightPart
    facts: ModelFacts
    weights: StoredTensor
    others: StoredTensor | None
    rows: int

    def cuts(self) -> Iterator[tuple[int, int]]:
        """Yield (first row, rows): about PART numbers, and whole heads where a projection is fused by heads."""
        unit = 3 * self.facts.d_head if self._by_heads else 1
        step = max(PART // max(unit * self.weights.columns, 1), 1) * unit
        for first in range(0, self.rows, step):
            yield first, min(step, self.rows - first)

    def split(self, rows: Tensor) -> dict[Key, Tensor]:
        """Return the weights of each part in some rows; a fused projection has three."""
        part, layer = self.part.part, self.part.layer
        if part != "attn.qkv":
            return {(part, layer): rows}
        if self._by_heads:
            thirds = rows.view(-1, 3, self.facts.d_head, self.weights.columns).unbind(1)
        else:
            thirds = rows.chunk(3, dim=1)
        return {(f"attn.{letter}", layer): third for letter, third in zip("qkv", thirds, strict=True)}

    @property
    def _by_heads(self) -> bool:
        return self.part.part == "attn.qkv" and FUSED[self.facts.arch] == "per_head_rows"


def part_norms(directory: Path, adapters: Sequence[Path] = ()) -> dict[Key, float]:
    """Return the sum of squares of each (part, layer), with adapters merged in; layer is None outside the blocks."""
    weights = opened(directory, adapters)
    pieces = [_piece(weights, name, None) for name in weights.names]
    return {key: norm for key, (norm, _) in _sums(pieces).items()}


def part_diff_norms(
    directory_a: Path, directory_b: Path, adapters_a: Sequence[Path] = (), adapters_b: Sequence[Path] = ()
) -> dict[Key, tuple[float, float]]:
    """Return (sum of squares of a-b, of b) for each (part, layer), with adapters merged in.

    Where vocabularies differ in size, both sums are over the rows that both have. Where one model ties its unembedding
    to its embedding and the other does not, the embedding stands in. Other differences in shape are `weights-differ`.
    """
    a, b = opened(directory_a, adapters_a), opened(directory_b, adapters_b)
    if a.facts.arch != b.facts.arch:
        raise ProbeError("weights-differ", f"{directory_a} is {a.facts.arch}, but {directory_b} is {b.facts.arch}")
    pieces = [_piece(b, name, a) for name in sorted({*a.names, *b.names})]
    return {key: (difference, norm) for key, (norm, difference) in _sums(pieces).items()}


def _piece(model: StoredWeights, name: str, other: StoredWeights | None) -> Piece:
    part, weights = model.part(name), model.place(name)
    if other is None:
        return Piece(part, model.facts, weights, None, weights.rows)
    theirs, rows = other.place(name), weights.rows
    part = other.part(name) if name not in model.parts else part
    same = weights.shape == theirs.shape
    if part.part in VOCABULARY:
        rows, same = min(rows, theirs.rows), weights.shape[1:] == theirs.shape[1:]
    if not same:
        raise ProbeError(
            "weights-differ",
            f"{name} is {list(theirs.shape)} in {other.directory}, {list(weights.shape)} in {model.directory}",
        )
    return Piece(part, model.facts, weights, theirs, rows)


def _sums(pieces: Sequence[Piece]) -> Sums:
    """Sums of squares of weights, and of what the others differ by, by key, in the order of the pieces."""
    apart: list[Sums] = [{} for _ in pieces]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = min(THREADS, cores)
    with _one_thread_each(), Reader() as reader, ThreadPoolExecutor(threads) as pool:
        # Parts are handed out as they are wanted: a few for each thread, never those of a whole model.
        waiting: list[tuple[int, Future]] = []
        for place in sorted(range(len(pieces)), key=lambda n: (str(pieces[n].weights.path), pieces[n].weights.start)):
            for first, count in pieces[place].cuts():
                waiting.append((place, pool.submit(_sums_of_rows, reader, pieces[place], first, count)))
                if len(waiting) > 2 * threads:
                    then, task = waiting.pop(0)
                    _add(apart[then], task.result())
        for then, task in waiting:
            _add(apart[then], task.result())
    sums: Sums = {}
    for more in apart:
        _add(sums, more)
    return sums


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Within the block torch shares no operation among threads: on a few thousand numbers they would only wait."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _add(sums: Sums, more: Sums) -> None:
    for key, (norm, difference) in more.items():
        before = sums.get(key, (0.0, 0.0))
        sums[key] = (before[0] + norm, before[1] + difference)


def _sums_of_rows(reader: Reader, piece: Piece, first: int, count: int) -> Sums:
    if piece.others is None:
        (rows,) = reader.rows((piece.weights, first, count))
        return {key: _sums_of_squares(own, None) for key, own in piece.split(rows).items()}
    rows, others = reader.rows((piece.weights, first, count), (piece.others, first, count))
    theirs = piece.split(others)
    return {key: _sums_of_squares(own, theirs[key]) for key, own in piece.split(rows).items()}


def _sums_of_squares(weights: Tensor, others: Tensor | None) -> tuple[float, float]:
    import torch

    weights, others = weights.reshape(-1), None if others is None else others.reshape(-1)
    wide = torch.empty(2, min(CHUNK, len(weights)), dtype=torch.float64)
    norm = difference = 0.0
    for start in range(0, len(weights), CHUNK):
        part = weights[start : start + CHUNK]
        mine = wide[0, : len(part)].copy_(part)
        norm += float(torch.dot(mine, mine))
        if others is not None:
            rest = wide[1, : len(part)].copy_(others[start : start + CHUNK]).sub_(mine)
            difference += float(torch.dot(rest, rest))
    return norm, difference
