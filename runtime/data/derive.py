"""New datasets from old ones: derived columns, kept rows, unions and joins.

Knows that keys follow their rows. Does not know expressions: values and masks come computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars

from ..errors import ProbeError
from .table import Table


@dataclass(frozen=True)
class Joined:
    """A join and how many rows each side had."""

    table: Table
    kept: int
    left: int
    right: int


def derive(table: Table, name: str, values: Sequence[Any]) -> Table:
    """Add a column, one value per row; raises ProbeError when the name is taken."""
    if name in table.columns:
        raise ProbeError("column-exists", f"There is already a column {name!r}.", "Choose another name.")
    if len(values) != len(table):
        raise ValueError(f"{len(values)} values for {len(table)} rows")
    return Table(table.frame.with_columns(polars.Series(name, list(values), strict=False)), table.keys)


def keep(table: Table, mask: Sequence[bool | None]) -> Table:
    """Keep the rows where the mask is true; where it is unknown, the row goes."""
    if len(mask) != len(table):
        raise ValueError(f"{len(mask)} flags for {len(table)} rows")
    return table.take([index for index, flag in enumerate(mask) if flag])


def concat(tables: Sequence[Table]) -> Table:
    """Put datasets with the same columns below each other; raises ProbeError for other columns or shared keys."""
    first = tables[0]
    for other in tables[1:]:
        if set(other.columns) != set(first.columns):
            odd = ", ".join(sorted(set(other.columns) ^ set(first.columns)))
            raise ProbeError("columns-differ", f"Only some of these datasets have: {odd}.")
    keys = tuple(key for table in tables for key in table.keys)
    twice = len(keys) - len(set(keys))
    if twice:
        raise ProbeError("duplicate-key", f"{twice} rows are in more than one of these datasets.")
    try:
        frame = polars.concat([table.frame.select(first.columns) for table in tables], how="vertical_relaxed")
    except polars.exceptions.PolarsError as error:
        raise ProbeError("columns-differ", f"The columns of these datasets differ in type: {error}") from error
    return Table(frame, keys)


def join(left: Table, right: Table) -> Joined:
    """Keep the rows whose key is in both, in the order of `left`, with the columns of both.

    A column that both have must agree; raises ProbeError otherwise.
    """
    places = {key: index for index, key in enumerate(right.keys)}
    shared = [index for index, key in enumerate(left.keys) if key in places]
    kept = left.take(shared)
    matching = right.take([places[key] for key in kept.keys])
    for name in matching.columns:
        if name not in kept.columns:
            kept = derive(kept, name, matching.column(name))
        elif kept.column(name) != matching.column(name):
            raise ProbeError("column-clash", f"Both sides have a column {name!r}, and its values differ.")
    return Joined(kept, len(kept), len(left), len(right))
