"""Standard deviation and standard error."""

import numpy as np

from ...compiler.kinds import AxisName, Boolean, Number
from ..cells import literal
from ..cube import Cube
from ..reduction import reduce_each, reduced, unit_axis, weighted_mean
from ..registry import operation


def _moments(values: np.ndarray, present: np.ndarray, weights: np.ndarray | None, ddof: float):
    """Variance [cells] and weight [cells] of values [n, cells]."""
    share = present.astype(float) if weights is None else present * weights[:, None]
    count = share.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.where(present, values, 0)
        centre = (share * centre).sum(0) / count
        off = np.where(share > 0, values - centre, 0)
        return (share * off**2).sum(0) / (count - ddof), count


def _per_unit(x: Cube, over: str | None, ctx) -> tuple[Cube, tuple[str, ...]]:
    """Average samples and tokens within their unit, so that what spreads is units."""
    names = reduced(x, over)
    unit = unit_axis(x, names)
    if unit is None:
        return x, names
    return weighted_mean(x, tuple(n for n in names if n != unit), ctx), (unit,)


@operation(axes="reduce", subject="x", nonlinear=True, options=("ddof",))
def sd(x: Number | Boolean, *, over: AxisName | None = None, ddof: Number = 1, ctx=None) -> Number:
    """Standard deviation over items, or over the axis that `over` names.

    `ddof=1` (the default) estimates a population from a sample, `ddof=0` describes the values there are. Samples are
    averaged within their item first. Missing when there are not more than `ddof` values.
    """
    ddof = literal(ddof, "ddof")
    x, names = _per_unit(x, over, ctx)

    def kernel(values, present, weights):
        variance, count = _moments(values, present, weights, ddof)
        return np.sqrt(variance), count > ddof

    return reduce_each(x, names, ctx, kernel, "sd")


@operation(axes="reduce", subject="x", nonlinear=True, options=("ddof",))
def sem(x: Number | Boolean, *, over: AxisName | None = None, ddof: Number = 1, ctx=None) -> Number:
    """Standard error of the mean over items, or over the axis that `over` names: sd / √n.

    Samples are averaged within their item first, so n counts items. Missing when there are not more than `ddof` values.
    """
    ddof = literal(ddof, "ddof")
    x, names = _per_unit(x, over, ctx)

    def kernel(values, present, weights):
        variance, count = _moments(values, present, weights, ddof)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.sqrt(variance / count), count > ddof

    return reduce_each(x, names, ctx, kernel, "sem")
