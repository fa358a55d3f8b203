"""The chi-square test of a variance: do items vary more, or less, than chance lets them?"""

import numpy as np

from ...compiler.kinds import Number, Test
from ..cells import literal
from ..cube import Cube
from ..errors import ProbeError
from ..intervals import mean_of
from ..record import FIELDS, Correction, tested
from ..reduction import per_unit
from ..registry import operation


@operation(axes="reduce-items", subject="x", fields={**FIELDS, "df": Number}, options=("variance",))
def chi2_variance(
    x: Number, *, variance: Number | None = None, trials: Number | None = None, adjust: Correction = "holm"
) -> Test:
    """Test whether the variance of values over items is `variance`, by (n - 1)·s² / σ² against chi-square, two-sided.

    For rates, give `trials` instead: how many observations each item's rate comes from. Then σ² = r·(1 - r) / mean
    number of trials, with r the mean rate, as if every item had the same rate.

    Gives value (the ratio s² / σ²), stat (chi-square), p (2·min(F, 1 - F)), adjusted, n (items), df, low and high (95 %
    interval of the ratio). Missing with fewer than two items, or where the rate is 0 or 1. Raises `no-items`, and
    `which-variance` unless exactly one of the two is given.
    """
    from scipy.stats import chi2

    if (variance is None) == (trials is None):
        raise ProbeError("which-variance", "chi2_variance takes either variance= or trials=, and one of them")
    of = per_unit(x, "chi2_variance")
    mean, n = mean_of(of.values, of.present), of.n
    expected = np.full(len(n), float(literal(variance, "variance"))) if trials is None else None
    if expected is None:
        expected = mean * (1 - mean) / _mean_trials(trials, of.axes, len(n))
    off = np.where(of.present, of.values - np.where(n > 0, mean, 0), 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        stat = (off**2).sum(0) / expected
        df = np.where(n > 1, n - 1.0, np.nan)
        ratio = stat / df
        below = chi2.cdf(stat, df)
        low, high = stat / chi2.ppf(0.975, df), stat / chi2.ppf(0.025, df)
    p = 2 * np.minimum(below, chi2.sf(stat, df))
    reasons = np.where(np.equal(of.reasons, None) & (n < 2), "fewer than two items", of.reasons)
    reasons = np.where(np.equal(reasons, None) & ~(expected > 0), "the expected variance is zero", reasons)
    fields = {"value": ratio, "stat": stat, "p": p, "n": n, "df": df, "low": low, "high": high}
    return tested(of.axes, fields, reasons, adjust)


def _mean_trials(trials: object, axes: tuple, cells: int) -> np.ndarray:
    """Mean number of trials per item, for every cell."""
    if not isinstance(trials, Cube):
        return np.full(cells, float(trials))
    names = [a.name for a in axes]
    lost = [n for n in trials.names if n not in names and n not in trials.data_axes()]
    if lost:
        raise ProbeError(
            "option-varies", f"trials varies over {lost[0]}, and the rates do not", "let x vary over it too"
        )
    if not trials.data_axes():
        return trials.expand(axes).values.reshape(cells).astype(float)
    of = per_unit(trials, "chi2_variance")
    shape = tuple(len(a) for a in of.axes)
    return Cube(of.axes, mean_of(of.values, of.present).reshape(shape)).expand(axes).values.reshape(cells)
