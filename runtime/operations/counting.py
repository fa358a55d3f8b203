"""How many are true, whether any is, whether all are."""

import numpy as np

from ...compiler.kinds import AxisName, Boolean, Number
from ..cube import Cube
from ..reduction import reduce_each, reduced
from ..registry import operation


def _names(x: Cube, over: str | None) -> tuple[str, ...]:
    """Items, or the axis named; and where there are no items, all cells: as in `count(test.adjusted < 0.05)`."""
    names = reduced(x, over)
    return names or tuple(n for n in x.names if n != "replicate")


def _true(values, present, weights):
    share = present if weights is None else present * weights[:, None]
    return (share * (values != 0)).sum(0), share.sum(0)


@operation(axes="reduce-any", subject="x")
def count(x: Boolean, *, over: AxisName | None = None, ctx=None) -> Number:
    """Number of values that are true: over items, over the axis that `over` names, or over all cells without items.

    Missing cells do not count; where none is left the result is missing.
    """

    def kernel(values, present, weights):
        true, total = _true(values, present, weights)
        return true, total > 0

    return reduce_each(x, _names(x, over), ctx, kernel, "count")


@operation("any", axes="reduce-any", subject="x", nonlinear=True)
def any_(x: Boolean, *, over: AxisName | None = None, ctx=None) -> Boolean:
    """Whether at least one is true: over items, over the axis that `over` names, or over all cells without items.

    Missing cells are left out; where none is left the result is missing.
    """

    def kernel(values, present, weights):
        true, total = _true(values, present, weights)
        return true > 0, total > 0

    return _boolean(reduce_each(x, _names(x, over), ctx, kernel, "any"))


@operation("all", axes="reduce-any", subject="x", nonlinear=True)
def all_(x: Boolean, *, over: AxisName | None = None, ctx=None) -> Boolean:
    """Whether every one is true: over items, over the axis that `over` names, or over all cells without items.

    Missing cells are left out; where none is left the result is missing.
    """

    def kernel(values, present, weights):
        true, total = _true(values, present, weights)
        return true >= total, total > 0

    return _boolean(reduce_each(x, _names(x, over), ctx, kernel, "all"))


def _boolean(x: Cube) -> Cube:
    return Cube(x.axes, np.where(x.present(), x.values, 0) != 0, x.missing)
