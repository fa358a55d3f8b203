"""Result kinds that follow from the kinds of the arguments. Imports nothing heavy: the checker calls these."""

from __future__ import annotations

from ..compiler.kinds import Dataset, Direction, Kind, Model, Vector


def keeps_vectors(kinds: dict[str, type[Kind]]) -> type[Kind] | None:
    """The mean of vectors is a vector; None leaves the signature's own result."""
    return Direction if issubclass(kinds["x"], Vector) else None


def dataset_if_split(kinds: dict[str, type[Kind]]) -> type[Kind]:
    """The hub has models, and with a split datasets."""
    return Dataset if "split" in kinds else Model
