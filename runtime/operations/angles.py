"""How two vectors lie to each other: dot product, cosine, projection, distance."""

import numpy as np

from ...compiler.kinds import Number, Vector
from ..cells import mark, vectors
from ..cube import Cube, align, merge_missing
from ..errors import ProbeError
from ..paged import cell_by_cell
from ..registry import operation
from .lengths import lengths

_ZERO = "a vector of norm zero has no direction"


def _pair(a: Cube, b: Cube, what: str) -> tuple[Cube, Cube]:
    vectors(a, what), vectors(b, what)
    if a.feature != b.feature:
        raise ProbeError(
            "widths-differ", f"{what} joins vectors of {a.feature[0]} and of {b.feature[0]} components",
            "take both at sites of one width, on models of one width",
        )  # fmt: skip
    return align(a, b)


def _dot(a: Cube, b: Cube) -> np.ndarray:
    return np.einsum("...d,...d->...", a.values, b.values, dtype=np.float64)


@operation(axes="broadcast", subject="a")
@cell_by_cell
def dot(a: Vector, b: Vector) -> Number:
    """Dot product of two vectors of one width, in float64. Raises `widths-differ`."""
    a, b = _pair(a, b, "dot")
    return Cube(a.axes, _dot(a, b), merge_missing([a, b]))


@operation(axes="broadcast", subject="a")
@cell_by_cell
def cosine(a: Vector, b: Vector) -> Number:
    """Cosine of the angle between two vectors of one width; missing where either has norm zero.

    Raises `widths-differ`.
    """
    a, b = _pair(a, b, "cosine")
    size = lengths(a, "cosine") * lengths(b, "cosine")
    value = np.clip(_dot(a, b) / np.where(size > 0, size, 1), -1, 1)
    return mark(Cube(a.axes, value, merge_missing([a, b])), size == 0, _ZERO)


@operation(axes="broadcast", subject="x")
@cell_by_cell
def projection(x: Vector, onto: Vector) -> Number:
    """Coordinate of a vector along the direction `onto`: x · onto / ‖onto‖. Missing where `onto` has norm zero.

    In units of x; the length of `onto` does not matter. Raises `widths-differ`.
    """
    x, onto = _pair(x, onto, "projection")
    size = lengths(onto, "projection")
    value = Cube(x.axes, _dot(x, onto) / np.where(size > 0, size, 1), merge_missing([x, onto]))
    return mark(value, size == 0, _ZERO)


@operation(axes="broadcast", subject="a")
@cell_by_cell
def distance(a: Vector, b: Vector) -> Number:
    """Euclidean distance of two vectors of one width. Raises `widths-differ`."""
    a, b = _pair(a, b, "distance")
    off = np.subtract(a.values, b.values, dtype=np.float64)
    return Cube(a.axes, lengths(Cube(a.axes, off), "distance"), merge_missing([a, b]))
