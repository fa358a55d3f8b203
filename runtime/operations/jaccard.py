"""Overlap of two sets, given as booleans."""

import numpy as np

from ...compiler.kinds import AxisName, Boolean, Number
from ..reduction import reduce_pair
from ..registry import operation


def _overlap(a, b, present, weights):
    share = present.astype(float) if weights is None else present * weights[:, None]
    either = (share * ((a != 0) | (b != 0))).sum(0)
    both = (share * ((a != 0) & (b != 0))).sum(0)
    return np.where(either > 0, both / np.maximum(either, 1), 1.0), share.sum(0) > 0


@operation(axes="reduce", subject="a", nonlinear=True)
def jaccard(a: Boolean, b: Boolean, *, over: AxisName | None = None, ctx=None) -> Number:
    """Share of what is true in both among what is true in either, over items or the axis that `over` names.

    Two empty sets are alike: 1. Places where either is missing are left out; missing when none remains.
    """
    return reduce_pair(a, b, over, ctx, _overlap, "jaccard", "too few values")
