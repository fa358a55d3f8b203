"""The sign-flip test: is the mean of paired differences zero, whatever the shape of their distribution?"""

import numpy as np

from ...compiler.kinds import AxisName, Boolean, Number, Test
from ..cells import literal
from ..errors import ProbeError
from ..intervals import mean_interval, mean_of
from ..record import FIELDS, Alternative, Correction, tested
from ..reduction import per_unit
from ..registry import operation
from ..replicates import PLAIN, generator

EXACT_AUTO = 20  # items up to which all sign assignments are counted unless said otherwise
EXACT_MOST = 40  # items up to which they can be
DRAWS = 100_000
_CHUNK = 4096
_TIE = 1e-12


@operation(
    axes="reduce-items",
    subject="x",
    fields=FIELDS,
    source="Fisher 1935, The Design of Experiments, section 21",
    options=("exact",),
)
def sign_flip(
    x: Number, *, alternative: Alternative = "two-sided", exact: Boolean | None = None,
    cluster: AxisName | None = None, adjust: Correction = "holm", ctx=None,
) -> Test:  # fmt: skip
    """Test whether values per item are symmetric around zero, by flipping their signs.

    The statistic is the mean over items, or over the values of the column `cluster`, within which it is averaged first
    like samples within their item. All sign assignments count up to 20 items (up to 40 with `exact=true`), else
    100,000 seeded draws, with p = (1 + hits) / (1 + draws). Means that differ by less than 1e-12 are ties. The
    smallest p with n items is 2/2ⁿ, or 1/2ⁿ when one-sided.

    Gives value and stat (the mean), p, adjusted (over all cells, `adjust`), n (items or clusters), low and high (95 %
    bootstrap). Raises `no-items`, `unknown-column`, `exact-too-large`.
    """
    of = per_unit(x, "sign_flip", literal(cluster, "cluster"))
    exact, seed = literal(exact, "exact"), (ctx or PLAIN).seed
    p = np.full(len(of.n), np.nan)
    drawn = []
    for cell, n in enumerate(of.n):
        if exact and n > EXACT_MOST:
            raise ProbeError("exact-too-large", f"{n} items have 2^{n} sign assignments", "leave out exact=true")
        if n and (n <= EXACT_AUTO if exact is None else exact):
            p[cell] = exact_p(of.values[of.present[:, cell], cell], alternative)
        elif n:
            drawn.append(cell)
    if drawn:
        p[drawn] = drawn_p(of.values[:, drawn], of.n[drawn], alternative, generator(seed, "sign_flip", *of.labels))
    mean = mean_of(of.values, of.present)
    low, high = mean_interval(of.values, of.present, of.labels, seed=seed)
    fields = {"value": mean, "stat": mean, "p": p, "n": of.n, "low": low, "high": high}
    return tested(of.axes, fields, of.reasons, adjust)


def exact_p(values: np.ndarray, alternative: str = "two-sided") -> float:
    """The share of the 2ⁿ sign assignments whose mean is at least as extreme as that of `values` [n].

    Halves are enumerated apart and joined by counting, so that 40 values take 2²⁰ steps.
    """
    values = -values if alternative == "less" else values
    least = _least(values.sum(), len(values), np.abs(values).max(initial=0), alternative)
    if alternative == "two-sided" and least <= 0:
        return 1.0
    first, second = (_sums(half) for half in (values[: len(values) // 2], values[len(values) // 2 :]))
    second.sort()
    hits = (len(second) - np.searchsorted(second, least - first, side="left")).sum()
    sides = 2 if alternative == "two-sided" else 1
    return min(float(sides * hits / 2.0 ** len(values)), 1.0)


def drawn_p(values: np.ndarray, n: np.ndarray, alternative: str, rng: np.random.Generator) -> np.ndarray:
    """Monte Carlo p values [cells] of values [units, cells] that are zero where missing."""
    values = -values if alternative == "less" else values
    least = _least(values.sum(0), n, np.abs(values).max(0, initial=0), alternative)
    hits = np.zeros(values.shape[1])
    for start in range(0, DRAWS, _CHUNK):
        size = min(_CHUNK, DRAWS - start)
        signs = rng.integers(0, 2, (size, len(values)), dtype=np.int8) * 2.0 - 1.0
        sums = signs @ values
        hits += ((np.abs(sums) if alternative == "two-sided" else sums) >= least).sum(0)
    return (1 + hits) / (1 + DRAWS)


def _least(total, n, largest, alternative: str):
    """The smallest sum that counts as extreme as `total`: less by the tolerance for ties."""
    total = np.abs(total) if alternative == "two-sided" else total
    return total - _TIE * n * np.maximum(1.0, largest)


def _sums(values: np.ndarray) -> np.ndarray:
    """All 2ⁿ sums of ± values."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums
