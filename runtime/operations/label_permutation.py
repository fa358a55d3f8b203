"""The label permutation test: would the sides of a contrast, swapped at random, give as large a value?"""

import numpy as np

from ...compiler.kinds import AxisName, Integer, Number, Test
from ..cells import literal
from ..errors import ProbeError
from ..intervals import percentiles
from ..record import FIELDS, Correction, tested
from ..registry import operation
from ..replicates import PLAIN, Scheme, replay


@operation(
    axes="broadcast", subject="x", replays="x", fields={**FIELDS, "null_mean": Number, "null_sd": Number},
    source="Phipson and Smyth 2010, arXiv:1603.05766",
    options=("n", "seed"),
)  # fmt: skip
def label_permutation(
    x: Number, *, n: Integer = 999, seed: Integer = 0, cluster: AxisName | None = None, adjust: Correction = "holm",
    ctx=None,
) -> Test:  # fmt: skip
    """Compare a value with what it is when the two sides of each item are swapped at random.

    x is evaluated again n times, from the items on; every mean over them sees the same swaps. One-sided: large values
    count, p = (1 + #{null ≥ x}) / (1 + n). The smallest p is 1 / (1 + n), so n has to be larger the more cells there
    are. `cluster` names a column whose equal values are swapped together.

    Gives value and stat (x), p, adjusted, n (permutations), null_mean, null_sd, and low and high, which are the 95 %
    band of the null, not an interval of x. Raises `nothing-to-permute` when no mean over a contrast's items is in x.
    """
    n, seed = int(literal(n, "n")), int(literal(seed, "seed"))
    point = x(PLAIN if ctx is None else ctx.plain())
    null = replay(x, Scheme("permutation", n, literal(cluster, "cluster")), seed)
    if null is None:
        raise ProbeError(
            "nothing-to-permute", "label_permutation swaps a contrast's sides, and no mean over items here has sides",
            "use mean_diff(…), or average before you select a side",
        )  # fmt: skip
    null = null.transpose((null.names[0], *point.names))
    draws = np.where(null.present(), null.values, np.nan).astype(np.float64)
    value = np.where(point.present(), point.values, np.nan).astype(np.float64)
    hits = (draws >= value - 1e-12 * np.maximum(1, np.abs(value))).sum(0)
    low, high, sd = percentiles(draws, 0.95)
    fields = {"value": value, "stat": value, "p": np.where(np.isnan(value), np.nan, (1 + hits) / (1 + n))}
    fields |= {"n": np.full(point.shape, n), "null_mean": _mean(draws), "null_sd": sd, "low": low, "high": high}
    return tested(point.axes, fields, point.missing, adjust)


def _mean(draws: np.ndarray) -> np.ndarray:
    count = (~np.isnan(draws)).sum(0)
    return np.where(count > 0, np.nansum(draws, 0) / np.maximum(count, 1), np.nan)
