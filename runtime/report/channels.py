"""From a plot's tidy frame to what a chart can be given: safe field names, readable labels, no axis forgotten.

An axis that no channel shows would pile cells upon each other: it gets a free channel here, or becomes panels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import polars as pl

from ..errors import ProbeError
from ..results import PlotResult
from .frame import axis_columns, is_coordinate, shown_labels
from .sheet import BLANK, cell_text, reasons

CHANNELS = ("x", "y", "color", "dash", "facet")
FREE = {"line": ("color", "dash", "facet"), "bar": ("color", "facet"), "heatmap": ("facet",), "scatter": ("color",)}
PANELS = 24


@dataclass(frozen=True)
class Prepared:
    """Rows for a chart: `fields` maps channels to columns, `titles` columns to words; `drawn_as` tells layers apart."""

    rows: pl.DataFrame
    fields: dict[str, str]
    titles: dict[str, str]
    notes: tuple[str, ...] = ()

    def title(self, channel: str) -> str:
        """Return the words for a channel's axis or legend."""
        return self.titles[self.fields[channel]]

    def labels(self, channel: str) -> list:
        """Return a channel's labels in the order of the table."""
        column = self.rows.filter(pl.col("drawn_as") == "cell")[self.fields[channel]]
        return column.drop_nulls().unique(maintain_order=True).to_list()

    def numeric(self, channel: str) -> bool:
        """Say whether a channel's labels are numbers."""
        return self.rows[self.fields[channel]].dtype.is_numeric()


def prepare(plot: PlotResult) -> Prepared:
    """Return the rows of a plot, with `unknown-column` where a channel names none."""
    plot = _spread(plot) if plot.mark == "scatter" and not {"x", "y"} <= plot.encodings.keys() else plot
    columns = axis_columns(plot.frame) if plot.mark != "scatter" else plot.frame.columns
    encodings = {c: _known(plot, plot.encodings[c]) for c in CHANNELS if c in plot.encodings}
    notes = [f"{count} not computed: {reason}" for reason, count in reasons(plot.frame)]
    frame = plot.frame.rename({"norm": "value"} if "norm" in plot.frame.columns else {})
    if "value" in frame.columns:
        frame = frame.with_columns(pl.col("value").cast(pl.Float64))
    if plot.mark != "scatter":
        encodings, frame = _place_rest(plot.mark, frame, encodings)
    frame, gone = _placed(frame, [encodings[c] for c in ("x", "y") if c in encodings])
    frame, dropped = _panels(frame, encodings.get("facet"))
    notes += gone + dropped
    if plot.band is not None:
        notes.append(f"grey: {plot.encodings.get('band', 'null')}")
    parts = [frame.with_columns(pl.lit("cell").alias("drawn_as"))]
    if plot.band is not None:
        band = _everywhere(plot.band, frame, encodings.get("facet"))
        parts.append(band.with_columns(pl.lit("band").alias("drawn_as")))
    if plot.rule is not None:
        parts.append(_rule(plot, frame, encodings.get("facet")))
    rows = pl.concat(parts, how="diagonal_relaxed")
    if "facet" in encodings and dropped:
        rows = rows.filter(pl.col(encodings["facet"]).is_in(frame[encodings["facet"]].unique().to_list()))
    if "facet" in encodings and rows[encodings["facet"]].dtype.is_numeric():
        rows = _panel_names(rows, encodings["facet"])
    names = {c: shown_labels(rows, c) for c in columns if f"{c}.text" in rows.columns}
    rows = rows.with_columns(series.alias(c) for c, series in names.items())
    safe = _safe(rows.columns)
    titles = {safe[c]: c for c in rows.columns}
    titles[safe.get("value", "value")] = plot.measure + (f" ({plot.unit})" if plot.unit else "")
    return Prepared(rows.rename(safe), {c: safe[f] for c, f in encodings.items()}, titles, tuple(notes))


def _known(plot: PlotResult, column: str) -> str:
    for name in (column, f"{column} (axis)"):
        if name in plot.frame.columns:
            return name
    raise ProbeError(
        "unknown-column",
        f"plot {plot.name} shows {column}, but the table has no such column",
        f"it has {', '.join(plot.frame.columns)}",
    )


def _place_rest(mark: str, frame: pl.DataFrame, encodings: dict[str, str]) -> tuple[dict[str, str], pl.DataFrame]:
    """Give each axis that still varies within a drawn place a free channel; what remains becomes one set of panels."""
    columns = axis_columns(frame)
    axes = [c for c in columns if not is_coordinate(c, columns)]
    placed, rest = dict(encodings), []
    for axis in axes:
        drawn = [*dict.fromkeys([*placed.values(), *rest])]
        if axis in drawn or _told_by(frame, drawn, axis):
            continue
        if mark == "bar" and frame[axis].null_count():
            frame = _within(frame, placed["x"], axis)
            continue
        free = next((c for c in FREE[mark] if c not in placed and c != "facet"), None)
        if free and frame[axis].n_unique() <= (8 if free == "color" else 6):
            placed[free] = axis
        else:
            rest.append(axis)
    if not rest:
        return placed, frame
    if "facet" in placed:
        rest = [placed["facet"], *rest]
    if len(rest) == 1:
        return placed | {"facet": rest[0]}, frame
    name = ", ".join(rest)
    texts = [" · ".join(map(cell_text, row)) for row in frame.select(rest).rows()]
    return placed | {"facet": name}, frame.with_columns(pl.Series(name, texts))


