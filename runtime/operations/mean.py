"""Mean and sum: the linear reducers."""

from ...compiler.kinds import AxisName, Boolean, Number, Vector
from ..inference import keeps_vectors
from ..reduction import reduced, weighted_mean, weighted_sum
from ..registry import operation


@operation(axes="reduce", subject="x", infer=keeps_vectors)
def mean(x: Number | Boolean | Vector, *, over: AxisName | None = None, ctx=None) -> Number:
    """Mean over items, or over the axis that `over` names.

    Samples and tokens are averaged within their item first, so that each item counts once. A contrast's two sides
    count as its items; `over=item` keeps them apart. Booleans give a share, vectors give a vector. Missing cells are
    left out; where none is left the result is missing, with the reason. Raises `unknown-axis`.
    """
    return weighted_mean(x, reduced(x, over), ctx)


@operation("sum", axes="reduce", subject="x", infer=keeps_vectors)
def sum_(x: Number | Boolean | Vector, *, over: AxisName | None = None, ctx=None) -> Number:
    """Sum over items, samples and tokens, or over the axis that `over` names.

    Missing cells are left out; where none is left the result is missing, with the reason. Raises `unknown-axis`.
    """
    return weighted_sum(x, reduced(x, over), ctx)
