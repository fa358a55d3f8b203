"""The bootstrap of a whole expression, when its settings are to be said."""

import numpy as np

from ...compiler.kinds import AxisName, Integer, Number, Test
from ..cells import literal
from ..cube import Cube
from ..errors import ProbeError
from ..intervals import NOT_DRAWN, interval
from ..record import Record
from ..registry import operation
from ..replicates import PLAIN


@operation(
    axes="broadcast", subject="x", replays="x",
    fields={"value": Number, "low": Number, "high": Number, "sd": Number, "n": Integer}, source="Efron 1979",
    options=("n", "seed", "level"),
)  # fmt: skip
def bootstrap(
    x: Number, *, n: Integer = 10_000, seed: Integer = 42, level: Number = 0.95, cluster: AxisName | None = None,
    ctx=None,
) -> Test:  # fmt: skip
    """Interval of a value by resampling the items it comes from, n times, seeded.

    x is evaluated again from the items on, so that nonlinear steps (norm, argmax, cosine) are part of it. Percentile
    interval at `level`; `cluster` names a column whose equal values are drawn together. Every statistic gets such an
    interval with 1,000 replicates anyway.

    Gives value, low, high, sd (the standard error), n (replicates). From one item there is no interval. Raises
    `nothing-to-resample` when nothing in x was averaged over items.
    """
    n, level = int(literal(n, "n")), float(literal(level, "level"))
    point = x(PLAIN if ctx is None else ctx.plain())
    low, high, sd = interval(
        x, point, n=n, seed=int(literal(seed, "seed")), level=level, cluster=literal(cluster, "cluster")
    )
    if low.missing is not None and point.present().any() and np.equal(low.missing, NOT_DRAWN).any():
        raise ProbeError("nothing-to-resample", "nothing here was averaged over items", "leave bootstrap(…) out")
    return Record({"value": point, "low": low, "high": high, "sd": sd, "n": Cube(point.axes, np.full(point.shape, n))})