def _within(frame: pl.DataFrame, outer: str, inner: str) -> pl.DataFrame:
    """Join an axis that only some labels of another have to those labels, `random 3`; where there is none, `seed 3`."""
    pairs = zip(frame[outer], frame[inner], strict=True)
    names = [one if one is not None else BLANK if two is None else inner for one, two in pairs]
    texts = [" ".join(cell_text(v) for v in row if v is not None) for row in zip(names, frame[inner], strict=True)]
    return frame.with_columns(pl.Series(outer, texts)).drop(inner)


def _told_by(frame: pl.DataFrame, drawn: list[str], axis: str) -> bool:
    """Say whether the columns drawn already tell which label of `axis` a row has."""
    if not drawn:
        return frame[axis].n_unique() <= 1
    return frame.select(drawn).unique().height == frame.select([*drawn, axis]).unique().height


def _placed(frame: pl.DataFrame, columns: list[str]) -> tuple[pl.DataFrame, list[str]]:
    """Leave out rows that have no place on an axis of numbers, and say so."""
    notes = []
    for column in columns:
        if frame[column].dtype.is_numeric() and (count := frame[column].null_count()):
            frame = frame.filter(pl.col(column).is_not_null())
            notes.append(f"{count} not drawn: no {column}")
    return frame, notes


def _panels(frame: pl.DataFrame, facet: str | None) -> tuple[pl.DataFrame, list[str]]:
    """Keep the first panels of very many, and say so."""
    if facet is None or frame[facet].n_unique() <= PANELS:
        return frame, []
    labels = frame[facet].unique(maintain_order=True)
    kept = frame.filter(pl.col(facet).is_in(labels.head(PANELS).to_list()))
    return kept, [f"the first {PANELS} of {len(labels)} panels"]


def _panel_names(rows: pl.DataFrame, facet: str) -> pl.DataFrame:
    """Name panels of numbers by their axis as well: `layer 3`."""
    texts = [None if v is None else f"{facet} {cell_text(v)}" for v in rows[facet]]
    return rows.with_columns(pl.Series(facet, texts, dtype=pl.String))


def _rule(plot: PlotResult, frame: pl.DataFrame, facet: str | None) -> pl.DataFrame:
    """Rule lines with a label each, in every panel unless they name theirs."""
    columns = axis_columns(plot.rule)
    plain = [c for c in columns if not is_coordinate(c, columns) and c != facet]
    texts = [" · ".join(map(cell_text, row)) for row in plot.rule.select(plain).rows()] if plain else [""]
    if not any(texts):
        texts = [plot.options.get("rule_title", "")] * plot.rule.height
    rule = plot.rule.drop(plain).with_columns(pl.Series("rule_label", texts, dtype=pl.String))
    return _everywhere(rule, frame, facet).with_columns(pl.lit("rule").alias("drawn_as"))


def _everywhere(part: pl.DataFrame, frame: pl.DataFrame, facet: str | None) -> pl.DataFrame:
    """Repeat rows in every panel, unless they name theirs."""
    if facet is None or facet in part.columns:
        return part
    return frame.select(facet).unique(maintain_order=True).join(part, how="cross")


def _spread(plot: PlotResult) -> PlotResult:
    """Turn the axis `component` of projected points into columns, the first two of which are x and y."""
    if "component" not in plot.frame.columns or plot.frame["component"].n_unique() < 2:
        raise ProbeError(
            "scatter-needs-x-and-y",
            f"plot {plot.name} is a scatter without x= and y=, and its values have no axis component of two",
            "name two columns, or plot a project(…)",
        )
    keys = [c for c in axis_columns(plot.frame) if c != "component"]
    labels = plot.frame["component"].unique(maintain_order=True).to_list()[:2]
    names = [f"component {label}" for label in labels]
    wide = plot.frame.filter(pl.col("component").is_in(labels)).pivot("component", index=keys, values="value")
    wide = wide.rename({str(label): name for label, name in zip(labels, names, strict=True)})
    encodings = plot.encodings | dict(zip(("x", "y"), names, strict=False))
    return replace(plot, frame=wide.drop_nulls(names), encodings=encodings)


def _safe(columns: list[str]) -> dict[str, str]:
    """Names without dots and brackets, which mean paths in Vega."""
    found: dict[str, str] = {}
    for column in columns:
        name = re.sub(r"\W+", "_", column).strip("_") or "column"
        while name in found.values():
            name += "_"
        found[column] = name
    return found
