"""The largest values, and where they are."""

from typing import Literal

import numpy as np

from ...compiler.kinds import AxisName, Integer, Number, Table, Vector
from ..cells import literal, scalars, vectors
from ..cube import Axis, Cube
from ..errors import ProbeError
from ..record import Record
from ..registry import operation
from .peak import labels_of


@operation(
    axes="reduce-entries", subject="x", nonlinear=True, adds=(("top", "computed"),),
    fields={"value": Number, "label": Number},
    options=("k",),
)  # fmt: skip
def top(
    x: Number | Vector, k: Integer = 10, *, by: Literal["value", "abs"] = "value", over: AxisName | None = None
) -> Table:
    """The k largest values along the axis `over`, or among the entries of a vector, on a further axis `top` (1, 2, …).

    `by="abs"` ranks by absolute value and keeps the sign. Of equal values the first comes first; missing cells are left
    out, and when fewer than k remain the rest is missing. Gives value and label: the label of the axis, or the index of
    the entry (from 0). Raises `axis-needed` for numbers without `over`.
    """
    k, by = int(literal(k, "k")), literal(by, "by")
    if over is not None:
        ordered = x.transpose((*(n for n in x.names if n != over), over)) if x.axis(over) else x
        values, present = scalars(ordered, "top"), ordered.present()
        rest, labels = ordered.axes[:-1], labels_of(ordered.axes[-1])
    elif x.feature:
        values = vectors(x, "top")
        present = np.broadcast_to(x.present()[..., None], values.shape)
        rest, labels = x.axes, np.arange(values.shape[-1])
    else:
        raise ProbeError("axis-needed", "top needs an axis to look along, or vectors", "name it: over=…")
    k = min(k, values.shape[-1])
    size = np.where(present, np.abs(values) if by == "abs" else values, -np.inf)
    order = np.argsort(-size, axis=-1, kind="stable")[..., :k]
    there = np.take_along_axis(present, order, -1)
    missing = None if there.all() else np.where(there, None, f"fewer than {k} values")
    axes = (*rest, Axis("top", tuple(range(1, k + 1)), "computed"))
    found = np.where(there, np.take_along_axis(values, order, -1).astype(np.float64), np.nan)
    return Record({"value": Cube(axes, found, missing), "label": Cube(axes, labels[order], missing)})
