"""Datasets from files and from rows written in a spec, and what can be said of a file from its head.

Knows how a read frame gets keys. Does not know formats in detail, nor the hub.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars

from .formats import read_frame, rows_to_frame
from .keys import column_keys, content_keys
from .paths import locate
from .table import Table, require_column

HEAD = 100


def read(
    path: str | Path, *, root: str | Path, limit: int | None = None, key: str | None = None, allow_outside: bool = False
) -> Table:
    """Read a csv, tsv, jsonl, ndjson, json or parquet file under `root`; rows are keyed by `key`, else by content.

    `limit` keeps the first rows. Raises ProbeError for a path outside, a missing or broken file, and bad keys.
    """
    return from_frame(read_frame(locate(path, root=root, allow_outside=allow_outside), limit), key=key)


def inline(rows: Sequence[dict[str, Any]], *, key: str | None = None) -> Table:
    """Make a dataset of rows written in a spec."""
    return from_frame(rows_to_frame(rows, "the rows"), key=key)


def from_frame(frame: polars.DataFrame, *, key: str | None = None) -> Table:
    """Give the rows of a frame their keys; raises ProbeError when the key column is missing, empty or not unique."""
    if key is None:
        return Table(frame, content_keys(frame.iter_rows(named=True)))
    require_column(key, frame.columns)
    return Table(frame, column_keys(key, frame.get_column(key).to_list()))


def columns(path: str | Path, *, root: str | Path, allow_outside: bool = False) -> dict[str, str]:
    """Give the columns of a file and their types, from a parquet file's schema or the first 100 rows of another.

    The types are text, integer, number, boolean, time, list, record and unknown (nothing but empty values).
    """
    found = locate(path, root=root, allow_outside=allow_outside)
    limit = 0 if found.suffix.lower() == ".parquet" else HEAD
    return column_types(read_frame(found, limit))


def column_types(frame: polars.DataFrame) -> dict[str, str]:
    """Name the type of each column in the words of the language."""
    return {name: _type_name(dtype) for name, dtype in frame.schema.items()}


def constant_columns(table: Table) -> dict[str, Any]:
    """Give the columns that have one and the same value in all of at least two rows, with that value."""
    if len(table) < 2:
        return {}
    return {
        name: table.frame.get_column(name)[0]
        for name in table.columns
        if len(set(map(repr, table.frame.get_column(name).to_list()))) == 1
    }


def _type_name(dtype: polars.DataType) -> str:
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    if dtype.is_temporal():
        return "time"
    names = {polars.String: "text", polars.Boolean: "boolean", polars.List: "list", polars.Struct: "record"}
    return names.get(dtype.base_type(), "unknown")
