"""How much farther taking out one direction moves activations than taking out another."""

import numpy as np

from ...compiler.kinds import Number, Vector
from ..cells import mark, of_vectors
from ..cube import Cube, merge_missing, union_axes
from ..errors import ProbeError
from ..reduction import row_axes, weighted_mean
from ..registry import operation
from .angles import projection


@operation(axes="reduce-items", subject="x", nonlinear=True)
def displacement_ratio(x: Vector, of: Vector, null: Vector, ctx=None) -> Number:
    """Root mean square of the coordinates of activations along `of`, divided by that along `null`.

    Projecting `of` out moves an activation by its coordinate along it, and a random direction hardly meets any. With
    `project_out(null, alpha=displacement_ratio(x, of=d, null=null))` the null moves the activations x as far, on
    average, as `project_out(d)` does, and overshoots: it is the null for how much was moved, not for what was removed.
    Samples and tokens are averaged within their item. Missing where `null` meets none. Raises `widths-differ`,
    `no-items`.
    """
    of_vectors(x, "displacement_ratio")
    if not row_axes(x):
        raise ProbeError("no-items", "displacement_ratio averages over items, and there are none here")
    squares = [projection(x, direction) for direction in (of, null)]
    means = [weighted_mean(Cube(c.axes, c.values**2, c.missing), row_axes(c), ctx) for c in squares]
    axes = union_axes(means)
    above, below = (c.expand(axes) for c in means)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.sqrt(above.values / below.values)
    found = Cube(axes, np.where(below.values > 0, ratio, np.nan), merge_missing([above, below]))
    return mark(found, ~(below.values > 0), "the null meets none of the activations")
