"""Intervals: percentiles over replicates, Wilson for booleans, and the summary of values that still have items.

It knows nothing of how an expression is evaluated: it is handed a function from contexts to cubes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from .cells import mark
from .cube import Axis, Cube
from .reduction import per_unit
from .replicates import Context, Scheme, chunks, replay

_AT_ONCE = 2**24  # floats of replicated means held at a time


@dataclass(frozen=True)
class Summary:
    """Mean, interval and number of units of a value that still had items."""

    mean: Cube
    low: Cube
    high: Cube
    n: Cube


def wilson(k: np.ndarray | float, n: np.ndarray | float, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval for `k` successes of `n`, arrays of any shape; nan where `n` is 0."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    k, n = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = k / n
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return np.where(k <= 0, np.minimum(p, 0.0), centre - half), np.where(k >= n, np.maximum(p, 1.0), centre + half)


def interval(
    evaluate: Callable[[Context], Cube], point: Cube, *, n: int = 1000, seed: int = 0, level: float = 0.95,
    cluster: str | None = None,
) -> tuple[Cube, Cube, Cube]:  # fmt: skip
    """Percentile bootstrap of an expression: low, high and standard deviation, on the axes of `point`.

    For labels of integers the ends are labels too. For vectors they are mean ± normal quantile · sd per component, so
    that no replicate is kept. Cells are missing where `point` is, where no item was resampled, or where the value is
    not a number.
    """
    scheme = Scheme("bootstrap", n, cluster)
    if point.feature:
        return _moments(evaluate, point, scheme, seed, level)
    if point.values.dtype.kind not in "bifu":
        return (_none(point, "these labels have no order, so no interval"),) * 3
    drawn = replay(evaluate, scheme, seed)
    if drawn is None:
        return (_none(point, "nothing here was averaged over items"),) * 3
    drawn = drawn.transpose((drawn.names[0], *point.names))
    values = np.where(drawn.present(), drawn.values, np.nan).astype(np.float64)
    low, high, sd = percentiles(values, level, whole=point.values.dtype.kind in "iu")
    cells = [Cube(point.axes, v, point.missing) for v in (low, high, sd)]
    few = np.isnan(low)
    return tuple(mark(c, few, "no replicate could be computed") for c in cells)


def percentiles(draws: np.ndarray, level: float, whole: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low, high and sd (ddof 1) over the first axis of `draws`, ignoring nan; all nan where there is no draw."""
    some = ~np.isnan(draws).all(0)
    safe = np.where(some, draws, 0.0)
    ends = [(1 - level) / 2, (1 + level) / 2]
    method = "inverted_cdf" if whole else "linear"
    take = np.nanquantile if np.isnan(safe).any() else np.quantile
    low, high = take(safe, ends, axis=0, method=method)
    count = (~np.isnan(safe)).sum(0)
    mean = np.nansum(safe, 0) / np.maximum(count, 1)
    sd = np.sqrt(np.nansum((safe - mean) ** 2, 0) / np.maximum(count - 1, 1))
    return tuple(np.where(some, v, np.nan) for v in (low, high, sd))


def _moments(evaluate, point: Cube, scheme: Scheme, seed: int, level: float) -> tuple[Cube, Cube, Cube]:
    count, total, square = 0, 0.0, 0.0
    for part in chunks(evaluate, scheme, seed):
        off = part.transpose((part.names[0], *point.names)).values - point.values
        count, total, square = count + len(off), total + off.sum(0), square + (off**2).sum(0)
    if count < 2:
        return (_none(point, "nothing here was averaged over items"),) * 3
    sd = np.sqrt(np.maximum(square - total**2 / count, 0) / (count - 1))
    z = NormalDist().inv_cdf((1 + level) / 2)
    low, high = point.values - z * sd, point.values + z * sd
    return tuple(Cube(point.axes, v, point.missing) for v in (low, high, sd))


def _none(point: Cube, reason: str) -> Cube:
    empty = Cube(point.axes, np.full(point.values.shape, np.nan), point.missing)
    return mark(empty, np.ones(point.shape, bool), reason)


def summarise_items(
    x: Cube, *, seed: int = 0, n: int = 1000, level: float = 0.95, sides: bool = False
) -> Summary:
    """Summarise values that still have items: the mean of the units, its interval, and how many units there are.

    Booleans get Wilson's interval; with samples inside items, at the number of independent draws that would vary as
    much as the items do. Numbers get a percentile bootstrap over units. The two sides of a contrast are summarised
    apart unless `sides` joins them.
    """
    of = per_unit(x, "a summary", sides=sides)
    mean, counts = mean_of(of.values, of.present), of.n
    if x.values.dtype.kind == "b":
        size = effective(x, of.values, of.present)
        low, high = wilson(mean * size, size, level)
    else:
        low, high = mean_interval(of.values, of.present, of.labels, seed=seed, n=n, level=level)
    shape = tuple(len(a) for a in of.axes)
    missing = None if np.equal(of.reasons, None).all() else of.reasons.reshape(shape)
    cubes = [Cube(of.axes, v.reshape(shape), missing) for v in (mean, low, high)]
    return Summary(*cubes, Cube(of.axes, counts.reshape(shape)))


def mean_of(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Mean [cells] of values [n, cells] that are zero where not present; nan where there are none."""
    count = present.sum(0)
    return np.where(count > 0, values.sum(0) / np.maximum(count, 1), np.nan)


def effective(x: Cube, values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """The number of independent booleans [cells] whose mean varies as much as that of the unit means given.

    Between the number of units and the number of values; the former where all agree, and the latter without nesting.
    """
    count, total = present.sum(0), x.present().sum()
    if x.values.size == values.size:
        return count.astype(np.float64)
    mean = mean_of(values, present)
    off = np.where(present, values - np.where(count > 0, mean, 0), 0)
    spread = (off**2).sum(0) / np.maximum(count - 1, 1) / np.maximum(count, 1)
    each = total / max(values.size, 1) * count  # values per cell, were they evenly spread
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where(spread > 0, mean * (1 - mean) / spread, count)
    return np.clip(size, count, np.maximum(each, count))


def mean_interval(
    values: np.ndarray, present: np.ndarray, labels: tuple, *, seed: int = 0, n: int = 1000, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap of the mean of each column of values [n, cells], a block of columns at a time."""
    cells = values.shape[1]
    low, high = np.full(cells, np.nan), np.full(cells, np.nan)
    if not len(labels):
        return low, high
    weights = Context(seed, Scheme("bootstrap", n)).weights(Axis("item", tuple(labels), "data"))
    width = max(_AT_ONCE // n, 1)
    for start in range(0, cells, width):
        block = slice(start, start + width)
        count = weights @ present[:, block].astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            draws = np.where(count > 0, (weights @ values[:, block]) / count, np.nan)
        low[block], high[block], _ = percentiles(draws, level)
    return low, high
