"""Cubes become tidy tables: one row per cell, axes as columns.

This file knows how labels are written as text and which columns a cell has. It knows nothing of plots or files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ..cube import Axis, Cube, union_axes

if TYPE_CHECKING:
    from ..record import Record

    Extra = Cube | np.ndarray | float | int | None

CELL_STARTS = ("value", "norm")  # the first column that is not a coordinate


def frame_of(cube: Cube | Record, low: Extra = None, high: Extra = None, n: Extra = None) -> pl.DataFrame:
    """Return the tidy table of a cube or a record.

    Columns are the axes (with their coordinates as `axis.coordinate`), then `value` (`norm` where cells are vectors),
    a record's further fields, `low`, `high`, `n` and `reason` (null where the cell was computed). `low`, `high` and `n`
    may be cubes, arrays of the cube's shape or numbers. An axis whose name is one of these columns becomes
    `name (axis)`.
    """
    fields = dict(getattr(cube, "fields", None) or {"value": cube})
    if "value" not in fields:  # a record without a main value shows its first field
        first = next(iter(fields))
        fields = {"value": fields.pop(first), **fields}
    given = {"low": low, "high": high, "n": n}
    fields |= {name: part for name, part in given.items() if part is not None}
    cubes = [part for part in fields.values() if isinstance(part, Cube)]
    axes = union_axes(cubes)
    columns = _axis_columns(axes, {*fields, *CELL_STARTS, "reason"})
    shape = tuple(len(a) for a in axes)
    main = fields["value"].expand(axes)
    for name, part in fields.items():
        title = "norm" if name == "value" and main.feature else name
        columns[title] = _cells(part, axes, shape)
    columns["reason"] = _reasons(main)
    frame = pl.DataFrame({name: series.alias(name) for name, series in columns.items()})
    values = pl.col("norm" if main.feature else "value")
    if frame.select(values).dtypes[0].is_float():
        lost = values.is_nan().fill_null(False) & pl.col("reason").is_null()
        frame = frame.with_columns(
            pl.when(lost).then(pl.lit("the value is not a number")).otherwise("reason").alias("reason")
        )
    ends = [c for c in ("low", "high") if c in frame.columns and frame[c].dtype.is_float()]
    frame = frame.with_columns(pl.col(ends).fill_nan(None))
    blank = pl.col("reason").is_not_null()
    measured = [c for c in frame.columns if c in fields or c == "norm"]
    frame = frame.with_columns(pl.when(blank).then(None).otherwise(pl.col(c)).alias(c) for c in measured if c != "n")
    tail = [c for c in ("low", "high", "n", "reason") if c in frame.columns]
    return frame.select([c for c in frame.columns if c not in tail] + tail)


def axis_columns(frame: pl.DataFrame) -> list[str]:
    """Return the columns of a tidy table that say which cell a row is, in order."""
    ends = [at for at, name in enumerate(frame.columns) if name in CELL_STARTS]
    return frame.columns[: ends[0]] if ends else []


def is_coordinate(name: str, columns: list[str]) -> bool:
    """Say whether a column only describes another one: `axis.coordinate`, `set[0]`, `size(set)`."""
    others = [c for c in columns if c != name]
    return any(name.startswith((f"{other}.", f"{other}[")) or name == f"size({other})" for other in others)


def labelled(frame: pl.DataFrame, labels: dict[str, object]) -> pl.DataFrame:
    """Put a column for each label before a frame, typed as an axis of that label is."""
    columns = (_typed([v], unique=True).alias(name).new_from_index(0, frame.height) for name, v in labels.items())
    return frame.select([*columns, pl.all()])


def shown_labels(frame: pl.DataFrame, axis: str) -> pl.Series:
    """Return an axis column as a reader knows it: tokens by their text where all items share it.

    Where they do not, a token is known by its segment (`noun`, or `noun[1]` where the segment has several); where a
    text comes twice, its position is added.
    """
    text = f"{axis}.text"
    if text not in frame.columns:
        return frame[axis]
    pairs = frame.select(axis, text).unique(maintain_order=True)
    if pairs[axis].is_duplicated().any():
        return frame[axis]
    labels, texts = [str(v) for v in pairs[axis]], pairs[text].to_list()
    names = [label if words is None else words for label, words in zip(map(_alone(labels), labels), texts, strict=True)]
    names = [f"{name} ({label})" if names.count(name) > 1 else name for name, label in zip(names, labels, strict=True)]
    return frame[axis].replace_strict(pairs[axis], pl.Series(names), return_dtype=pl.String)


def table_labels(frame: pl.DataFrame, axis: str, between: str = " ") -> pl.Series:
    """Return an axis column as a selection writes it, `joint[0]`; behind it the token's text, where all items share it.

    Plots, which have less room, show the text alone: `shown_labels`.
    """
    text = f"{axis}.text"
    if text not in frame.columns or frame[text].null_count() == frame.height:
        return frame[axis]
    pairs = zip(frame[axis], frame[text], strict=True)
    shown = [f"{label}{between}{' '.join((words or '').split())}".rstrip(" ") for label, words in pairs]
    return pl.Series(axis, shown)


def _alone(labels: list[str]) -> Callable[[str], str]:
    """The function that leaves the index out of a label whose segment has one token."""
    segments = [label.partition("[")[0] for label in labels]
    return lambda label: label if segments.count(name := label.partition("[")[0]) > 1 else name


def label_text(label: Hashable) -> str:
    """Write a label as text that is the same in every process: `(3, 7)` is `3+7`, nothing is `none`."""
    if label is None:
        return "none"
    if isinstance(label, str):
        return label
    if isinstance(label, (tuple, list, frozenset)):
        parts = sorted(label, key=str) if isinstance(label, frozenset) else label
        return "+".join(label_text(part) for part in parts) or "empty"
    if isinstance(label, float):
        return f"{label:g}"
    name = getattr(label, "name", None)
    return name if isinstance(name, str) else str(label)


def _axis_columns(axes: Sequence[Axis], taken: set[str]) -> dict[str, pl.Series]:
    """One column per axis and coordinate, repeated so that the last axis runs fastest."""
    columns: dict[str, pl.Series] = {}
    shape = [len(a) for a in axes]
    for at, axis in enumerate(axes):
        inner = math.prod(shape[at + 1 :])
        outer = math.prod(shape[:at])
        index = pl.Series(np.tile(np.repeat(np.arange(len(axis)), inner), outer))
        for name, series in _label_columns(axis).items():
            columns[f"{name} (axis)" if name in taken else name] = series.gather(index)
    return columns


def _label_columns(axis: Axis) -> dict[str, pl.Series]:
    """The columns of one axis, one entry per label: itself, the parts of set labels, the coordinates."""
    columns = {axis.name: _typed(axis.labels, unique=True)}
    if any(isinstance(label, tuple) for label in axis.labels):
        sets = [label if isinstance(label, tuple) else (label,) for label in axis.labels]
        columns[f"{axis.name}[0]"] = _typed([s[0] if s else None for s in sets])
        columns[f"{axis.name}[-1]"] = _typed([s[-1] if s else None for s in sets])
        columns[f"size({axis.name})"] = pl.Series([len(s) for s in sets], dtype=pl.Int64)
    for name, values in axis.coords.items():
        columns[f"{axis.name}.{name}"] = _typed(values)
    return columns


def _typed(labels: Sequence, unique: bool = False) -> pl.Series:
    """Numbers and truth values keep their type, anything else becomes text; None is null, or `none` among labels."""
    present = [label for label in labels if label is not None or unique]
    plain = [label.item() if isinstance(label, np.generic) else label for label in present]
    for kinds, dtype in (((bool,), pl.Boolean), ((int,), pl.Int64), ((int, float), pl.Float64)):
        if plain and all(isinstance(v, kinds) and (bool in kinds or not isinstance(v, bool)) for v in plain):
            return pl.Series([None if v is None else dtype.to_python()(v) for v in labels], dtype=dtype)
    texts = [None if label is None and not unique else label_text(label) for label in labels]
    if unique:
        texts = _told_apart(texts)
    return pl.Series(texts, dtype=pl.String)


def _told_apart(texts: list[str]) -> list[str]:
    """Number later labels that read the same as an earlier one, such as 1 and "1"."""
    seen: dict[str, int] = {}
    found = []
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
        found.append(text if seen[text] == 1 else f"{text} ({seen[text]})")
    return found


def _cells(part: Extra, axes: Sequence[Axis], shape: tuple[int, ...]) -> pl.Series:
    """Flatten one field over all axes; vectors become their norm."""
    if isinstance(part, Cube):
        whole = part.expand(axes)
        values = whole.values
        if whole.feature:
            flat = values.reshape(shape + (-1,)).astype(float)
            values = np.sqrt(np.square(flat).sum(axis=-1))
        present = whole.present().ravel()
    else:
        values = np.broadcast_to(np.asarray(part), shape)
        present = np.ones(values.size, dtype=bool)
    flat = values.reshape(-1)
    if flat.dtype == object:
        return _typed([v if ok else None for v, ok in zip(flat.tolist(), present.tolist(), strict=True)])
    series = pl.Series(flat if flat.dtype.kind != "f" else flat.astype(float))
    return pl.select(pl.when(pl.Series(present)).then(series)).to_series()


def _reasons(cube: Cube) -> pl.Series:
    if cube.missing is None:
        return pl.repeat(None, math.prod(cube.shape), dtype=pl.String, eager=True)
    return pl.Series([None if r is None else str(r) for r in cube.missing.ravel().tolist()], dtype=pl.String)
