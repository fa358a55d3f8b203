"""Equivalence: is a mean close enough to zero to call it zero?"""

import numpy as np

from ...compiler.kinds import Boolean, Integer, Number, Test
from ..cells import literal
from ..cube import Cube
from ..errors import ProbeError
from ..intervals import mean_of
from ..record import Correction, Record, tested
from ..reduction import per_unit
from ..registry import operation


@operation(
    axes="reduce-items", subject="x", source="Schuirmann 1987, doi:10.1007/BF01068419",
    fields={"value": Boolean, "stat": Number, "p": Number, "adjusted": Number, "n": Integer, "mean": Number,
            "low": Number, "high": Number},
    options=("margin", "level"),
)  # fmt: skip
def equivalent(x: Number, margin: Number, *, level: Number = 0.05, adjust: Correction = "holm") -> Test:
    """Test whether the mean over items lies within ± `margin`, by two one-sided t tests.

    `margin` is in the units of x and has to be chosen before looking. True means shown to be small; false means not
    shown, which is not the same as different. Samples are averaged within their item first.

    Gives value (true where adjusted < `level`), stat (the smaller of the two t in size), p (the larger of the two),
    adjusted, n (items), mean, low and high (the 1 - 2·`level` interval of the mean, inside ± margin when p < level).
    Missing with fewer than two items. Raises `no-items` and `margin-not-positive`.
    """
    from scipy.stats import t as student

    margin, level = float(literal(margin, "margin")), float(literal(level, "level"))
    if margin <= 0:
        raise ProbeError("margin-not-positive", f"the margin has to be above zero, and it is {margin}")
    of = per_unit(x, "equivalent")
    mean, n = mean_of(of.values, of.present), of.n
    off = np.where(of.present, of.values - np.where(n > 0, mean, 0), 0)
    error = np.sqrt((off**2).sum(0) / np.maximum(n - 1, 1) / np.maximum(n, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        room = (margin - np.abs(mean)) / error
    df = np.where(n > 1, n - 1, np.nan)
    reasons = np.where(np.equal(of.reasons, None) & (n < 2), "fewer than two items", of.reasons)
    reasons = np.where(np.equal(reasons, None) & np.isnan(room), "every value is at the margin", reasons)
    half = student.ppf(1 - level, df) * error
    fields = {"stat": room, "p": student.sf(room, df), "n": n, "mean": mean, "low": mean - half, "high": mean + half}
    record = tested(of.axes, fields, reasons, adjust)
    shown = Cube(of.axes, np.nan_to_num(record["adjusted"].values, nan=1.0) < level, record["p"].missing)
    return Record({"value": shown, **record.fields})
