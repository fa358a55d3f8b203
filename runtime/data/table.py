"""A dataset in memory: columns, and a key for every row.

Knows how to look a column up and say which one was meant. Does not know files or splits.
"""

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars

from ..errors import ProbeError


@dataclass(frozen=True, eq=False)
class Table:
    """Rows in order; `keys` are unique and follow their rows through every operation."""

    frame: polars.DataFrame
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.frame.height != len(self.keys):
            raise ValueError(f"{self.frame.height} rows, {len(self.keys)} keys")

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.frame.columns)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all keys, column names and values, and of their types: a prompt spells 1 and 1.0 apart."""
        digest = hashlib.blake2b(repr(self.columns).encode(), digest_size=16)
        for key, row in zip(self.keys, self.frame.iter_rows(), strict=True):
            digest.update(f"\0{key}\0{row!r}".encode())
        return digest.hexdigest()

    def rows(self) -> list[dict[str, Any]]:
        """Give every row as a dictionary."""
        return self.frame.to_dicts()

    def column(self, name: str) -> list[Any]:
        """Give a column's values; raises ProbeError when there is none of that name."""
        require_column(name, self.columns)
        return self.frame.get_column(name).to_list()

    def take(self, indices: Sequence[int]) -> "Table":
        """Give the rows at some indices, in that order."""
        return Table(self.frame[list(indices)], tuple(self.keys[index] for index in indices))


def require_column(name: str, columns: Sequence[str]) -> None:
    """Raise ProbeError with the nearest name unless a column exists."""
    if name in columns:
        return
    near = difflib.get_close_matches(name, columns, n=1)
    help = f"Did you mean {near[0]!r}?" if near else f"The columns are {', '.join(columns) or 'none'}."
    raise ProbeError("unknown-column", f"There is no column {name!r}.", help)
