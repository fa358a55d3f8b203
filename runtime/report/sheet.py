"""How a tidy table is laid out for a reader: which columns, which rows, long or as a grid.

Knows nothing of terminals or HTML; both draw a `Sheet`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import polars as pl

from ..results import Result
from .frame import axis_columns, is_coordinate, table_labels
from .numbers import interval_style, is_number, plain, probability, style

P_COLUMNS = ("p", "adjusted")
LONG = 12  # rows of a list that are read at a glance
GRID_ROWS = 24
GRID_CELLS = 2000
BLANK = "·"

Fixed = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sheet:
    """A table as text.

    `numeric` says which columns align right; `fixed` is what all rows share; `left_out` counts the rows that are not
    shown and `chosen_by` says which are; `across` names the axis of a grid's columns; `missing` counts cells by reason.
    """

    titles: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    fixed: Fixed = ()
    left_out: int = 0
    chosen_by: str = ""
    across: str = ""
    missing: tuple[tuple[str, int], ...] = ()


def layout(result: Result, width: int) -> Sheet:
    """Choose a list or a grid for a table of `width` characters."""
    return grid(result, width) or listing(result, most_rows(result.frame))


def most_rows(frame: pl.DataFrame) -> int:
    """Say how many rows a list may have at once: more where elements of a list bring axes of their own.

    Such a table has no grid, and of its rows the few without an inner label are those to compare the others with.
    """
    return GRID_ROWS if uneven(frame) else LONG


def uneven(frame: pl.DataFrame) -> bool:
    """Say whether some rows have no label on some axis."""
    return any(frame[axis].null_count() for axis in varying(frame)[0])


def varying(frame: pl.DataFrame) -> tuple[list[str], Fixed]:
    """Split the axes into those with several labels, in order, and what all rows share."""
    columns = axis_columns(frame)
    names = [c for c in columns if not is_coordinate(c, columns)]
    several = [c for c in names if frame[c].n_unique() > 1]
    shared = [c for c in (*names, "n") if c in frame.columns and c not in several and frame[c].n_unique() == 1]
    return several, tuple((c, cell_text(frame[c][0])) for c in shared)


def grid(result: Result, width: int) -> Sheet | None:
    """Lay out one axis across and the others down; None where a list reads better or nothing fits."""
    if result.kind not in ("number", "boolean") or not LONG < result.frame.height <= GRID_CELLS:
        return None
    axes, fixed = varying(result.frame)
    if len(axes) < 2 or uneven(result.frame) or result.frame.select(axes).is_duplicated().any():
        return None
    frame = result.frame.with_columns(table_labels(result.frame, a).alias(a) for a in axes)
    write = style(frame["value"].to_list(), small=False)
    cells = [BLANK if v is None else write(v) for v in frame["value"]]
    for across in sorted(reversed(axes), key=lambda a: frame[a].n_unique()):
        down = [a for a in axes if a != across]
        wide = frame.with_columns(table_labels(result.frame, across, "\n").alias(across))
        labels = wide[across].unique(maintain_order=True).to_list()
        heads = list(map(cell_text, labels))
        keys = frame.select(down).unique(maintain_order=True).rows()
        room = sum(max(len(a), *(len(cell_text(k[i])) for k in keys)) + 1 for i, a in enumerate(down))
        room += sum(max(*map(len, h.split("\n")), *map(len, cells)) + 1 for h in heads)
        if room > width or len(keys) > GRID_ROWS * (len(axes) - 1):
            continue
        found = dict(zip(wide.select([*down, across]).rows(), cells, strict=True))
        rows = tuple((*map(cell_text, key), *(found.get((*key, label), "") for label in labels)) for key in keys)
        numeric = (*(frame[a].dtype.is_numeric() for a in down), *(True for _ in heads))
        return Sheet((*down, *heads), numeric, rows, fixed, across=across, missing=reasons(frame))
    return None


def listing(result: Result, most: int) -> Sheet:
    """Lay out one row per cell, the interval joined to the estimate; at most `most` rows, the most telling ones."""
    axes, fixed = varying(result.frame)
    frame = result.frame.with_columns(table_labels(result.frame, a).alias(a) for a in axes)
    shown, by = _telling(frame, most)
    main = "norm" if "norm" in frame.columns else "value"
    columns = [(name, frame[name], [cell_text(label) for label in shown[name]]) for name in axes]
    against_null = "null_mean" in frame.columns
    columns.append((main, frame[main], estimates(shown.drop("low", "high") if against_null else shown, main)))
    skipped = {*axis_columns(frame), *dict(fixed), main, "low", "high", "reason"}
    if against_null:
        columns.append(("null, 95 %", frame["low"], spans(shown)))
        skipped |= {"null_mean", "null_sd"}
    if "stat" in frame.columns and any(frame["stat"].equals(frame[c]) for c in (main, "z") if c in frame.columns):
        skipped.add("stat")
    columns += [(name, frame[name], column_texts(shown, name)) for name in frame.columns if name not in skipped]
    kept = [c for c in columns if any(c[2]) or c[0] == main]
    rows = tuple(zip(*(c[2] for c in kept), strict=True))
    numeric = tuple(c[1].dtype.is_numeric() for c in kept)
    left = frame.height - shown.height
    return Sheet(tuple(c[0] for c in kept), numeric, rows, fixed, left, by, missing=reasons(frame))


def estimates(frame: pl.DataFrame, main: str = "value") -> list[str]:
    """Print each value, with its interval in brackets where there is one, and a dot where none could be computed."""
    values = frame[main].to_list()
    if "low" not in frame.columns or "high" not in frame.columns:
        write = style(values)
        return [BLANK if v is None else write(v) for v in values]
    ranges = list(zip(values, frame["low"].to_list(), frame["high"].to_list(), strict=True))
    write = interval_style(values, [high - low for _, low, high in ranges if is_number(low) and is_number(high)])
    return [
        BLANK if v is None else write(v) if low is None or high is None else f"{write(v)} [{write(low)}, {write(high)}]"
        for v, low, high in ranges
    ]


def spans(frame: pl.DataFrame) -> list[str]:
    """Print the range of each null: tests against one have it in `low` and `high`."""
    ends = [*frame["low"], *frame["high"]]
    write = style(ends)
    pairs = zip(frame["low"], frame["high"], strict=True)
    return [BLANK if low is None or high is None else f"[{write(low)}, {write(high)}]" for low, high in pairs]


def column_texts(frame: pl.DataFrame, name: str) -> list[str]:
    """Print a column of measurements with one precision."""
    values = frame[name].to_list()
    write = probability if name in P_COLUMNS else style(values)
    return [write(v) for v in values]


def cell_text(label: object) -> str:
    """Print one label of an axis."""
    return f"{label:g}" if isinstance(label, float) else str(label) if is_number(label) else plain(label, 0)


def reasons(frame: pl.DataFrame) -> tuple[tuple[str, int], ...]:
    """Count the cells that could not be computed, by reason, the commonest first."""
    return tuple(Counter(frame["reason"].drop_nulls().to_list()).most_common()) if "reason" in frame.columns else ()


def _telling(frame: pl.DataFrame, most: int) -> tuple[pl.DataFrame, str]:
    """Keep the rows with the smallest p, else the largest values, in their own order, and say which."""
    if frame.height <= most:
        return frame, ""
    p = next((c for c in ("adjusted", "p") if c in frame.columns), None)
    main = p or ("norm" if "norm" in frame.columns else "value")
    if not frame[main].dtype.is_numeric():
        return frame.head(most), "the first"
    ranked = frame.select(pl.col(main).abs()).with_row_index("row of table")
    ranked = ranked.sort(main, descending=p is None, nulls_last=True, maintain_order=True).head(most)
    rows = ranked["row of table"].sort().to_list()
    return frame[rows], f"the smallest {main}" if p else f"the largest |{main}|"
