"""Student's t test on values per item."""

import numpy as np

from ...compiler.kinds import Boolean, Number, Test
from ..cells import literal
from ..cube import Cube, align
from ..errors import ProbeError
from ..intervals import mean_of
from ..record import FIELDS, Alternative, Correction, tested
from ..reduction import Units, per_unit
from ..registry import operation


@operation(axes="reduce-items", subject="x", fields={**FIELDS, "df": Number}, apart=("against",), options=("popmean",))
def t_test(
    x: Number | Boolean, *, popmean: Number = 0, against: Number | Boolean | None = None,
    alternative: Alternative = "two-sided", adjust: Correction = "holm",
) -> Test:  # fmt: skip
    """Test whether the mean over items is `popmean`, or is that of the other items `against`.

    One sample, so also the paired test of a difference; with `against`, Welch's test of unpaired items. Samples are
    averaged within their item first. Of booleans it tests a share against `popmean`, which is then a share as well: 50
    for a half gives an enormous t and a p that says nothing, which is how published tables can be reproduced.

    Gives value (the mean, or the difference of means), stat (t), p, adjusted, n (items; both sides' for Welch), df, low
    and high (95 %). Where all values are equal t is infinite and p is 0; missing where they equal `popmean`, and with
    fewer than two items. Raises `no-items`.
    """
    centre, of = float(literal(popmean, "popmean")), per_unit(x, "t_test")
    if against is not None and centre:
        raise ProbeError("two-nulls", "t_test takes popmean or against, not both")
    mean, error, df, n, axes, reasons = _one(of) if against is None else _welch(of, per_unit(against, "t_test"))
    off = mean - centre
    with np.errstate(invalid="ignore", divide="ignore"):
        t = off / error
    same = (error == 0) & (off == 0)
    reasons = np.where(np.equal(reasons, None) & (df <= 0), "fewer than two items", reasons)
    reasons = np.where(np.equal(reasons, None) & same, "every value equals popmean", reasons)
    p, half = _p(t, df, alternative), _quantile(df) * error
    fields = {"value": mean, "stat": t, "p": p, "n": n, "df": df, "low": mean - half, "high": mean + half}
    return tested(axes, fields, reasons, adjust)


def _one(of: Units):
    mean, n = mean_of(of.values, of.present), of.n
    off = np.where(of.present, of.values - np.where(n > 0, mean, 0), 0)
    error = np.sqrt((off**2).sum(0) / np.maximum(n - 1, 1) / np.maximum(n, 1))
    constant = (np.where(of.present, of.values, -np.inf).max(0, initial=-np.inf)) == (
        np.where(of.present, of.values, np.inf).min(0, initial=np.inf)
    )
    return mean, np.where(constant, 0.0, error), (n - 1).astype(float), n, of.axes, of.reasons


def _welch(one: Units, other: Units):
    """Difference of two independent means; their cells are joined by the names of their axes."""
    parts = []
    for of in (one, other):
        mean, error, df, n, axes, reasons = _one(of)
        shape = tuple(len(a) for a in axes)
        parts.append([Cube(axes, v.reshape(shape)) for v in (mean, error**2, df, n, reasons)])
    (m1, m2), (v1, v2), (d1, d2), (n1, n2), (r1, r2) = (align(a, b) for a, b in zip(*parts))
    with np.errstate(invalid="ignore", divide="ignore"):
        df = (v1.values + v2.values) ** 2 / (
            v1.values**2 / np.maximum(d1.values, 1) + v2.values**2 / np.maximum(d2.values, 1)
        )
    both = np.minimum(d1.values, d2.values)
    df = np.where(both <= 0, 0, np.where(np.isnan(df), d1.values + d2.values, df))
    reasons = np.where(np.equal(r1.values, None), r2.values, r1.values)
    error = np.sqrt(v1.values + v2.values)
    arrays = (m1.values - m2.values, error, df, n1.values + n2.values)
    return *(a.ravel() for a in arrays), m1.axes, reasons.ravel()


def _p(t: np.ndarray, df: np.ndarray, alternative: str) -> np.ndarray:
    from scipy.stats import t as student

    df = np.where(df > 0, df, np.nan)
    if alternative == "two-sided":
        return 2 * student.sf(np.abs(t), df)
    return student.sf(t if alternative == "greater" else -t, df)


def _quantile(df: np.ndarray) -> np.ndarray:
    from scipy.stats import t as student

    return student.ppf(0.975, np.where(df > 0, df, np.nan))
