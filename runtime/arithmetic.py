"""Arithmetic on cubes as specs write it: operators, conditions, and columns as values per item.

Knows missing cells and kinds of numbers, and nothing of nodes.
"""

from __future__ import annotations

from datetime import date, time, timedelta

import numpy as np

from .cells import mark
from .cube import Axis, Cube, align, elementwise
from .errors import ProbeError


def label_array(labels: tuple) -> np.ndarray:
    """Labels as an array: numbers and truth values as such, anything else as objects."""
    if labels and all(isinstance(v, bool) for v in labels):
        return np.array(labels, dtype=bool)
    if labels and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in labels):
        return np.array(labels)
    array = np.empty(len(labels), dtype=object)
    for i, v in enumerate(labels):
        array[i] = v
    return array


def column_cube(axes: tuple[Axis, ...], values: list, reason: str) -> Cube:
    """A column as a value per cell of `axes`, the last one fastest; cells without one are missing."""
    shape = tuple(len(a) for a in axes)
    gone = np.array([v is None for v in values], dtype=bool)
    if not gone.any():
        return Cube(axes, label_array(tuple(values)).reshape(shape))
    there = [v for v in values if v is not None]
    numbers = bool(there) and all(isinstance(v, (int, float)) for v in there)
    stand_in = False if numbers and all(isinstance(v, bool) for v in there) else np.nan if numbers else ""
    filled = label_array(tuple(stand_in if v is None else v for v in values))
    return Cube(axes, filled.reshape(shape), np.where(gone, np.array(reason, dtype=object), None).reshape(shape))


OPERATORS = {
    "/": np.divide, "+": np.add, "-": np.subtract, "*": np.multiply, "%": np.mod, "**": np.power,
    "<": np.less, ">": np.greater, "<=": np.less_equal, ">=": np.greater_equal,
    "and": np.logical_and, "or": np.logical_or,
    "==": lambda a, b: np.asarray(a == b, dtype=bool), "!=": lambda a, b: np.asarray(a != b, dtype=bool),
}  # fmt: skip


def numeric(operator: str, left: Cube, right: Cube) -> tuple[Cube, Cube]:
    """Truth values count as 0 and 1 in arithmetic."""
    if operator in ("+", "-", "*", "**", "%"):
        return as_numbers(left), as_numbers(right)
    return (truths(left), truths(right)) if operator in ("and", "or") else (left, right)


def refuse_mixed(operator: str, left: Cube, right: Cube) -> None:
    """Raise `kinds-differ` or `not-numbers` where texts meet numbers or truth values."""
    refuse_mixed_sorts(operator, *(sort_of_values(cube.values[cube.present()].reshape(-1)) for cube in (left, right)))


def refuse_mixed_sorts(operator: str, left: str | None, right: str | None) -> None:
    """Refuse values of two sorts, one of them texts: they are never equal (`kinds-differ`), and have no order."""
    kinds = (left, right)
    if None in kinds or "texts" not in kinds or left == right:
        return
    if operator in ("==", "!="):
        other = next(kind for kind in kinds if kind != "texts")
        help_ = {"numbers": "write the number without quotes", "truth values": "`x`, `not x`, or `x == true`",
                 "times": "keep them as texts in the file"}[other]  # fmt: skip
        message = f"`{operator}` compares texts with {other}, which are never equal: columns are read as what they hold"
        raise ProbeError("kinds-differ", message, help_)
    if operator not in ("and", "or"):
        other = next(kind for kind in kinds if kind != "texts")
        message = f"`{operator}` does not take these values: texts and {other} are mixed"
        raise ProbeError("not-numbers", message, "use a column of numbers, or compare with a text")


def sort_of_values(values: np.ndarray) -> str | None:
    """What some values [n] are: texts, times, numbers or truth values; None for a mixture, and for none at all."""
    if values.dtype.kind in "bifu":
        return "truth values" if values.dtype.kind == "b" else "numbers"
    for kind, types in (("texts", str), ("times", (date, time, timedelta))):
        if len(values) and all(isinstance(v, types) for v in values):
            return kind
    return None


LARGEST_WHOLE = 2.0**62


def whole_where_exact(operator: str):
    """An operator that gives whole numbers for whole numbers, and fractions where these do not fit."""
    function = OPERATORS[operator]
    if operator not in ("+", "-", "*", "**"):
        return function

    def apply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if not all(x.dtype.kind in "iu" for x in (a, b)):
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                return function(a, b)
        with np.errstate(all="ignore"):
            wide = np.asarray(function(a.astype(np.float64), b.astype(np.float64)))
        fits = (np.abs(wide) < LARGEST_WHOLE).all() and (operator != "**" or (b >= 0).all())
        return function(a, b) if fits else wide

    return apply


def within_range(cube: Cube) -> Cube:
    """The cube with the cells missing whose number is too large, or is none (`(-8) ** 0.5`)."""
    if cube.feature or cube.values.dtype.kind != "f":
        return cube
    return mark(cube, ~np.isfinite(cube.values), "not a number, or too large for one")


def truths(cube: Cube) -> Cube:
    """A condition as truth values; `not-a-condition` for texts, which are neither true nor false."""
    if cube.dtype.kind not in "biuf":
        raise ProbeError(
            "not-a-condition", "a condition is true or false, and these values are texts", 'compare them: `== "yes"`'
        )
    return Cube(cube.axes, cube.values.astype(bool), cube.missing)


def as_numbers(cube: Cube) -> Cube:
    if cube.dtype.kind == "b" or cube.dtype == np.float16:
        return Cube(cube.axes, cube.values.astype(np.float64), cube.missing)
    return cube


def divide(function, left: Cube, right: Cube) -> Cube:
    """Quotient or remainder; where the divisor is zero the cell is missing."""
    for cube in (left, right):
        if cube.dtype.kind not in "biuf":
            raise ProbeError("not-numbers", "a quotient needs numbers, and these are texts")
    with np.errstate(divide="ignore", invalid="ignore"):
        result = elementwise(function, as_numbers(left), as_numbers(right))
    if result.feature:
        return result
    zero = align(left, right)[1].values == 0
    if not np.any(zero):
        return result
    missing = np.full(result.shape, None, dtype=object) if result.missing is None else result.missing.copy()
    missing[np.logical_and(zero, np.equal(missing, None))] = "division by zero"
    return Cube(result.axes, np.where(zero, np.nan, result.values), missing)
