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

STILL = "no draw of items changed the number: the interval says nothing"
ONE_ITEM = "one item, drawn again, is the same item: no interval"
FEW_ITEMS = 10  # below, the percentile interval of a mean of normal values covers less than 90 %, not 95
UNSEEN = 2  # hits (or misses) whose samples all agree, added to those that show how alike samples are
NOT_DRAWN = "nothing here was averaged over items"
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
    cluster: str | None = None, counts: list[Cube] | None = None,
) -> tuple[Cube, Cube, Cube]:  # fmt: skip
    """Percentile bootstrap of an expression: low, high and standard deviation, on the axes of `point`.

    For labels of integers the ends are labels too. For vectors they are mean ± normal quantile · sd per component, so
    that no replicate is kept. Cells are missing where `point` is, where no item was resampled, where all comes from one
    item, or where the value is not a number. `counts` is filled with the numbers of items, for `least`.
    """
    scheme, counts = Scheme("bootstrap", n, cluster), [] if counts is None else counts
    ends = _drawn(evaluate, point, scheme, seed, level, counts)
    alone = least(counts, point) < 2
    return tuple(mark(c, alone, ONE_ITEM) for c in ends)


def least(counts: list[Cube], point: Cube) -> np.ndarray:
    """The number of items [cells of `point`] behind each cell, of the dataset with the fewest; a cell without is 2⁶².

    Where a reduction had axes that `point` has no more, the fullest of its cells counts.
    """
    found = np.full(point.shape, 2**62)
    for count in counts:
        own = {a.name: a.labels for a in point.axes}
        gone = tuple(i for i, a in enumerate(count.axes) if own.get(a.name) != a.labels)
        axes = tuple(a for i, a in enumerate(count.axes) if i not in gone)
        values = count.values.max(axis=gone) if gone and count.values.size else count.values
        if values.size:
            found = np.minimum(found, Cube(axes, np.where(values > 0, values, 2**62)).expand(point.axes).values)
    return found


def caution(items: np.ndarray) -> tuple[str, ...]:
    """What to know of bootstrap intervals of cells that come from so many items; cells without any do not count."""
    items = items[items > 0]
    alone, few = items < 2, (items >= 2) & (items < FEW_ITEMS)
    said = []
    if alone.any():
        said.append(f"no interval{'' if alone.all() else ' in some cells'}: one item, drawn again, is the same item")
    if few.any():
        least, most = items[few].min(), items[few].max()
        said.append(f"an interval from so few items ({least if least == most else f'{least} to {most}'}) is too narrow")
    return tuple(said)


def without_width(low: Cube, high: Cube) -> tuple[str, ...]:
    """What to know of bootstrap intervals whose ends are equal, as where all items have the same value."""
    there = low.present() & high.present() & np.isfinite(low.values) & np.isfinite(high.values)
    equal = there & np.isclose(low.values, high.values, rtol=1e-12, atol=0)
    return (STILL if equal.sum() == there.sum() else f"in some cells {STILL}",) if equal.any() else ()


def _drawn(evaluate, point: Cube, scheme: Scheme, seed: int, level: float, counts: list[Cube]):
    if point.feature:
        return _moments(evaluate, point, scheme, seed, level, counts)
    if point.values.dtype.kind not in "bifu":
        return (_none(point, "these labels have no order, so no interval"),) * 3
    drawn = replay(evaluate, scheme, seed, counts)
    if drawn is None:
        return (_none(point, NOT_DRAWN),) * 3
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


def _moments(evaluate, point: Cube, scheme: Scheme, seed: int, level: float, counts: list[Cube]):
    count, total, square = 0, 0.0, 0.0
    for part in chunks(evaluate, scheme, seed, counts):
        off = part.transpose((part.names[0], *point.names)).values - point.values
        count, total, square = count + len(off), total + off.sum(0), square + (off**2).sum(0)
    if count < 2:
        return (_none(point, NOT_DRAWN),) * 3
    sd = np.sqrt(np.maximum(square - total**2 / count, 0) / (count - 1))
    z = NormalDist().inv_cdf((1 + level) / 2)
    low, high = point.values - z * sd, point.values + z * sd
    return tuple(Cube(point.axes, v, point.missing) for v in (low, high, sd))


def _none(point: Cube, reason: str) -> Cube:
    empty = Cube(point.axes, np.full(point.values.shape, np.nan), point.missing)
    return mark(empty, np.ones(point.shape, bool), reason)


def summarise_items(x: Cube, *, seed: int = 0, n: int = 1000, level: float = 0.95, sides: bool = False) -> Summary:
    """Summarise values that still have items: the mean of the units, its interval, and how many units there are.

    Booleans get Wilson's interval; with samples inside items, at the number of independent draws that would vary as
    much as the items do (`effective`). Numbers get a percentile bootstrap over units, none where there is one
    unit. The two sides of a contrast are summarised apart unless `sides` joins them.
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
    ends = [mark(c, np.isnan(c.values), ONE_ITEM) for c in cubes[1:]]
    return Summary(cubes[0], *ends, Cube(of.axes, counts.reshape(shape)))


def mean_of(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Mean [cells] of values [n, cells] that are zero where not present; nan where there are none."""
    count = present.sum(0)
    return np.where(count > 0, values.sum(0) / np.maximum(count, 1), np.nan)


def effective(x: Cube, values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """The number of independent booleans [cells] whose mean varies as much as that of the unit means given.

    It is the number of values over their design effect, which is between 1 (the values of a unit tell nothing of each
    other) and the size of a unit (they all agree, and the units count). Only hits show it, or misses where they are
    rarer: it is averaged over these and `UNSEEN` more, in whose units all agree. So where nothing varies the units
    count, and from there it changes without a jump.
    """
    count, total = present.sum(0), x.present().sum()
    if x.values.size == values.size:
        return count.astype(np.float64)
    inside = np.maximum(total / max(values.size, 1), 1.0)  # values of a unit, were they evenly spread
    mean = mean_of(values, present)
    off = np.where(present, values - np.where(count > 0, mean, 0), 0)
    spread = (off**2).sum(0) / np.maximum(count - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.where(spread > 0, np.clip(inside * spread / (mean * (1 - mean)), 1, inside), inside)
    seen = np.where(count > 0, inside * count * np.minimum(mean, 1 - mean), 0)
    return inside * count * (seen + UNSEEN) / (seen * alike + UNSEEN * inside)


def mean_interval(
    values: np.ndarray, present: np.ndarray, labels: tuple, *, seed: int = 0, n: int = 1000, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap of the mean of each column of values [n, cells], a block of columns at a time.

    Low and high [cells] are nan where fewer than two values are present.
    """
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
    alone = present.sum(0) < 2
    return np.where(alone, np.nan, low), np.where(alone, np.nan, high)
