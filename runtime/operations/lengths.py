"""Lengths of vectors, and vectors of length one."""

import numpy as np

from ...compiler.kinds import Direction, Matrix, Number, Vector
from ..cells import mark, numbers, of_vectors, vectors
from ..cube import Cube, elementwise
from ..errors import ProbeError
from ..paged import cell_by_cell
from ..registry import operation


def lengths(x: Cube, what: str) -> np.ndarray:
    """Euclidean norms, over the shape of the axes, in float64."""
    values = vectors(x, what)
    return np.sqrt(np.einsum("...d,...d->...", values, values, dtype=np.float64))


@operation(subject="x")
@cell_by_cell
def norm(x: Vector | Matrix) -> Number:
    """Euclidean norm of a vector; of a matrix the Frobenius norm. Raises `needs-vectors` for plain numbers."""
    if not x.feature:
        raise ProbeError("needs-vectors", "norm needs vectors, and these are numbers", "abs(…) is the size of a number")
    flat = Cube(x.axes, numbers(x, "norm").reshape(*x.shape, int(np.prod(x.feature))), x.missing)
    return Cube(x.axes, lengths(flat, "norm"), x.missing)


@operation(subject="x")
def unit(x: Vector) -> Direction:
    """The vector divided by its norm; missing where the norm is zero."""
    of_vectors(x, "unit")
    length = norm(x).values
    scaled = elementwise(np.divide, x, Cube(x.axes, np.where(length > 0, length, 1)))
    return mark(scaled, length == 0, "a vector of norm zero has no direction")
