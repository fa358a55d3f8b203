"""Charts for plots, and their files: Vega-Lite, SVG and PNG. Nothing is fetched: fonts and scripts are local."""

from __future__ import annotations

import json
import math
from typing import Any

import altair as alt
import polars as pl

from ..errors import ProbeError
from ..results import PlotResult
from . import theme
from .channels import Prepared, prepare
from .marks import BUILDERS, Size

VEGA_LITE = "6.4"
PNG_SCALE = 2.0
PANEL_SIZES = {1: (520, 320), 2: (290, 210), 3: (190, 160), 4: (150, 130)}
BESIDE_SIZES = {1: (300, 260), 2: (150, 130), 3: (110, 110), 4: (90, 90)}  # where two plots stand side by side


def chart(
    plot: PlotResult, titled: bool = True, ink: str = theme.INK
) -> alt.LayerChart | alt.FacetChart | alt.HConcatChart:
    """Build the chart of a plot; `unknown-column` where an encoding names no column of its frame."""
    data = prepare(plot)
    built = panels(plot, data, ink, PANEL_SIZES)
    if plot.beside is not None:
        pair = (panels(one, prepare(one), ink, BESIDE_SIZES) for one in (plot, plot.beside))
        built = alt.hconcat(*pair).resolve_scale(color="shared", strokeDash="shared")
    if titled:
        built = built.properties(title=alt.Title(heading(plot), subtitle=list(data.notes), subtitleFontSize=10))
    return built.configure(**theme.config(ink))


def panels(
    plot: PlotResult, data: Prepared, ink: str, sizes: dict[int, tuple[int, int]]
) -> alt.LayerChart | alt.FacetChart:
    """The panel of a plot, or its panels where an axis is spread over several, with their data."""
    if plot.mark not in BUILDERS:
        raise ProbeError("unknown-mark", f"plot {plot.name} is a {plot.mark}", f"marks are {', '.join(BUILDERS)}")
    labels = data.labels("facet") if "facet" in data.fields else []
    across = _across(len(labels))
    width, height = sizes[across]
    size = Size(plot.options.get("width", width), plot.options.get("height", height), ink)
    built = BUILDERS[plot.mark](data, plot.options, size)
    table = alt.Data(values=_values(data))
    if not labels:
        return built.properties(data=table)
    title = data.title("facet")
    named = all(label.startswith(f"{title} ") for label in labels)
    header = alt.Header(title=None if named else title)
    field = alt.Facet(f"{data.fields['facet']}:N", sort=labels, header=header)
    spread = built.facet(field, columns=across, data=table)
    # a row that is not full would have the axis of a panel that is not there
    return spread.resolve_axis(x="independent") if len(labels) % across else spread


def spec(plot: PlotResult, titled: bool = True, ink: str = theme.INK) -> dict[str, Any]:
    """Return the Vega-Lite specification of a plot, data included."""
    return chart(plot, titled, ink).to_dict()


def heading(plot: PlotResult) -> str:
    """Return a plot's title: the one given, else its name in words."""
    return plot.options.get("title") or plot.name.replace("_", " ").strip() or plot.name


def notes(plot: PlotResult) -> tuple[str, ...]:
    """Say what a plot leaves out: cells that could not be computed, panels beyond the first."""
    parts = (plot,) if plot.beside is None else (plot, plot.beside)
    return tuple(dict.fromkeys(note for part in parts for note in prepare(part).notes))


def svg(specification: dict[str, Any]) -> str:
    """Render a specification as SVG."""
    import vl_convert

    return vl_convert.vegalite_to_svg(json.dumps(specification), vl_version=VEGA_LITE, allowed_base_urls=[])


def png(specification: dict[str, Any]) -> bytes:
    """Render a specification as PNG, at twice the size on screen."""
    import vl_convert

    return vl_convert.vegalite_to_png(
        json.dumps(specification), vl_version=VEGA_LITE, scale=PNG_SCALE, allowed_base_urls=[]
    )


def _values(data: Prepared) -> list[dict[str, Any]]:
    """The rows as JSON: infinities and what is null are left out, since a cell without a value has no place."""
    floats = [c for c in data.rows.columns if data.rows[c].dtype.is_float()]
    finite = data.rows.with_columns(pl.when(pl.col(c).is_finite()).then(pl.col(c)).alias(c) for c in floats)
    rows = finite.with_columns(pl.col(c).round_sig_figs(6) for c in floats).to_dicts()
    return [{k: v for k, v in row.items() if v is not None} for row in rows]


def _across(panels: int) -> int:
    """Panels in a row, so that rows fill up."""
    if panels <= 3:
        return max(panels, 1)
    return 2 if panels == 4 else 3 if panels <= 9 else min(4, math.ceil(math.sqrt(panels)))
