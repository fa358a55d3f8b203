"""Plots: a mark, with axes of the statistic on its channels."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import AxisName, Number, Plot, Test
from ...registry import operation


@operation(work="plot", axes="none")
def line(
    y: Number | Test, *, x: AxisName, color: AxisName | None = None, dash: AxisName | None = None,
    facet: AxisName | None = None,
    band: Number | Test | None = None, rule: Number | Test | None = None, log: Literal["x", "y", "xy"] | None = None,
    beside: Number | Test | None = None,
) -> Plot:  # fmt: skip
    """Lines over an axis, with intervals as bands.

    `color`, `dash` and `facet` tell further axes apart. `band` draws a null's range behind the lines, `rule` a level;
    `log` makes an axis logarithmic. `beside` draws another value of the same axes in a panel of its own to the right,
    as a dose curve has the effect and its cost in coherence: `line(effect, x=scale, beside=coherence)`.
    """


@operation(work="plot", axes="none")
def bar(
    y: Number | Test, *, x: AxisName, color: AxisName | None = None, facet: AxisName | None = None,
    rule: Number | Test | None = None,
) -> Plot:  # fmt: skip
    """Bars over an axis, with intervals as whiskers. `rule` draws a level."""


@operation(work="plot", axes="none")
def heatmap(z: Number | Test, *, x: AxisName, y: AxisName, facet: AxisName | None = None) -> Plot:
    """Cells over two axes, coloured by value; facets share one scale.

    A value with both signs gets a diverging scale around zero.
    """


@operation(work="plot", axes="none")
def scatter(
    points: Number, *, color: AxisName | None = None, facet: AxisName | None = None, x: AxisName | None = None,
    y: AxisName | None = None,
) -> Plot:  # fmt: skip
    """Points: two components of a projection, one point per item, or a value over an axis.

    A projection has its components on x and y; other values need `x` and `y`. `color` may name a column of the items.
    """
