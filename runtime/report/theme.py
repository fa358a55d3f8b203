"""How plots look: colours that print and that colour-blind readers tell apart, thin axes, no chart junk."""

from __future__ import annotations

from typing import Any

# Okabe and Ito's palette, ordered so that the first three are the easiest to tell apart; yellow is too light for lines.
CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#6B6B6B")
SEQUENCE = "viridis"
DIVERGING = "redblue"
GREY = "#8A8A8A"
INK = "#1F2328"
FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"
DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (4, 1), (1, 3))


def config(ink: str = INK) -> dict[str, Any]:
    """Return the Vega-Lite config with text and axes in `ink`, such as `currentColor` for a page with a dark side."""
    return {
        "background": "white" if ink == INK else "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "padding": 8,
        "axis": {
            "labelColor": ink, "titleColor": ink, "domainColor": ink, "tickColor": ink, "gridColor": ink,
            "gridOpacity": 0.1, "domainWidth": 0.8, "tickWidth": 0.8, "tickSize": 4, "labelFontSize": 11,
            "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 8, "labelLimit": 160,
        },
        "axisX": {"grid": False, "labelFlush": False},
        "axisBand": {"grid": False},
        "legend": {
            "labelColor": ink, "titleColor": ink, "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal",
            "symbolStrokeWidth": 2, "labelLimit": 200, "gradientThickness": 12,
        },
        "header": {
            "labelColor": ink, "titleColor": ink, "labelFontSize": 12, "labelFontWeight": "bold", "labelPadding": 6,
            "titleFontSize": 11, "titleFontWeight": "normal",
        },
        "title": {
            "color": ink, "subtitleColor": ink, "fontSize": 14, "fontWeight": 600, "anchor": "start", "offset": 12,
        },
        "text": {"color": ink, "fontSize": 11},
        "facet": {"spacing": 18},
        "range": {"category": list(CATEGORIES)},
    }  # fmt: skip
