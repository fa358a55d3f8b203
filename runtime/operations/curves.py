"""Features of a curve along a numeric axis: slope, area, crossing of a level."""

import numpy as np

from ...compiler.kinds import AxisName, Number
from ..cells import along, literal
from ..reduction import reduce_each
from ..registry import operation


@operation(axes="reduce", subject="x")
def slope(x: Number, *, over: AxisName, ctx=None) -> Number:
    """Slope of the least-squares line along the axis `over`, in units of x per unit of the axis.

    `over` names an axis with numbers for labels, or a numeric column of one (`revision.tokens`). Missing cells are
    left out; missing when fewer than two distinct places remain. Raises `axis-not-numeric`.
    """
    name, places = along(x, over)

    def kernel(values, present, weights):
        share = present if weights is None else present * weights[:, None]
        total = share.sum(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            off = places[:, None] - (share * places[:, None]).sum(0) / total
            spread = (share * off**2).sum(0)
            result = (share * off * np.where(present, values, 0)).sum(0) / spread
        return result, spread > 0

    return reduce_each(x, (name,), ctx, kernel, "slope")


@operation(axes="reduce", subject="x")
def area(x: Number, *, over: AxisName, ctx=None) -> Number:
    """Area under the curve along the axis `over`, by trapezoids between the places that have a value.

    `over` as in `slope`; places are sorted first. Missing when fewer than two places have a value.
    """
    name, places = along(x, over)
    order = np.argsort(places, kind="stable")

    def kernel(values, present, weights):
        drawn = present if weights is None else present & (weights > 0)[:, None]
        result = np.zeros(values.shape[1])
        for cell in range(values.shape[1]):
            here = order[drawn[order, cell]]
            result[cell] = np.trapezoid(values[here, cell], places[here])
        return result, drawn.sum(0) > 1

    return reduce_each(x, (name,), ctx, kernel, "area")


@operation(axes="reduce", subject="x", nonlinear=True, options=("level",))
def crossing(x: Number, level: Number, *, over: AxisName, ctx=None) -> Number:
    """First place along the axis `over` where the curve reaches `level` from below.

    Interpolates linearly between neighbouring places; the first place itself when the curve starts at the level or
    above. `over` as in `slope`; places are sorted first. Missing when the level is not reached.
    """
    name, places = along(x, over)
    level = literal(level, "level")
    order = np.argsort(places, kind="stable")

    def kernel(values, present, weights):
        drawn = present if weights is None else present & (weights > 0)[:, None]
        result, ok = np.full(values.shape[1], np.nan), np.zeros(values.shape[1], bool)
        for cell in range(values.shape[1]):
            here = order[drawn[order, cell]]
            reached = np.flatnonzero(values[here, cell] >= level)
            if not len(reached):
                continue
            ok[cell], at = True, reached[0]
            result[cell] = places[here[at]]
            if at > 0:
                (x0, x1), (y0, y1) = places[here[at - 1 : at + 1]], values[here[at - 1 : at + 1], cell]
                result[cell] = x0 + (level - y0) / (y1 - y0) * (x1 - x0)
        return result, ok

    return reduce_each(x, (name,), ctx, kernel, "crossing", none=f"it does not reach {level}")
