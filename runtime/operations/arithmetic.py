"""Functions of one number, cell by cell."""

import numpy as np

from ...compiler.kinds import Boolean, Integer, Number, Text
from ..cells import as_cube, literal, mark, numbers
from ..cube import Cube, align, merge_missing
from ..errors import ProbeError
from ..registry import operation


def _apply(function, x: object, what: str) -> Cube:
    x = as_cube(x)
    with np.errstate(all="ignore"):
        return Cube(x.axes, np.asarray(function(numbers(x, what).astype(np.float64))), x.missing)


def _where(x: object, bad, reason: str, result: Cube) -> Cube:
    x = as_cube(x)
    undefined = bad(numbers(x))
    return mark(result, undefined.any(tuple(range(len(x.axes), undefined.ndim))), reason)


@operation("abs", subject="x")
def abs_(x: Number) -> Number:
    """Absolute value."""
    return _apply(np.abs, x, "abs")


@operation(subject="x")
def log(x: Number) -> Number:
    """Natural logarithm; missing for zero and below."""
    return _where(x, lambda v: v <= 0, "logarithm of a number that is not positive", _apply(np.log, x, "log"))


@operation(subject="x")
def exp(x: Number) -> Number:
    """Exponential; missing when it is too large for a number."""
    result = _apply(np.exp, x, "exp")
    return _where(result, np.isinf, "exponential too large for a number", result)


@operation(subject="x")
def sqrt(x: Number) -> Number:
    """Square root; missing below zero."""
    return _where(x, lambda v: v < 0, "square root of a negative number", _apply(np.sqrt, x, "sqrt"))


@operation(subject="x")
def sign(x: Number) -> Number:
    """-1, 0 or 1."""
    return _apply(np.sign, x, "sign")


@operation("round", subject="x", options=("digits",))
def round_(x: Number, digits: Integer = 0) -> Number:
    """Round to `digits` decimals, halves to the even neighbour."""
    return _apply(lambda v: np.round(v, int(literal(digits, "digits"))), x, "round")


@operation(subject="set")
def size(set: Number | Text) -> Number:
    """Number of elements of a label that is a set, as in `set` over `choose(layers, 1..2)`; 1 for any other label."""
    x = as_cube(set)
    values = np.array([len(v) if isinstance(v, (tuple, list, frozenset)) else 1 for v in x.values.ravel()])
    return Cube(x.axes, values.reshape(x.shape), x.missing)


@operation("if", subject="condition")
def if_(condition: Boolean, yes: Number | Text | Boolean, no: Number | Text | Boolean) -> Number:
    """`yes` where the condition holds and `no` where it does not, cell by cell.

    Missing where the condition is, or where the chosen value is. Raises `kinds-differ` for a text and a number.
    """
    condition, yes, no = align(as_cube(condition), as_cube(yes), as_cube(no))
    textual = [c.values.dtype == object or c.values.dtype.kind in "US" for c in (yes, no)]
    if textual[0] != textual[1]:
        raise ProbeError("kinds-differ", "the two values of if(…) have to be both texts or both numbers")
    if condition.feature or yes.feature or no.feature:
        raise ProbeError("needs-numbers", "if(…) chooses between numbers, booleans and texts, not between vectors")
    holds = condition.values.astype(bool)
    values = np.where(holds, yes.values.astype(object) if textual[0] else yes.values, no.values)
    reasons = [np.full(condition.shape, None, object) if c.missing is None else c.missing for c in (yes, no)]
    chosen = Cube(condition.axes, values, np.where(holds, *reasons))
    missing = merge_missing([condition, chosen])
    return Cube(condition.axes, values, None if np.equal(missing, None).all() else missing)
