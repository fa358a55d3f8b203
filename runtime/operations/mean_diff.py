"""The difference between the means of a contrast's two sides."""

import numpy as np

from ...compiler.kinds import Direction, Vector
from ..cube import Cube, merge_missing
from ..errors import ProbeError
from ..reduction import SIDE, weighted_mean
from ..registry import operation


@operation(axes="reduce-side", subject="x", nonlinear=False, source="Marks and Tegmark 2023, arXiv:2310.06824")
def mean_diff(x: Vector, ctx=None) -> Direction:
    """Mean over the items of the positive side minus mean over those of the negative side.

    Takes values with a `side` axis, as a contrast gives; the axis goes, and so do the items. Under label permutation
    the two sides of each item are swapped at random. Missing items are left out side by side. Raises `no-sides`.
    """
    if SIDE not in x.names:
        raise ProbeError("no-sides", "mean_diff compares the two sides of a contrast, and this has no sides")
    side = x.axis(SIDE)
    means = weighted_mean(x, x.data_axes(), ctx)
    positive = means.isel(SIDE, side.index("positive"))
    negative = means.isel(SIDE, side.index("negative"))
    difference = np.subtract(positive.values, negative.values, dtype=np.float64)
    return Cube(positive.axes, difference, merge_missing([positive, negative]))
