"""Linear centred kernel alignment: how alike two sets of vectors over the same items are."""

import numpy as np

from ...compiler.kinds import Number, Vector
from ..cells import vectors
from ..cube import Axis, Cube, union_axes
from ..errors import ProbeError
from ..registry import operation
from ..replicates import PLAIN


@operation(axes="reduce-items", subject="a", nonlinear=True, source="Kornblith et al. 2019, arXiv:1905.00414")
def cka(a: Vector, b: Vector, ctx=None) -> Number:
    """Linear CKA of two sets of vectors over the same items: 1 when one is a rotated, scaled copy of the other.

    ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖) of centred X and Y; the widths may differ. Biased upward when there are few items: compare
    with unrelated sets of the same size. Items missing on either side are left out; missing when fewer than two
    remain or one set does not vary. Raises `no-items`.
    """
    rows = tuple(n for n in a.data_axes() if n in b.data_axes())
    if len(rows) != 1 or len(a.data_axes()) != 1 or len(b.data_axes()) != 1:
        raise ProbeError("no-items", "cka needs two sets of vectors over the same items", "average samples first")
    axes = union_axes([a, b])
    item = next(x for x in axes if x.name == rows[0])
    rest = tuple(x for x in axes if x is not item)
    weights = (ctx or PLAIN).weights(item)
    shares = np.ones((1, len(item))) if weights is None else weights
    shape = tuple(len(x) for x in rest)
    result, ok = np.full((len(shares), *shape), np.nan), np.zeros((len(shares), *shape), bool)
    for cell in np.ndindex(shape):
        (xa, pa), (xb, pb) = (_cell(x, item, rest, cell) for x in (a, b))
        both = pa & pb
        pair = _Pair(xa[both].astype(np.float64), xb[both].astype(np.float64))
        for r, share in enumerate(shares[:, both]):
            result[(r, *cell)], ok[(r, *cell)] = pair.alignment(share)
    missing = None if ok.all() else np.where(ok, None, "too few items, or vectors that do not vary")
    if weights is None:
        return Cube(rest, result[0], None if missing is None else missing[0])
    return Cube((ctx.replicate_axis(len(shares)), *rest), result, missing)


def _cell(x: Cube, item: Axis, rest: tuple[Axis, ...], cell: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Vectors [items, d] of one cell, and which of them are there."""
    for axis, index in zip(rest, cell):
        if axis.name in x.names:
            x = x.isel(axis.name, index)
    return vectors(x, "cka"), x.present()


class _Pair:
    """Two matrices over the same rows, with what every replicate needs computed once."""

    def __init__(self, a: np.ndarray, b: np.ndarray) -> None:
        self.wide = len(a) <= max(a.shape[1], b.shape[1])
        self.a, self.b = (a @ a.T, b @ b.T) if self.wide else (a, b)

    def alignment(self, share: np.ndarray) -> tuple[float, bool]:
        """CKA with the rows weighted by `share`, and whether it is defined."""
        if (share > 0).sum() < 2:
            return np.nan, False
        root, mean = np.sqrt(share), share / share.sum()
        if self.wide:
            k, m = (self._centred(g, root, mean) for g in (self.a, self.b))
            cross, sizes = (k * m).sum(), (np.linalg.norm(k), np.linalg.norm(m))
        else:
            x, y = ((v - mean @ v) * root[:, None] for v in (self.a, self.b))
            cross, sizes = np.linalg.norm(y.T @ x) ** 2, (np.linalg.norm(x.T @ x), np.linalg.norm(y.T @ y))
        if min(sizes) <= 1e-12 * max(np.abs(self.a).max(), np.abs(self.b).max(), 1e-300):
            return np.nan, False
        return float(cross / (sizes[0] * sizes[1])), True

    @staticmethod
    def _centred(gram: np.ndarray, root: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """The Gram matrix of rows with their weighted mean taken off, scaled by the weights."""
        by_row = gram @ mean
        return (gram - by_row[:, None] - by_row[None, :] + mean @ by_row) * root[:, None] * root[None, :]
