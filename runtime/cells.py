"""Small conversions between plain values and cubes, and the marking of cells that could not be computed.

It knows nothing of statistics; operations use it so that each says only what is its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .cube import Axis, Cube, scalar
from .errors import ProbeError

NOT_SELECTED = "not selected"
NOT_MET = "the condition holds for no item here"
LEFT_OUT = (NOT_SELECTED, NOT_MET)  # why a cell is not part of what is asked for; other reasons say why it has no value


def as_cube(value: object) -> Cube:
    """Return a cube as it is, and a plain number, boolean or text as a cube without axes."""
    return value if isinstance(value, Cube) else scalar(value)


def literal(value: object, name: str) -> object:
    """Return the plain value of an option; a cube with axes is an error (`option-varies`)."""
    if not isinstance(value, Cube):
        return value
    if value.axes or value.feature:
        raise ProbeError("option-varies", f"{name} has to be one value, but it varies over {', '.join(value.names)}")
    return value.values[()].item() if value.values.dtype != object else value.values[()]


def numbers(x: Cube, what: str = "this operation") -> np.ndarray:
    """Return the values of a cube of numbers or booleans as an array of floats; text is an error (`not-numbers`)."""
    if x.dtype.kind not in "bifu":
        if x.dtype != object or not _all_numbers(x):
            raise ProbeError("not-numbers", f"{what} needs numbers, and these are not")
        return np.where(x.present(), x.values, np.nan).astype(np.float64)
    return x.values if x.dtype.kind == "f" else x.values.astype(np.float64)


def _all_numbers(x: Cube) -> bool:
    return all(isinstance(v, (int, float, np.number, np.bool_)) for v in x.values[x.present()].ravel())


def scalars(x: Cube, what: str) -> np.ndarray:
    """Return the values as floats (float64), refusing vectors (`needs-numbers`)."""
    if x.feature:
        raise ProbeError("needs-numbers", f"{what} needs one number per cell, these are vectors", "take norm(…) first")
    return numbers(x, what).astype(np.float64, copy=False)


def vectors(x: Cube, what: str) -> np.ndarray:
    """Return the values of a cube of vectors, refusing plain numbers (`needs-vectors`)."""
    of_vectors(x, what)
    return numbers(x, what)


def of_vectors(x: Cube, what: str) -> None:
    """Refuse a cube of plain numbers (`needs-vectors`) and one of texts (`not-numbers`)."""
    if len(x.feature) != 1:
        raise ProbeError("needs-vectors", f"{what} needs one vector per cell, and these are not")
    if x.dtype.kind not in "bifu":
        numbers(x, what)


def mark(x: Cube, bad: np.ndarray, reason: str) -> Cube:
    """Mark cells as missing where `bad` (shape of the axes) and not missing already; their values become nan."""
    bad = np.broadcast_to(bad, x.shape) & x.present()
    if not bad.any():
        return x
    missing = np.full(x.shape, None, dtype=object) if x.missing is None else x.missing.copy()
    missing[bad] = reason
    return x.without(missing)


def coordinates(axis: Axis, column: str | None = None) -> np.ndarray:
    """The labels of an axis, or one of its columns, as floats; `axis-not-numeric` if they are not numbers."""
    values: Sequence = axis.labels if column is None else axis.coords.get(column, ())
    if column is not None and column not in axis.coords:
        raise ProbeError("unknown-column", f"{axis.name} has no column {column}", f"it has {', '.join(axis.coords)}")
    if not all(isinstance(v, (int, float, np.number)) for v in values):
        raise ProbeError(
            "axis-not-numeric", f"the labels of {axis.name} are not numbers, so distances along it mean nothing",
            "sweep over numbers, or name a numeric column as axis.column",
        )  # fmt: skip
    return np.asarray(values, dtype=np.float64)


def along(x: Cube, over: str) -> tuple[str, np.ndarray]:
    """Split `axis` or `axis.column` into the name of the axis and its numeric coordinates."""
    name, _, column = over.partition(".")
    return name, coordinates(x.axis(name), column or None)
