"""Where along an axis a value is largest or smallest."""

import numpy as np

from ...compiler.kinds import AxisName, Number
from ..cells import scalars
from ..cube import Axis, Cube
from ..reduction import reduce_each, reduced
from ..registry import operation


@operation(axes="reduce", subject="x", nonlinear=True)
def argmax(x: Number, *, over: AxisName, ctx=None) -> Number:
    """Label of the axis `over` at which the value is largest.

    Of equal values the first wins. Missing cells are left out; where none is left the result is missing. Over items
    it is a key, which a bootstrap cannot give an interval for.
    """
    return _label_of(x, over, ctx, sign=1)


@operation(axes="reduce", subject="x", nonlinear=True)
def argmin(x: Number, *, over: AxisName, ctx=None) -> Number:
    """Label of the axis `over` at which the value is smallest; of equal values the first wins."""
    return _label_of(x, over, ctx, sign=-1)


def _label_of(x: Cube, over: str, ctx, sign: int) -> Cube:
    scalars(x, "argmax")

    def kernel(values, present, weights):
        drawn = present if weights is None else present & (weights > 0)[:, None]
        return np.where(drawn, sign * values, -np.inf).argmax(0), drawn.any(0)

    at = reduce_each(x, reduced(x, over), ctx, kernel, "argmax")
    index = np.where(at.present(), at.values, 0).astype(int)
    return Cube(at.axes, labels_of(x.axis(over))[index.ravel()].reshape(index.shape), at.missing)


def labels_of(axis: Axis) -> np.ndarray:
    """The labels as an array: integers and floats stay so, all else becomes objects."""
    if all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in axis.labels):
        return np.array(axis.labels, dtype=int)
    if all(isinstance(v, (int, float, np.number)) for v in axis.labels):
        return np.array(axis.labels, dtype=float)
    labels = np.empty(len(axis), dtype=object)
    for i, label in enumerate(axis.labels):
        labels[i] = label
    return labels
