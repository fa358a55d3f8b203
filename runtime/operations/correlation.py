"""Correlation of two values over items or along an axis."""

import numpy as np

from ...compiler.kinds import AxisName, Number
from ..reduction import PairKernel, reduce_pair
from ..registry import operation

_NONE = "fewer than two places, or one of the two is constant"


def _pearson(a, b, present, weights):
    share = present.astype(float) if weights is None else present * weights[:, None]
    total = np.maximum(share.sum(0), 1)
    x, y = (np.where(share > 0, v - (share * np.where(present, v, 0)).sum(0) / total, 0) for v in (a, b))
    sizes = [(share * v * v).sum(0) for v in (x, y)]
    floors = [1e-28 * (share * np.where(present, v, 0) ** 2).sum(0) for v in (a, b)]
    ok = (sizes[0] > floors[0]) & (sizes[1] > floors[1])
    scale = np.sqrt(np.where(ok, sizes[0], 1)) * np.sqrt(np.where(ok, sizes[1], 1))
    return np.clip((share * x * y).sum(0) / scale, -1, 1), ok


def _ranks(values: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Average ranks [n] of values that each count `share` times."""
    distinct, group = np.unique(values, return_inverse=True)
    each = np.bincount(group, weights=share, minlength=len(distinct))
    before = np.concatenate([[0], each.cumsum()[:-1]])
    return (before + (each + 1) / 2)[group]


def _spearman(a, b, present, weights):
    share = present.astype(float) if weights is None else present * weights[:, None]
    ranked = [np.zeros(v.shape) for v in (a, b)]
    for cell in range(a.shape[1]):
        here = share[:, cell] > 0
        for values, ranks in zip((a, b), ranked):
            ranks[here, cell] = _ranks(values[here, cell], share[here, cell])
    return _pearson(*ranked, present, weights)


def _correlate(a, b, over, ctx, kernel: PairKernel, what: str):
    return reduce_pair(a, b, over, ctx, kernel, what, _NONE)


@operation(axes="reduce", subject="a", nonlinear=True)
def pearson(a: Number, b: Number, *, over: AxisName | None = None, ctx=None) -> Number:
    """Pearson correlation of two values over items, or over the axis that `over` names.

    Places where either is missing are left out. Missing when fewer than two remain or one value is constant.
    """
    return _correlate(a, b, over, ctx, _pearson, "pearson")


@operation(axes="reduce", subject="a", nonlinear=True)
def spearman(a: Number, b: Number, *, over: AxisName | None = None, ctx=None) -> Number:
    """Rank correlation of two values over items, or over the axis that `over` names; ties get their average rank.

    Places where either is missing are left out. Missing when fewer than two remain or one value is constant.
    """
    return _correlate(a, b, over, ctx, _spearman, "spearman")
