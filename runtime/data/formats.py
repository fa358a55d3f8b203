"""Reads rows from csv, tsv, jsonl, json and parquet, and says which line is wrong.

Knows formats and column types. Does not know keys, nor which files may be read.
"""

import csv
import json
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars

from ..errors import ProbeError


def read_frame(path: Path, limit: int | None = None) -> polars.DataFrame:
    """Read the first `limit` rows of a file, or all; raises ProbeError for a broken file or an unknown format."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(suffix[1:] for suffix in _READERS)
        raise ProbeError("unknown-format", f"{path.name!r} is not a kind of file that can be read.", f"Known: {known}.")
    frame = reader(path, limit)
    if not frame.columns:
        raise ProbeError("empty-file", f"{path.name} is empty.", "It has no rows, and so no columns.")
    doubled = [name for name in frame.columns if not name.strip()]
    if doubled:
        raise ProbeError(
            "unnamed-column", f"{path.name} has a column without a name.", "Name it in the first line, or leave it out."
        )
    return frame


def written_frame(text: str) -> polars.DataFrame:
    """Read the rows that a spec writes, as csv; spaces around a line do not count."""
    lines = "\n".join(line.strip() for line in text.strip().splitlines())
    try:
        frame = polars.read_csv(lines.encode(), infer_schema=False)
    except polars.exceptions.PolarsError as error:
        raise ProbeError("bad-rows", f"the rows written in the spec are not csv: {error}") from None
    return frame.with_columns(typed(column) for column in frame.get_columns())


def rows_to_frame(rows: Sequence[dict[str, Any]], where: str) -> polars.DataFrame:
    """Build a frame from records; missing fields are empty. Raises ProbeError when a column mixes kinds of values."""
    kinds: dict[str, tuple[str, int]] = {}
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise ProbeError("bad-row", f"{where}, row {number} is not an object with named fields.")
        for name, value in row.items():
            kind = _kind(value)
            first, before = kinds.setdefault(name, (kind, number)) if kind else (kind, number)
            if kind != first:
                message = f"{where}, row {number}: {name!r} is {kind}, but {first} in row {before}."
                raise ProbeError("mixed-types", message, "Write all values of a column in the same way.")
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: polars.Series(name, [row.get(name) for row in rows], strict=False) for name in names}
    return polars.DataFrame(columns)


def _kind(value: Any) -> str:
    if value is None:
        return ""
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a record"}
    return next((kinds[kind] for kind in (bool, int, float, str, list, dict) if isinstance(value, kind)), "other")


def _csv(path: Path, limit: int | None, separator: str = ",") -> polars.DataFrame:
    _check_header(path, separator)
    try:
        frame = polars.read_csv(path, separator=separator, infer_schema=False, n_rows=limit)
    except polars.exceptions.PolarsError as error:
        _find_bad_line(path, separator, limit)
        raise ProbeError(
            "bad-csv",
            f"{path.name} cannot be read: {str(error).splitlines()[0]}.",
            "Fields are separated by commas (tabs in a .tsv); quotes stand around whole fields.",
        ) from error
    if frame.width and frame.to_series(-1).null_count():
        _find_bad_line(path, separator, limit)
    return frame.with_columns(typed(column) for column in frame.get_columns())


def _tsv(path: Path, limit: int | None) -> polars.DataFrame:
    return _csv(path, limit, "\t")


def _check_header(path: Path, separator: str) -> None:
    with _open(path) as lines:
        try:
            header = next(csv.reader(lines, delimiter=separator), None)
        except UnicodeDecodeError as error:
            raise ProbeError("bad-encoding", f"{path.name} is not UTF-8.", "Save it as UTF-8.") from error
    if not header:
        raise ProbeError("empty-file", f"{path.name} is empty.", "Its first line names the columns.")
    if len(header) == 1 and separator == "," and (other := next((c for c in ";\t|" if c in header[0]), None)):
        raise ProbeError(
            "bad-csv",
            f"{path.name} has one column, {header[0]!r}, as if {other!r} separated the fields.",
            "Separate them with commas; with tabs in a .tsv.",
        )
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise ProbeError("duplicate-column", f"{path.name} has two columns named {twice!r}.", "Rename one of them.")


def _find_bad_line(path: Path, separator: str, limit: int | None) -> None:
    with _open(path) as lines:
        reader = csv.reader(lines, delimiter=separator, strict=True)
        try:
            width = len(next(reader))
            for row in islice(reader, limit):
                if row and len(row) != width:
                    message = f"{path.name}, line {reader.line_num} has {len(row)} fields; the first line has {width}."
                    raise ProbeError("bad-csv", message, "Put fields with a separator or a line break in quotes.")
        except csv.Error as error:
            raise ProbeError("bad-csv", f"{path.name}, line {reader.line_num}: {error}.") from error
        except UnicodeDecodeError as error:
            raise ProbeError("bad-encoding", f"{path.name} is not UTF-8.", "Save it as UTF-8.") from error


def _open(path: Path):
    return path.open(encoding="utf-8-sig", newline="")


def typed(column: polars.Series) -> polars.Series:
    """Read a text column as booleans or numbers when all of it is; `007` stays text."""
    values = column.drop_nulls()
    if not len(values):
        return column
    if values.str.to_lowercase().is_in(["true", "false"]).all():
        return column.str.to_lowercase() == "true"
    whole = values.cast(polars.Int64, strict=False)
    if not whole.null_count() and (whole.cast(polars.String) == values).all():
        return column.cast(polars.Int64)
    if values.str.contains(r"^[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$").all():
        return column.cast(polars.Float64)
    return column


def _json_lines(path: Path, limit: int | None) -> polars.DataFrame:
    rows = []
    with _open(path) as lines:
        for number, line in enumerate(lines, start=1):
            if limit is not None and len(rows) == limit:
                break
            if line.strip():
                rows.append(_parsed(line, f"{path.name}, line {number}"))
    return rows_to_frame(rows, path.name)


def _json(path: Path, limit: int | None) -> polars.DataFrame:
    rows = _parsed(path.read_text(encoding="utf-8-sig"), path.name)
    if not isinstance(rows, list):
        raise ProbeError(
            "bad-json",
            f"{path.name} should hold a list of objects.",
            'Such as [{"word": "key"}]; one a line is .jsonl.',
        )
    return rows_to_frame(rows[:limit], path.name)


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ProbeError(
            "bad-json",
            f"{where} is not valid JSON: {error.msg} at column {error.colno}.",
            "Is it whole? Strings and names take double quotes, and nothing stands behind the last value.",
        ) from error


def _parquet(path: Path, limit: int | None) -> polars.DataFrame:
    try:
        frame = polars.read_parquet(path, n_rows=limit)
    except polars.exceptions.PolarsError as error:
        raise ProbeError(
            "bad-parquet",
            f"{path.name} cannot be read as parquet: {str(error).splitlines()[0].rstrip('.')}.",
            "Is it whole? A file of another kind needs the ending of that kind: csv, tsv, jsonl or json.",
        ) from error
    return frame.with_columns(polars.selectors.categorical().cast(polars.String))


_READERS: dict[str, Callable[[Path, int | None], polars.DataFrame]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
}
