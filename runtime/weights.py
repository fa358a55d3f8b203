"""Squared norms of weights and of their differences, streamed from safetensors. Builds no model; sums in fp64.

Files are mapped, not read: numbers are widened a cache-full at a time, on a few threads. The sums are of fixed parts in
a fixed order, so that their bits do not depend on the number of threads.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ProbeError
from .facts import ModelFacts, model_facts
from .sites import architecture
from .weight_files import weight_files
from .weight_parts import FUSED, PREFIX, VOCABULARY, WeightPart, weight_part

if TYPE_CHECKING:
    from safetensors import safe_open
    from torch import Tensor

PART = 1 << 22  # numbers that a thread takes at a time
CHUNK = 1 << 17  # numbers that are widened to fp64 at a time: they stay in the caches
THREADS = 4  # at most; a disk is not read faster by more
Key = tuple[str, int | None]
Piece = tuple[Key, "Tensor", "Tensor | None"]  # weights, and others that they are subtracted from
Sums = dict[Key, tuple[float, float]]  # sums of squares of weights, and of differences


def part_norms(directory: Path) -> dict[Key, float]:
    """Return the sum of squares of each (part, layer); layer is None outside the blocks."""
    weights = StoredWeights(directory)
    pieces = ((key, piece, None) for name in weights.names for key, piece in weights.pieces(name))
    return {key: norm for key, (norm, _) in _sums(pieces).items()}


def part_diff_norms(directory_a: Path, directory_b: Path) -> dict[Key, tuple[float, float]]:
    """Return (sum of squares of a-b, of b) for each (part, layer).

    Where vocabularies differ in size, both sums are over the rows that both have. Where one model ties its unembedding
    to its embedding and the other does not, the embedding stands in. Other differences in shape are `weights-differ`.
    """
    a, b = StoredWeights(directory_a), StoredWeights(directory_b)
    if a.facts.arch != b.facts.arch:
        raise ProbeError("weights-differ", f"{directory_a} is {a.facts.arch}, but {directory_b} is {b.facts.arch}")
    return {key: (difference, norm) for key, (norm, difference) in _sums(_pairs(a, b)).items()}


def _pairs(a: StoredWeights, b: StoredWeights) -> Iterator[Piece]:
    """The weights of `b` beside those of `a`, of the rows and parts that both have."""
    for name in sorted({*a.names, *b.names}):
        for (key, of_a), (_, of_b) in zip(a.pieces(name), b.pieces(name), strict=True):
            if key[0] in VOCABULARY:
                rows = min(len(of_a), len(of_b))
                of_a, of_b = of_a[:rows], of_b[:rows]
            if of_a.shape != of_b.shape:
                raise ProbeError(
                    "weights-differ",
                    f"{name} is {list(of_a.shape)} in {a.directory}, {list(of_b.shape)} in {b.directory}",
                )
            yield key, of_b, of_a


def _sums(pieces: Iterable[Piece]) -> Sums:
    """Sums of squares of weights, and of what is left of the others without them, by key."""
    sums: Sums = {}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = min(THREADS, cores)
    with _one_thread_each(), ThreadPoolExecutor(threads) as pool:
        # Parts are made as they are wanted: a few for each thread, never those of a whole model.
        waiting: list[tuple[Key, Future]] = []
        for key, weights, others in pieces:
            flat, other = weights.reshape(-1), None if others is None else others.reshape(-1)
            for start in range(0, len(flat), PART):
                part = slice(start, start + PART)
                task = pool.submit(_sums_of_squares, flat[part], None if other is None else other[part])
                waiting.append((key, task))
                if len(waiting) > 2 * threads:
                    _add(sums, *waiting.pop(0))
        for key, task in waiting:
            _add(sums, key, task)
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


def _add(sums: Sums, key: Key, task: Future) -> None:
    norm, difference = sums.get(key, (0.0, 0.0))
    more = task.result()
    sums[key] = (norm + more[0], difference + more[1])


def _sums_of_squares(weights: Tensor, others: Tensor | None) -> tuple[float, float]:
    import torch

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


class StoredWeights:
    """Look up one model's tensors by name, without reading more than is asked for."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        config = self.directory / "config.json"
        if not config.is_file():
            raise ProbeError("bad-model-config", f"{directory} has no config.json")
        self.facts: ModelFacts = model_facts(json.loads(config.read_text()))
        architecture(self.facts.arch)
        self.files: dict[Path, safe_open] = {}
        self.parts: dict[str, WeightPart] = {}
        self.stored: dict[str, tuple[Path, str]] = {}
        for path in weight_files(self.directory):
            self._index(path)
        self.names = sorted(self.parts)

    def pieces(self, name: str) -> Iterator[tuple[Key, Tensor]]:
        """Yield the parts in the tensor `name` with their weights; a fused projection has three."""
        part = self.parts.get(name) or WeightPart("unembed", None)
        tensor = self.tensor(name)
        if part.part != "attn.qkv":
            yield (part.part, part.layer), tensor
            return
        for letter, piece in zip("qkv", _thirds(tensor, self.facts), strict=True):
            yield (f"attn.{letter}", part.layer), piece

    def tensor(self, name: str) -> Tensor:
        """Return the tensor `name`, without the prefix of the bare model; a tied unembedding is the embedding."""
        path, stored = self._stored(name)
        return self.files[path].get_tensor(stored)  # mapped: nothing is read yet

    def _index(self, path: Path) -> None:
        from safetensors import SafetensorError, safe_open

        try:
            file = self.files[path] = safe_open(path, framework="pt")
        except SafetensorError as error:
            raise ProbeError("weights-damaged", f"{path} cannot be read: {error}", "download it again") from None
        for stored in file.keys():
            name = PREFIX.sub("", stored)
            try:
                part = weight_part(name, self.facts.arch)
            except KeyError:
                raise ProbeError(
                    "unknown-weight",
                    f"{path}: no part is known for {name!r}",
                    "add it to PARTS in runtime/weight_parts.py",
                ) from None
            if part is not None:
                self.parts[name], self.stored[name] = part, (path, stored)

    def _stored(self, name: str) -> tuple[Path, str]:
        if name in self.stored:
            return self.stored[name]
        if name.startswith(("lm_head.", "embed_out.")):
            # Called by its other name, or tied to the embedding.
            by_part = {part.part: self.stored[other] for other, part in self.parts.items()}
            return by_part.get("unembed") or by_part["embed"]
        raise ProbeError("weights-differ", f"{self.directory} has no {name}, which the other model has")


def _thirds(tensor: Tensor, facts: ModelFacts) -> tuple[Tensor, ...]:
    if FUSED[facts.arch] == "columns":
        return tensor.chunk(3, dim=1)
    return tensor.view(facts.n_heads, 3, facts.d_head, -1).unbind(1)
