"""What is left of a vector outside the span of others."""

import numpy as np

from ...compiler.kinds import Direction, Vector
from ..cells import mark, vectors
from ..cube import Cube, align, merge_missing
from ..errors import ProbeError
from ..registry import operation
from .lengths import lengths


@operation(axes="broadcast", subject="a")
def orthogonal(a: Vector, to: list[Vector]) -> Direction:
    """Part of `a` that is orthogonal to the direction `to`, or to all directions of a list.

    Keeps the units of `a`; its norm shrinks. Missing where nothing is left (under 1e-10 of the norm of `a`). Raises
    `widths-differ`.
    """
    others = list(to) if isinstance(to, (list, tuple)) else [to]
    if any(o.feature != a.feature for o in others):
        raise ProbeError("widths-differ", "orthogonal joins vectors of different widths")
    a, *others = align(a, *others)
    values = vectors(a, "orthogonal").astype(np.float64)
    basis: list[np.ndarray] = []
    for other in others:
        inside = _outside(vectors(other, "orthogonal").astype(np.float64), basis)
        size = lengths(Cube(a.axes, inside), "orthogonal")
        real = size > 1e-10 * lengths(other, "orthogonal")
        basis.append(np.where(real[..., None], inside / np.where(real, size, 1)[..., None], 0))
    rest = Cube(a.axes, _outside(values, basis), merge_missing([a, *others]))
    gone = lengths(rest, "orthogonal") <= 1e-10 * lengths(a, "orthogonal")
    return mark(rest, gone, "it lies in the span of what it is made orthogonal to")


def _outside(x: np.ndarray, basis: list[np.ndarray]) -> np.ndarray:
    """Remove the components along an orthonormal basis, twice, against rounding."""
    for direction in basis * 2:
        x = x - np.einsum("...d,...d->...", x, direction)[..., None] * direction
    return x
