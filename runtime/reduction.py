"""Reductions over named axes, with item weights and missing cells.

A cell that is missing has weight zero; where nothing is left the result is missing, with the first reason. Weights and
swapped sides come from the context and apply to the unit: the outermost axis of data. A value that has a `replicate`
axis already is combined with the weights replicate by replicate. Arrays of shape [replicates, items, width] are never
made: weighted sums are matrix products over blocks of columns. Of vectors that stand in files, sums are folded block by
block of items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from .cells import LEFT_OUT, mark, numbers, scalars
from .cube import Axis, Cube, align, made_of, merge_missing, stack
from .errors import ProbeError
from .replicates import PLAIN, REPLICATE, Context, units

SIDE = "side"
NESTED = ("sample", "token")  # axes of data inside an item: never drawn by themselves once the items are gone
_COLUMNS = 2**22  # floats converted at a time in a matrix product

_PAIR = " pair"  # an axis that no specification can name

# Takes values [n, cells], presence [n, cells] and weights [n] or None; gives a value per cell and where there is one.
Kernel = Callable[[np.ndarray, np.ndarray, np.ndarray | None], tuple[np.ndarray, np.ndarray]]
# The same for two arrays of values that are present together.
PairKernel = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None], tuple[np.ndarray, np.ndarray]]


def row_axes(x: Cube) -> tuple[str, ...]:
    """The axes that a reducer takes away when none is named: those of data, and the two sides of a contrast."""
    data = x.data_axes()
    return tuple(n for n in x.names if n in data or (n == SIDE and data))


def reduced(x: Cube, over: str | None) -> tuple[str, ...]:
    """The axes to take away: the one that is named (`unknown-axis` if it is not there), else the row axes."""
    if over is None:
        return row_axes(x)
    x.position(over)
    return (over,)


def unit_axis(x: Cube, names: tuple[str, ...]) -> str | None:
    """The axis among `names` whose labels are the units of replication, if any."""
    data = x.data_axes()
    unit = next((n for n in data if n not in NESTED), data[0] if data and REPLICATE not in x.names else None)
    return unit if unit in names else None


def weighted_mean(x: Cube, names: tuple[str, ...], ctx: Context | None = None) -> Cube:
    """Mean over the axes `names`, from the inside out, so that each unit counts once however many samples it has.

    Keeps the feature shape; float64. Over the unit axis the context's weights apply, or its swapped sides when the
    axis `side` stays. The result has `replicate` as first axis then.
    """
    return _linear(x, names, ctx or PLAIN, mean=True)


def weighted_sum(x: Cube, names: tuple[str, ...], ctx: Context | None = None) -> Cube:
    """Sum over the axes `names`, weighted like `weighted_mean`."""
    return _linear(x, names, ctx or PLAIN, mean=False)


def _linear(x: Cube, names: tuple[str, ...], ctx: Context, mean: bool) -> Cube:
    unit = unit_axis(x, names)
    for name in reversed(x.names):
        if name in names and name != unit:
            x = _over(x, name, mean)
    if unit is None:
        return x
    axis = x.axis(unit)
    flips = ctx.flips(axis)
    if flips is not None and SIDE in x.names:
        return _swapped(x, unit, flips, ctx, mean)
    weights = ctx.weights(axis)
    return _over(x, unit, mean) if weights is None else _weighted(x, unit, weights, ctx, mean)


def _over(x: Cube, name: str, mean: bool) -> Cube:
    at, count = x.position(name), x.present().sum(x.position(name))
    axes = x.axes[:at] + x.axes[at + 1 :]
    if x.along not in (None, name):
        return _explain(made_of([x], axes, lambda part: _over(part, name, mean).values, None), count == 0, x, (name,))
    total = reduce(np.add, (_summed(part, at) for _, part in x.blocks(name)))
    return _explain(Cube(axes, _ratio(total, count) if mean else total), count == 0, x, (name,))


def _summed(x: Cube, at: int) -> np.ndarray:
    """The sum over the axis number `at`; what is missing counts as zero."""
    values = numbers(x, "a sum or mean")
    if x.missing is not None:
        values = np.where(_widen(x.present(), len(x.feature)), values, 0)
    return values.sum(axis=at, dtype=np.float64)


def _weighted(x: Cube, name: str, weights: np.ndarray, ctx: Context, mean: bool) -> Cube:
    total, count, rest = _totals(x, name, weights)
    ctx.note(total.size // len(weights))
    _count(x, (name,), name, ctx)
    result = Cube((ctx.replicate_axis(len(weights)), *rest), _ratio(total, count) if mean else total)
    return mark(result, count == 0, _first_reason(x))


def _count(x: Cube, names: tuple[str, ...], unit: str, ctx: Context) -> None:
    """Record how many units each cell of a reduction over `names` has, where some are missing."""
    if x.missing is None or REPLICATE in x.names:
        return
    lead = (unit, *(n for n in names if n != unit))
    ordered = x.transpose((*lead, *(n for n in x.names if n not in lead)))
    present = ordered.present().any(axis=tuple(range(1, len(lead))))
    ctx.count(Cube(ordered.axes[len(lead) :], present.sum(0)))


def _swapped(x: Cube, name: str, flips: np.ndarray, ctx: Context, mean: bool) -> Cube:
    """Reduce both sides after swapping them in the items where `flips` is -1; `side` is the second axis then."""
    side = x.axis(SIDE)
    if len(side) != 2:
        raise ProbeError("not-two-sides", f"sides can be swapped where there are two, and here there are {len(side)}")
    totals = [_totals(x.isel(SIDE, i), name, np.ones_like(flips[:1])) for i in (0, 1)]
    (positive, n_positive, rest), (negative, n_negative, _) = totals
    off, n_off = _flipped_totals(x, name, flips)
    # What both sides hold together does not change, so one product with the difference gives both.
    total = np.stack([(positive + negative + sign * off) / 2 for sign in (1, -1)], axis=1)
    count = np.stack([(n_positive + n_negative + sign * n_off) / 2 for sign in (1, -1)], axis=1)
    ctx.note(total.size // len(flips))
    axes = (ctx.replicate_axis(len(flips)), side, *rest)
    return mark(Cube(axes, _ratio(total, count) if mean else total), count == 0, _first_reason(x))


def _flipped_totals(x: Cube, name: str, flips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums [R, rest, feature] of the first side minus the second with the signs `flips`, and the same of counts."""
    return _folded(_flipped_block(part, name, flips[:, items]) for items, part in x.blocks(name))


