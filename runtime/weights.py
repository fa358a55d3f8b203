"""Squared norms of weights and of their differences, streamed from safetensors. Builds no model; sums in fp64."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ProbeError
from .facts import ModelFacts, model_facts
from .sites import architecture
from .weight_files import weight_files
from .weight_parts import FUSED, PREFIX, VOCABULARY, WeightPart, weight_part

if TYPE_CHECKING:
    from torch import Tensor

ROWS_AT_ONCE = 1 << 22  # numbers that are widened to fp64 at a time
Key = tuple[str, int | None]


def part_norms(directory: Path) -> dict[Key, float]:
    """Return the sum of squares of each (part, layer); layer is None outside the blocks."""
    sums: dict[Key, float] = {}
    weights = StoredWeights(directory)
    for name in weights.names:
        for key, piece in weights.pieces(name):
            sums[key] = sums.get(key, 0.0) + _sum_of_squares(piece)
    return sums


def part_diff_norms(directory_a: Path, directory_b: Path) -> dict[Key, tuple[float, float]]:
    """Return (sum of squares of a-b, of b) for each (part, layer).

    Where vocabularies differ in size, both sums are over the rows that both have. Where one model ties its unembedding
    to its embedding and the other does not, the embedding stands in. Other differences in shape are `weights-differ`.
    """
    a, b = StoredWeights(directory_a), StoredWeights(directory_b)
    if a.facts.arch != b.facts.arch:
        raise ProbeError("weights-differ", f"{directory_a} is {a.facts.arch}, but {directory_b} is {b.facts.arch}")
    sums: dict[Key, tuple[float, float]] = {}
    for name in sorted({*a.names, *b.names}):
        for (key, of_a), (_, of_b) in zip(a.pieces(name), b.pieces(name), strict=True):
            if key[0] in VOCABULARY:
                rows = min(len(of_a), len(of_b))
                of_a, of_b = of_a[:rows], of_b[:rows]
            if of_a.shape != of_b.shape:
                raise ProbeError(
                    "weights-differ",
                    f"{name} is {list(of_a.shape)} in {directory_a}, {list(of_b.shape)} in {directory_b}",
                )
            difference, norm = sums.get(key, (0.0, 0.0))
            sums[key] = (difference + _sum_of_squares(of_a, of_b), norm + _sum_of_squares(of_b))
    return sums


class StoredWeights:
    """Look up one model's tensors by name, without reading more than is asked for."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        config = self.directory / "config.json"
        if not config.is_file():
            raise ProbeError("bad-model-config", f"{directory} has no config.json")
        self.facts: ModelFacts = model_facts(json.loads(config.read_text()))
        architecture(self.facts.arch)
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
        from safetensors import safe_open

        path, stored = self._stored(name)
        with safe_open(path, framework="pt") as file:
            return file.get_tensor(stored)

    def _index(self, path: Path) -> None:
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
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


def _sum_of_squares(tensor: Tensor, minus: Tensor | None = None) -> float:
    total, rows = 0.0, tensor.reshape(-1, tensor.shape[-1])
    others = None if minus is None else minus.reshape(rows.shape)
    step = max(1, ROWS_AT_ONCE // rows.shape[1])
    for start in range(0, len(rows), step):
        block = rows[start : start + step].double()
        if others is not None:
            block = block - others[start : start + step].double()
        total += float(block.square().sum())
    return total
