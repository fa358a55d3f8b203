"""The largest and the smallest value."""

import numpy as np

from ...compiler.kinds import AxisName, Number
from ..reduction import reduce_each, reduced
from ..registry import operation


def _drawn(present: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    return present if weights is None else present & (weights > 0)[:, None]


def _most(values, present, weights):
    drawn = _drawn(present, weights)
    return np.where(drawn, values, -np.inf).max(0, initial=-np.inf), drawn.any(0)


def _least(values, present, weights):
    value, ok = _most(-values, present, weights)
    return -value, ok


@operation("max", axes="reduce", subject="x", nonlinear=True)
def max_(x: Number, *, over: AxisName | None = None, ctx=None) -> Number:
    """Largest value over items, or over the axis that `over` names.

    Missing cells are left out. The largest of more items is larger by chance alone: compare equal numbers of them.
    """
    return reduce_each(x, reduced(x, over), ctx, _most, "max")


@operation("min", axes="reduce", subject="x", nonlinear=True)
def min_(x: Number, *, over: AxisName | None = None, ctx=None) -> Number:
    """Smallest value over items, or over the axis that `over` names; missing cells are left out."""
    return reduce_each(x, reduced(x, over), ctx, _least, "min")
