"""A value against the values of a null: by how many standard deviations it stands out, and what that is worth."""

from typing import Literal

import numpy as np

from ...compiler.kinds import AxisName, Integer, Number, Test
from ..cells import as_cube, literal, mark, scalars
from ..cube import Cube, merge_missing, union_axes
from ..record import FIELDS, Alternative, Correction, tested
from ..registry import operation


@operation(
    axes="broadcast", subject="x", fields={**FIELDS, "z": Number, "null_mean": Number, "null_sd": Number},
    options=("ddof",),
)  # fmt: skip
def z_score(
    x: Number,
    null: Number,
    *,
    over: AxisName = "seed",
    ddof: Integer = 0,
    alternative: Alternative = "two-sided",
    about: Literal["mean", "zero"] = "mean",
    adjust: Correction = "holm",
) -> Test:
    """Compare a value with those that a null gives along the axis `over` (its seeds).

    z = (x - mean(null)) / sd(null). `ddof=0` (the default) divides by k, as published z scores do that can be checked;
    `ddof=1` by k - 1. With few seeds z is no tail probability: p is the empirical one, (1 + hits) / (1 + k), never
    under 1 / (1 + k). Hits are values of the null at least as extreme as x: at least as far from the mean of all k + 1
    values, or from zero with `about="zero"`, as suits changes; at least as large or small as x with an `alternative` of
    "greater" or "less". It is exact where x and the null would be drawn alike.

    Gives value (x), stat and z, p, adjusted, n (k), null_mean, null_sd, and low and high: where one more value of the
    null would lie with 95 % if the null is normal (m ± t·s·√(1 + 1/k), s with ddof 1). Missing with fewer than two
    values of the null; z alone is missing when they are all equal. Raises `unknown-axis`.
    """
    from scipy.stats import t as student

    x, ddof = as_cube(x), int(literal(ddof, "ddof"))
    null = null.transpose((over, *(n for n in null.names if n != over))) if null.axis(over) else null
    axes = union_axes([x, Cube(null.axes[1:], null.values[0], None)])
    wide = null.expand((null.axes[0], *axes))
    x = x.expand(axes)
    value, draws, there = scalars(x, "z_score"), scalars(wide, "z_score"), wide.present()
    k = there.sum(0)
    draws = np.where(there, draws, 0)
    mean = draws.sum(0) / np.maximum(k, 1)
    square = np.where(there, (draws - mean) ** 2, 0).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        sd, sample = np.sqrt(square / (k - ddof)), np.sqrt(square / (k - 1))
        z = (value - mean) / sd
    hits = (there & as_extreme(draws, value, k, literal(alternative, "alternative"), literal(about, "about"))).sum(0)
    half = student.ppf(0.975, np.maximum(k - 1, 1)) * sample * np.sqrt(1 + 1 / np.maximum(k, 1))
    reasons = merge_missing([x, _few(axes, k, ddof)])
    fields = {"value": value, "stat": z, "p": (1 + hits) / (1 + k), "n": k, "z": z, "null_mean": mean}
    fields |= {"null_sd": sd, "low": mean - half, "high": mean + half}
    record = tested(axes, fields, reasons, adjust)
    flat = square <= 1e-28 * np.maximum(np.abs(draws).max(0), 1e-300) ** 2 * np.maximum(k, 1)
    for name in ("z", "stat"):
        record.fields[name] = mark(record[name], flat, "all values of the null are equal")
    return record


def as_extreme(draws: np.ndarray, value: np.ndarray, k: np.ndarray, alternative: str, about: str) -> np.ndarray:
    """Which draws [k, cells] of a null, zero where missing, are as extreme as `value` [cells]."""
    slack = 1e-12 * np.maximum(1.0, np.abs(value))
    if alternative != "two-sided":
        return draws >= value - slack if alternative == "greater" else draws <= value + slack
    centre = (draws.sum(0) + value) / (k + 1) if about == "mean" else 0.0
    return np.abs(draws - centre) >= np.abs(value - centre) - slack


def _few(axes, k: np.ndarray, ddof: int) -> Cube:
    reasons = np.full(k.shape, None, dtype=object)
    reasons[k <= max(ddof, 1)] = "fewer than two values of the null"
    return Cube(axes, k, reasons)
