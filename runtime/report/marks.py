"""The four marks: line, bar, heatmap, scatter. Each takes prepared rows and returns a chart for one panel.

Layers share one table, told apart by the column `drawn_as`, because only then can a chart become panels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import altair as alt
import polars as pl

from . import theme
from .channels import Prepared

GRADIENT_FROM = 13  # so many numeric labels read better as a gradient than as a list
POINTS_UNTIL = 25
CELL, LARGE_CELL, FEW_CELLS = 28, 42, 8  # pixels of a heatmap's cell; few cells can be large
BILLIONS = "replace(datum.label, 'G', 'B')"  # tokens are counted in billions, not giga
MIXED = 0.05  # signs mix when the smaller side reaches this share of the larger


@dataclass(frozen=True)
class Size:
    """Width and height of one panel in pixels; `ink` is the colour of text and rules."""

    width: int
    height: int
    ink: str = theme.INK


Builder = Callable[[Prepared, dict, Size], alt.LayerChart]


def line(data: Prepared, options: dict, size: Size) -> alt.LayerChart:
    """Draw lines with interval bands, a null as a grey area, rules as dashed lines."""
    log = options.get("log", "")
    x = _position(data, "x", "x" in log)
    y = _value_axis(data, "y" in log, zero=False)
    color = _color(data)
    dash = _dash(data)
    detail = [_field(data, c, "N") for c in ("color", "dash") if c in data.fields]
    points = len(data.labels("x")) <= POINTS_UNTIL
    layers = [
        _cells(data).mark_area(opacity=0.16, interpolate="linear").encode(x, *_interval(data), color),
        _cells(data).mark_line(strokeWidth=1.8, clip=True).encode(x, y, color, *dash),
    ]
    if points:
        layers.append(_cells(data).mark_circle(size=26, opacity=1).encode(x, y, color, *_tooltip(data)))
    else:
        layers.append(_cells(data).mark_circle(size=60, opacity=0).encode(x, y, color, *_tooltip(data)))
    layers = [layer.encode(detail=detail) if detail else layer for layer in layers]
    if not _has(data, "low", "cell"):
        layers = layers[1:]
    if _has(data, "low", "band"):
        layers.insert(0, _null(data, x))
    return _sized(layers + _rules(data, size), size)


def bar(data: Prepared, options: dict, size: Size) -> alt.LayerChart:
    """Draw bars from zero with intervals, side by side where a place has several colours."""
    labels = data.labels("x")
    longest = max((len(str(v)) for v in labels), default=0)
    beside = "color" in data.fields and not _told_by_place(data)
    groups = len(labels) * (len(data.labels("color")) if beside else 1)
    tilt = -35 if longest * 7 > size.width / max(len(labels), 1) else 0
    axis = alt.Axis(labelAngle=tilt, labelAlign="right" if tilt else "center", ticks=False)
    inner = 0.2 if groups > len(labels) else 0.35
    scale = alt.Scale(paddingInner=inner)
    x = alt.X(_field(data, "x", "O"), title=data.title("x"), sort=labels, axis=axis, scale=scale)
    y = _value_axis(data, "y" in options.get("log", ""), zero="y" not in options.get("log", ""))
    offset = ()
    if beside:
        scale = alt.Scale(paddingInner=0.08)
        offset = (alt.XOffset(_field(data, "color", "O"), sort=data.labels("color"), scale=scale),)
    layers = [_cells(data).mark_bar(opacity=0.88).encode(x, y, _color(data), *offset, *_tooltip(data))]
    if _has(data, "low", "cell"):
        whisker = _cells(data).mark_rule(strokeWidth=1.2, color=size.ink)
        layers.append(whisker.encode(x, *_interval(data), *offset))
    return _sized(layers + _rules(data, size), size)


def heatmap(data: Prepared, options: dict, size: Size) -> alt.LayerChart:
    """Draw cells in colour: viridis, or diverging around zero where signs mix; cells without a value are grey."""
    across, down = data.labels("x"), data.labels("y")
    most = LARGE_CELL if max(len(across), len(down)) <= FEW_CELLS else CELL
    step = max(min(most, size.width / max(len(across), 1), size.height / max(len(down), 1)), 5)
    wide = max(step, min(most, size.width / max(len(across), 1)))
    tall = max(step, min(most, size.height / max(len(down), 1)))
    if max(wide, tall) < 2.2 * min(wide, tall):
        wide = tall = min(wide, tall)
    longest = max((len(str(v)) for v in across), default=0)
    tilt = 0 if data.numeric("x") or longest * 6.5 < wide else -45
    numbers_up = sorted(down, reverse=True) if data.numeric("y") else down
    x = alt.X(
        _field(data, "x", "O"), title=data.title("x"), sort=sorted(across) if data.numeric("x") else across,
        axis=alt.Axis(labelAngle=tilt, labelOverlap=_overlap(wide), ticks=False, domain=False),
        scale=alt.Scale(paddingInner=0.03),
    )  # fmt: skip
    y = alt.Y(
        _field(data, "y", "O"), title=data.title("y"), sort=numbers_up,
        axis=alt.Axis(labelOverlap=_overlap(tall), ticks=False, domain=False), scale=alt.Scale(paddingInner=0.03),
    )  # fmt: skip
    length = int(min(max(tall * len(down), 80), 220))
    legend = alt.Legend(title=data.titles["value"], gradientLength=length, tickCount=max(3, length // 30))
    color = alt.Color("value:Q", scale=_heat_scale(data), legend=legend)
    cells = alt.Chart().transform_filter("datum.drawn_as == 'cell' && isValid(datum.value)")
    blank = alt.Chart().transform_filter("datum.drawn_as == 'cell' && !isValid(datum.value)")
    layers = [
        cells.mark_rect().encode(x, y, color, *_tooltip(data)),
        blank.mark_rect(color=theme.GREY, opacity=0.18).encode(x, y, *_tooltip(data)),
    ]
    return alt.layer(*layers).properties(width=alt.Step(wide), height=alt.Step(tall))


def scatter(data: Prepared, options: dict, size: Size) -> alt.LayerChart:
    """Draw one point per row."""
    log = options.get("log", "")
    many = data.rows.height > 300
    y = _position(data, "y", "y" in log)
    points = _cells(data).mark_circle(size=24 if many else 46, opacity=0.55 if many else 0.75)
    encoded = points.encode(_position(data, "x", "x" in log), y, _color(data), *_tooltip(data))
    return _sized([encoded] + _rules(data, size), size)


BUILDERS: dict[str, Builder] = {"line": line, "bar": bar, "heatmap": heatmap, "scatter": scatter}


def _cells(data: Prepared) -> alt.Chart:
    plain = "value" not in data.rows.columns
    return alt.Chart().transform_filter("datum.drawn_as == 'cell'" + ("" if plain else " && isValid(datum.value)"))


def _told_by_place(data: Prepared) -> bool:
    """Say whether each place of a panel has one colour only, so that bars need no room for the others."""
    cells = data.rows.filter(pl.col("drawn_as") == "cell")
    place = [data.fields[c] for c in ("x", "facet") if c in data.fields]
    told = dict.fromkeys([*place, data.fields["color"]])
    return cells.select(place).unique().height == cells.select(list(told)).unique().height


def _sized(layers: list[alt.Chart], size: Size) -> alt.LayerChart:
    return alt.layer(*layers).properties(width=size.width, height=size.height)


def _field(data: Prepared, channel: str, kind: str) -> str:
    return f"{data.fields[channel]}:{kind}"


def _has(data: Prepared, column: str, part: str) -> bool:
    if column not in data.rows.columns:
        return False
    rows = data.rows.filter(pl.col("drawn_as") == part)
    return rows.height > rows[column].null_count()


def _position(data: Prepared, channel: str, log: bool) -> alt.X | alt.Y:
    """A position: numbers on a scale (whole numbers on whole ticks), words in the order of the table."""
    make = {"x": alt.X, "y": alt.Y}[channel]
    if not data.numeric(channel):
        sort = data.labels(channel)
        axis = alt.Axis(labelAngle=-30 if channel == "x" and max(map(len, map(str, sort)), default=0) > 8 else 0)
        return make(_field(data, channel, "O"), title=data.title(channel), sort=sort, axis=axis)
    labels = sorted(data.labels(channel))
    whole = all(isinstance(v, int) for v in labels)
    large = bool(labels) and max(map(abs, labels)) >= 10_000
    axis = {"format": "~s" if large else "d"} if whole else {}
    if log:
        scale = alt.Scale(type="log", nice=False) if labels and labels[0] > 0 else _through_zero(labels)
        axis |= {"values": labels} if len(labels) <= 12 else {"labelOverlap": "greedy"}
        axis.setdefault("format", "~s")
    else:
        scale = alt.Scale(zero=False, nice=not whole)
        axis |= {"tickMinStep": 1} if whole else {}
    if axis.get("format") == "~s":
        axis["labelExpr"] = BILLIONS
    return make(_field(data, channel, "Q"), title=data.title(channel), scale=scale, axis=alt.Axis(**axis))


def _through_zero(labels: list[float]) -> alt.Scale:
    """A scale that is logarithmic away from zero: step 0 is part of many training runs."""
    smallest = min((abs(v) for v in labels if v), default=1)
    return alt.Scale(type="symlog", constant=smallest, nice=False)


def _value_axis(data: Prepared, log: bool, zero: bool) -> alt.Y:
    scale = alt.Scale(type="log") if log else alt.Scale(zero=zero, nice=True)
    return alt.Y("value:Q", title=data.titles["value"], scale=scale)


def _height(data: Prepared) -> alt.Y:
    return alt.Y("value:Q", title=data.titles["value"])


def _interval(data: Prepared) -> tuple[alt.Y, alt.Y2]:
    return alt.Y("low:Q", title=data.titles["value"]), alt.Y2("high:Q")


def _color(data: Prepared) -> alt.Color | alt.ColorValue:
    if "color" not in data.fields:
        return alt.ColorValue(theme.CATEGORIES[0])
    labels, title = data.labels("color"), data.title("color")
    symbol = alt.Legend(title=title, symbolType="circle", symbolOpacity=1)
    if data.numeric("color"):
        scale = alt.Scale(scheme=alt.SchemeParams(name=theme.SEQUENCE, extent=[0.1, 0.88]))
        kind = "Q" if len(labels) >= GRADIENT_FROM else "O"
        legend = alt.Legend(title=title) if kind == "Q" else symbol
        return alt.Color(_field(data, "color", kind), scale=scale, legend=legend)
    if len(labels) > len(theme.CATEGORIES):
        return alt.Color(_field(data, "color", "N"), sort=labels, scale=alt.Scale(scheme="tableau20"), legend=symbol)
    palette = alt.Scale(domain=labels, range=list(theme.CATEGORIES[: len(labels)]))
    return alt.Color(_field(data, "color", "N"), sort=labels, scale=palette, legend=symbol)


def _dash(data: Prepared) -> tuple[alt.StrokeDash, ...]:
    if "dash" not in data.fields:
        return ()
    labels = data.labels("dash")
    patterns = [list(theme.DASHES[i % len(theme.DASHES)]) for i in range(len(labels))]
    legend = alt.Legend(title=data.title("dash"), symbolType="stroke", symbolSize=240)
    return (alt.StrokeDash(_field(data, "dash", "N"), scale=alt.Scale(domain=labels, range=patterns), legend=legend),)


def _null(data: Prepared, x: alt.X) -> alt.Chart:
    """The null as grey areas, one per line that it has of its own, the fainter the more of them overlap."""
    rows = data.rows.filter(pl.col("drawn_as") == "band")
    own = [data.fields[c] for c in ("color", "dash") if c in data.fields]
    own = [field for field in own if rows[field].null_count() < rows.height]
    areas = rows.select(own).unique().height if own else 1
    area = alt.Chart().transform_filter("datum.drawn_as == 'band'")
    area = area.mark_area(color=theme.GREY, opacity=1 - 0.7 ** (1 / areas)).encode(x, *_interval(data))
    return area.encode(detail=[f"{field}:N" for field in own]) if own else area


def _rules(data: Prepared, size: Size) -> list[alt.Chart]:
    if not _has(data, "value", "rule"):
        return []
    rules = alt.Chart().transform_filter("datum.drawn_as == 'rule'")
    line = rules.mark_rule(strokeDash=[5, 4], strokeWidth=1.2, color=size.ink, opacity=0.8).encode(_height(data))
    label = rules.mark_text(align="right", baseline="bottom", dx=-3, dy=-2, fontSize=10, color=size.ink)
    return [line, label.encode(_height(data), alt.Text("rule_label:N"), x=alt.value(size.width))]


def _overlap(step: float) -> str | bool:
    """Leave labels out only where cells are smaller than text."""
    return "parity" if step < 12 else False


def _heat_scale(data: Prepared) -> alt.Scale:
    values = data.rows["value"].drop_nulls()
    low, high = (values.min() or 0.0, values.max() or 0.0) if len(values) else (0.0, 0.0)
    if low < 0 < high and min(-low, high) > MIXED * max(-low, high):
        most = max(-low, high)
        return alt.Scale(scheme=theme.DIVERGING, domain=[-most, most], domainMid=0)
    return alt.Scale(scheme=theme.SEQUENCE)


def _tooltip(data: Prepared) -> tuple[list[alt.Tooltip]]:
    """All columns of a cell that hold something."""
    cells = data.rows.filter(pl.col("drawn_as") == "cell")
    shown = [c for c in cells.columns if c not in ("drawn_as", "rule_label") and cells[c].null_count() < cells.height]
    tips = []
    for column in shown:
        dtype = cells[column].dtype
        more = {"format": ".4~g"} if dtype.is_float() else {}
        tips.append(alt.Tooltip(f"{column}:{'Q' if dtype.is_numeric() else 'N'}", title=data.titles[column], **more))
    return (tips,) if tips else ()
