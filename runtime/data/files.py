"""Datasets from files and from frames, and the types of their columns.

Knows how a read frame gets keys. Does not know formats in detail, nor the hub.
"""

from pathlib import Path

import polars

from .formats import read_frame
from .keys import column_keys, content_keys
from .paths import locate
from .table import Table, require_column


def read(
    path: str | Path, *, root: str | Path, limit: int | None = None, key: str | None = None, allow_outside: bool = False
) -> Table:
    """Read a csv, tsv, jsonl, ndjson, json or parquet file under `root`; rows are keyed by `key`, else by content.

    `limit` keeps the first rows. Raises ProbeError for a path outside, a missing or broken file, and bad keys.
    """
    return from_frame(read_frame(locate(path, root=root, allow_outside=allow_outside), limit), key=key)


def from_frame(frame: polars.DataFrame, *, key: str | None = None) -> Table:
    """Give the rows of a frame their keys; raises ProbeError when the key column is missing, empty or not unique."""
    if key is None:
        return Table(frame, content_keys(frame.iter_rows(named=True)))
    require_column(key, frame.columns)
    return Table(frame, column_keys(key, frame.get_column(key).to_list()))


def column_types(frame: polars.DataFrame) -> dict[str, str]:
    """Name the type of each column in the words of the language."""
    return {name: _type_name(dtype) for name, dtype in frame.schema.items()}


def _type_name(dtype: polars.DataType) -> str:
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    if dtype.is_temporal():
        return "time"
    names = {polars.String: "text", polars.Boolean: "boolean", polars.List: "list", polars.Struct: "record"}
    return names.get(dtype.base_type(), "unknown")
