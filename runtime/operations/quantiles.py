"""Median and other quantiles."""

import numpy as np

from ...compiler.kinds import AxisName, Number
from ..cells import literal
from ..errors import ProbeError
from ..reduction import Kernel, reduce_each, reduced
from ..registry import operation


def _kernel(q: float) -> Kernel:
    """Linear interpolation between order statistics (numpy's default), each value counted `weights` times."""

    def kernel(values, present, weights):
        count = present.astype(float) if weights is None else present * weights[:, None]
        order = np.argsort(np.where(count > 0, values, np.inf), axis=0, kind="stable")
        ordered = np.take_along_axis(values, order, 0)
        upto = np.take_along_axis(count, order, 0).cumsum(0)
        total = count.sum(0)
        ok = total > 0
        if not ok.any():
            return np.full(values.shape[1], np.nan), ok
        place = q * np.maximum(total - 1, 0)
        low, high = (_at(ordered, upto, np.minimum(p, total - 1)) for p in (np.floor(place), np.floor(place) + 1))
        share = place - np.floor(place)
        return np.where(share > 0, low + share * (high - low), low), ok

    return kernel


def _at(ordered: np.ndarray, upto: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The value at `place` of the sorted values, each repeated as often as it counts."""
    index = (upto <= place).sum(0).clip(max=len(ordered) - 1)
    return np.take_along_axis(ordered, index[None], 0)[0]


@operation(axes="reduce", subject="x", nonlinear=True, options=("q",))
def quantile(x: Number, q: Number, *, over: AxisName | None = None, ctx=None) -> Number:
    """Value below which the share `q` (0 to 1) of the values lies, over items or the axis that `over` names.

    Interpolates linearly between neighbours. Missing cells are left out. Raises `share-out-of-range`.
    """
    q = literal(q, "q")
    if not 0 <= q <= 1:
        raise ProbeError("share-out-of-range", f"q is a share from 0 to 1, and {q} is not", f"{q}% is q={q / 100}")
    return reduce_each(x, reduced(x, over), ctx, _kernel(q), "quantile")


@operation(axes="reduce", subject="x", nonlinear=True)
def median(x: Number, *, over: AxisName | None = None, ctx=None) -> Number:
    """Median over items, or over the axis that `over` names; missing cells are left out."""
    return reduce_each(x, reduced(x, over), ctx, _kernel(0.5), "median")
