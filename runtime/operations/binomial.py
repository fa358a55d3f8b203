"""Tests of a share: the binomial test of booleans, and the sign test of numbers."""

from functools import lru_cache

import numpy as np

from ...compiler.kinds import Boolean, Number, Test
from ..cells import literal
from ..errors import ProbeError
from ..intervals import wilson
from ..record import FIELDS, Alternative, Correction, Record, tested
from ..reduction import Units, per_unit, row_axes
from ..registry import operation


@lru_cache(maxsize=4096)
def _p(k: int, n: int, share: float, alternative: str) -> float:
    from scipy.stats import binomtest

    return float(binomtest(k, n, share, alternative).pvalue)


def _record(of: Units, hits: np.ndarray, n: np.ndarray, share: float, alternative: str, adjust: str) -> Record:
    reasons = np.where((n == 0) & np.equal(of.reasons, None), "every difference is zero", of.reasons)
    p = [_p(int(k), int(m), share, alternative) if m else np.nan for k, m in zip(hits, n)]
    low, high = wilson(hits, n)
    value = np.where(n > 0, hits / np.maximum(n, 1), np.nan)
    fields = {"value": value, "stat": hits.astype(float), "p": np.array(p), "n": n, "low": low, "high": high}
    return tested(of.axes, fields, reasons, adjust)


@operation(axes="reduce-items", subject="x", fields=FIELDS, options=("p",))
def binomial(
    x: Boolean, *, p: Number = 0.5, alternative: Alternative = "two-sided", adjust: Correction = "holm"
) -> Test:
    """Test whether the share of items for which x holds is `p`, by the exact binomial test.

    Gives value (the share), stat (how many), p, adjusted, n, low and high (Wilson, 95 %). Raises `no-items`, and
    `nested-values` when items hold several samples or two sides: those are not independent, use sign_flip(x - p) there.
    """
    if len(row_axes(x)) > 1:
        raise ProbeError(
            "nested-values", "binomial needs one boolean per item, and here items hold several",
            "sign_flip(x - p) tests the mean of items",
        )  # fmt: skip
    of = per_unit(x, "binomial")
    return _record(of, of.values.sum(0), of.n, float(literal(p, "p")), alternative, adjust)


@operation(axes="reduce-items", subject="x", fields=FIELDS)
def sign_test(x: Number, *, alternative: Alternative = "two-sided", adjust: Correction = "holm") -> Test:
    """Test whether values per item are as often above zero as below; zeros are left out.

    Of differences between two booleans it is McNemar's exact test. Samples are averaged within their item first.
    Gives value (the share above zero), stat (how many), p, adjusted, n (without zeros), low and high (Wilson, 95 %).
    Missing when every value is zero. Raises `no-items`.
    """
    of = per_unit(x, "sign_test")
    above, below = ((of.present & (sign * of.values > 0)).sum(0) for sign in (1, -1))
    return _record(of, above, above + below, 0.5, alternative, adjust)
