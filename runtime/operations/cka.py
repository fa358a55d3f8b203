"""Linear centred kernel alignment: how alike two sets of vectors over the same items are."""

import numpy as np

from ...compiler.kinds import Number, Vector
from ..cells import vectors
from ..cube import Axis, Cube, union_axes
from ..errors import ProbeError
from ..reduction import row_axes, unit_axis
from ..registry import operation
from ..replicates import PLAIN


@operation(axes="reduce-items", subject="a", nonlinear=True, source="Kornblith et al. 2019, arXiv:1905.00414")
def cka(a: Vector, b: Vector, ctx=None) -> Number:
    """Linear CKA of two sets of vectors over the same items: 1 when one is a rotated, scaled copy of the other.

    ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖) of centred X and Y; the widths may differ. Biased upward when there are few items: compare
    with unrelated sets of the same size. Items missing on either side are left out; missing when fewer than two
    remain or one set does not vary. The two sides of a contrast count as items. Raises `no-items`.
    """
    rows = row_axes(a)
    if not rows or set(rows) != set(row_axes(b)):
        raise ProbeError("no-items", "cka needs two sets of vectors over the same items", "average samples first")
    axes = union_axes([a, b])
    inside = tuple(next(x for x in axes if x.name == name) for name in rows)
    rest = tuple(x for x in axes if x.name not in rows)
    unit = unit_axis(a, rows)
    weights = (ctx or PLAIN).weights(a.axis(unit)) if unit else None
    shape, depth = tuple(len(x) for x in rest), tuple(len(x) for x in inside)
    along = (slice(None), *(slice(None) if name == unit else None for name in rows))
    shares = np.ones((1, *depth)) if weights is None else np.broadcast_to(weights[along], (len(weights), *depth))
    shares = shares.reshape(len(shares), -1)
    result, ok = np.full((len(shares), *shape), np.nan), np.zeros((len(shares), *shape), bool)
    for cell in np.ndindex(shape):
        (xa, pa), (xb, pb) = (_cell(x, inside, rest, cell) for x in (a, b))
        both = pa & pb
        found, ok[(slice(None), *cell)] = _alignment(xa[both], xb[both], shares[:, both])
        result[(slice(None), *cell)] = found
    missing = None if ok.all() else np.where(ok, None, "too few items, or vectors that do not vary")
    if weights is None:
        return Cube(rest, result[0, ...], None if missing is None else missing[0, ...])
    return Cube((ctx.replicate_axis(len(shares)), *rest), result, missing)


def _cell(x: Cube, rows: tuple[Axis, ...], rest: tuple[Axis, ...], cell: tuple[int, ...]):
    """Vectors [rows, d] of one cell, and which of them are there [rows]."""
    for axis, index in zip(rest, cell):
        if axis.name in x.names:
            x = x.isel(axis.name, index)
    x = x.transpose([axis.name for axis in rows])
    return vectors(x, "cka").reshape(-1, x.feature[0]), x.present().reshape(-1)


def _alignment(a: np.ndarray, b: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """CKA [R] of vectors [n, d] and [n, e] under weights [R, n], and where it is defined."""
    ok = (shares > 0).sum(1) > 1
    grams, varies = zip(*(_gram(v.astype(np.float64)) for v in (a, b)))
    if not all(varies) or not ok.any():
        return np.full(len(shares), np.nan), np.zeros(len(shares), bool)
    p = shares / np.where(ok, shares.sum(1), 1)[:, None]
    (cross, across, along) = (_inner(p, k, m) for k, m in (grams, grams[:1] * 2, grams[1:] * 2))
    floor = 1e-12 * np.array([np.abs(g).max() for g in grams]) ** 2
    ok &= (across > floor[0]) & (along > floor[1])
    scale = np.sqrt(np.where(ok, across, 1)) * np.sqrt(np.where(ok, along, 1))
    return np.where(ok, cross / scale, np.nan), ok


def _gram(x: np.ndarray) -> tuple[np.ndarray, bool]:
    """Inner products [n, n] of the rows less their mean, and whether the rows differ at all."""
    if not len(x):
        return np.zeros((0, 0)), False
    centred = x - x.mean(0)
    return centred @ centred.T, bool(np.abs(centred).max() > 1e-10 * np.abs(x).max())


def _inner(p: np.ndarray, k: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Inner products [R] of two Gram matrices, centred and weighted by each row of p, without making them.

    Centring one of the two is enough, and what it takes off are products of p with k and with m.
    """
    by_k, by_m = p @ k, p @ m
    middle = (by_k * p).sum(1) * (by_m * p).sum(1)
    return ((p @ (k * m)) * p).sum(1) - 2 * (p * by_k * by_m).sum(1) + middle