def _flipped_block(x: Cube, name: str, flips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    (first, here, _), (second, there, _) = (_items_first(x.isel(SIDE, i), name) for i in (0, 1))
    if REPLICATE in x.names:
        off = np.subtract(first, second, dtype=np.float64)
        return np.einsum("rn,rn...->r...", flips, off), np.einsum("rn,rn...->r...", flips, here * 1.0 - there)
    if here.all() and there.all():
        return _product(flips, first, second), np.zeros((1,) * here.ndim)
    return _product(flips, first, second), _product(flips, here * 1.0, there * 1.0)


def _items_first(x: Cube, name: str) -> tuple[np.ndarray, np.ndarray, tuple[Axis, ...]]:
    """Values and presence with replicates (if any) and items first, zero where missing, and the axes after those."""
    lead = [n for n in (REPLICATE, name) if n in x.names]
    ordered = x.transpose(lead + [n for n in x.names if n not in lead])
    values, present = numbers(ordered, "a sum or mean"), ordered.present()
    if not present.all():
        values = np.where(_widen(present, len(x.feature)), values, 0)
    return values, present, ordered.axes[len(lead) :]


def _totals(x: Cube, name: str, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[Axis, ...]]:
    """Weighted sums [R, rest, feature], the weight [R, rest] that went into each, and the axes `rest`."""
    total, count = _folded(_totals_of_block(part, name, weights[:, items]) for items, part in x.blocks(name))
    return total, count, tuple(a for a in x.axes if a.name not in (REPLICATE, name))


def _totals_of_block(x: Cube, name: str, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, present, rest = _items_first(x, name)
    if REPLICATE in x.names:
        total = np.einsum("rn,rn...->r...", np.broadcast_to(weights, present.shape[:2]), values, dtype=np.float64)
        return total, np.einsum("rn,rn...->r...", np.broadcast_to(weights, present.shape[:2]), present)
    if present.all():
        each = weights.sum(1).reshape(-1, *[1] * len(rest))
        count = np.broadcast_to(each, (len(weights), *(len(a) for a in rest)))
    else:
        count = _product(weights, present)
    return _product(weights, values), count


def _folded(blocks: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The sums of both arrays of some pairs; the first ones are large, and not read elsewhere."""
    return reduce(lambda a, b: (np.add(a[0], b[0], out=a[0]), a[1] + b[1]), blocks)


def _product(weights: np.ndarray, values: np.ndarray, minus: np.ndarray | None = None) -> np.ndarray:
    """`weights` [R, n] times `values` [n, …] (less `minus`) in float64, converting a block of columns at a time."""
    flat = values.reshape(len(values), int(np.prod(values.shape[1:])))
    other = None if minus is None else minus.reshape(flat.shape)
    result = np.empty((len(weights), flat.shape[1]))
    width = max(_COLUMNS // max(len(flat), 1), 1)
    for start in range(0, flat.shape[1], width):
        block = flat[:, start : start + width].astype(np.float64, copy=False)
        block = block if other is None else block - other[:, start : start + width]
        result[:, start : start + width] = weights @ block
    return result.reshape(len(weights), *values.shape[1:])


def reduce_each(
    x: Cube, names: tuple[str, ...], ctx: Context | None, kernel: Kernel, what: str, none: str = "too few values"
) -> Cube:
    """Reduce numbers over `names` together by a kernel that is not linear, one replicate at a time.

    Returns float64 without the axes `names`; where the kernel has no value the cell is missing, for the reason `none`
    unless nothing was there to begin with.
    """
    ctx = ctx or PLAIN
    scalars(x, what)
    unit = unit_axis(x, names)
    weights = ctx.weights(x.axis(unit)) if unit else None
    flips = ctx.flips(x.axis(unit)) if unit and SIDE in x.names and SIDE not in names else None
    if weights is None and flips is None:
        return _kernel_over(x, names, kernel, None, what, none)
    _count(x, names, unit, ctx)
    parts = []
    for r in range(len(weights if weights is not None else flips)):
        one = x.isel(REPLICATE, r) if REPLICATE in x.names else x
        if flips is not None:
            one = _flipped(one, unit, flips[r])
        share = None if weights is None else weights[r]
        parts.append(_kernel_over(one, names, kernel, None if share is None else (unit, share), what, none))
    axis = ctx.replicate_axis(len(parts))
    missing = None
    if any(p.missing is not None for p in parts):
        missing = np.stack([np.full(p.shape, None, object) if p.missing is None else p.missing for p in parts])
    return Cube((axis, *parts[0].axes), np.stack([p.values for p in parts]), missing)


def reduce_pair(
    a: Cube, b: Cube, over: str | None, ctx: Context | None, kernel: PairKernel, what: str, none: str
) -> Cube:
    """Reduce two aligned cubes of numbers together over items, or over the axis named; see `reduce_each`.

    Places where either is missing are left out of both. `kernel` takes values [n, cells] twice.
    """
    a, b = align(a, b)
    missing = merge_missing([a, b])
    pair = stack(Axis(_PAIR, (0, 1)), [Cube(c.axes, scalars(c, what), missing) for c in (a, b)])
    names = reduced(a, over)
    if not names:
        raise ProbeError("no-items", f"{what} needs items to compare over, and there are none", "name an axis: over=…")

    def both(values, present, weights):
        half = values.shape[1] // 2
        result, ok = kernel(values[:, :half], values[:, half:], present[:, :half], weights)
        return np.concatenate([result, result]), np.concatenate([ok, ok])

    return reduce_each(pair, names, ctx, both, what, none).isel(_PAIR, 0)


def _kernel_over(
    x: Cube, names: tuple[str, ...], kernel: Kernel, share: tuple[str, np.ndarray] | None, what: str, none: str
) -> Cube:
    rest = tuple(n for n in x.names if n not in names)
    ordered = x.transpose(tuple(n for n in x.names if n in names) + rest)
    depth = len(names)
    rows = int(np.prod(ordered.shape[:depth]))
    cells = int(np.prod(ordered.shape[depth:]))
    weights = None
    if share is not None:
        along = [slice(None) if a.name == share[0] else None for a in ordered.axes[:depth]]
        weights = np.broadcast_to(share[1][tuple(along)], ordered.shape[:depth]).reshape(rows)
    values = scalars(ordered, what).reshape(rows, cells)
    result, ok = kernel(values, ordered.present().reshape(rows, cells), weights)
    shape = ordered.shape[depth:]
    ok = np.broadcast_to(ok, (cells,)).reshape(shape)
    values = np.where(ok, np.asarray(result, dtype=np.float64).reshape(shape), np.nan)
    return _explain(Cube(ordered.axes[depth:], values), ~ok, x, names, none)


def _flipped(x: Cube, unit: str, flips: np.ndarray) -> Cube:
    """Swap the two sides in the items where `flips` is -1."""
    ordered = x.transpose([SIDE, unit] + [n for n in x.names if n not in (SIDE, unit)])
    swap = (flips < 0)[(slice(None),) + (None,) * (ordered.values.ndim - 2)]
    values = np.where(swap[None], ordered.values[::-1], ordered.values)
    missing = None if ordered.missing is None else np.where(swap[None], ordered.missing[::-1], ordered.missing)
    return Cube(ordered.axes, values, missing)


@dataclass(frozen=True)
class Units:
    """One number per independent unit and cell: what tests work on."""

    values: np.ndarray  # [n, cells], zero where not present
    present: np.ndarray  # [n, cells]
    axes: tuple[Axis, ...]  # of the cells
    labels: tuple  # of the units
    reasons: np.ndarray  # [cells], why a cell has no unit at all, else None

    @property
    def n(self) -> np.ndarray:
        """How many units each cell has."""
        return self.present.sum(0)


def per_unit(x: Cube, what: str, cluster: str | None = None, sides: bool = True) -> Units:
    """Average a cube of numbers within its units: the outermost data axis, or the values of a column of it.

    With `sides` the two sides of a contrast belong to their item, else they are cells. Raises `no-items` when there is
    no axis of data.
    """
    data = x.data_axes()
    if not data:
        raise ProbeError("no-items", f"{what} works on values per item, and there are none here", "leave out mean(…)")
    unit = unit_axis(x, data) or data[0]
    scalars(x, what)
    x = _linear(x, tuple(n for n in (row_axes(x) if sides else data) if n != unit), PLAIN, mean=True)
    ordered = x.transpose((unit, *(n for n in x.names if n != unit)))
    cells = int(np.prod(ordered.shape[1:]))
    present = ordered.present().reshape(-1, cells)
    values = np.where(present, scalars(ordered, what).reshape(-1, cells), 0.0)
    labels, member = units(ordered.axes[0], cluster)
    if len(labels) < len(member):
        total, count = np.zeros((len(labels), cells)), np.zeros((len(labels), cells))
        np.add.at(total, member, values)
        np.add.at(count, member, present)
        values, present = total / np.maximum(count, 1), count > 0
    empty = Cube(ordered.axes[1:], np.zeros(ordered.shape[1:]))
    reasons = _explain(empty, ~present.any(0).reshape(empty.shape), x, (unit,)).missing
    flat = np.full(cells, None, object) if reasons is None else reasons.reshape(cells)
    return Units(values, present, ordered.axes[1:], labels, flat)


def _ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return total / _widen(np.where(count > 0, count, 1), total.ndim - count.ndim)


def _widen(array: np.ndarray, by: int) -> np.ndarray:
    return array.reshape(array.shape + (1,) * by)


def _first_reason(x: Cube) -> str:
    if x.missing is None:
        return "there are no items"
    return next((r for r in x.missing.ravel() if r is not None), "no item of this cell was drawn")


def _explain(result: Cube, bad: np.ndarray, x: Cube, gone: tuple[str, ...], none: str = "too few values") -> Cube:
    """Mark the cells `bad`: with the first reason if all was missing along the axes that are gone, else with `none`."""
    if not bad.any():
        return result
    if x.missing is None:
        return mark(result, bad, none if np.prod(x.shape) else "there are no items")
    ordered = x.transpose((*result.names, *gone)).missing
    reasons = np.full(result.shape, None, dtype=object)
    for cell in map(tuple, np.argwhere(bad)):
        inside = ordered[cell].ravel() if gone else np.array([ordered[cell]], dtype=object)
        said = [r for r in inside if r not in LEFT_OUT] or list(inside)
        reasons[cell] = none if len(inside) == 0 or None in inside else said[0]
    return result.without(reasons)
