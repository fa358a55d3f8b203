"""Labels dealt out anew: the null of a classifier."""

import numpy as np

from ...compiler.kinds import Boolean, Integer, Number, Text
from ..cells import as_cube
from ..cube import Cube
from ..errors import ProbeError
from ..reduction import unit_axis
from ..registry import operation
from ..replicates import generator


@operation(axes="broadcast", subject="y")
def shuffle(y: Text | Number | Boolean, *, seed: Integer = 0) -> Text:
    """Values of the items, dealt out to the items at random: the same values, each with another item.

    Sweep `seed` for several deals; the same seed and item keys always give the same one. Raises `no-items`.
    """
    data = y.data_axes()
    if not data:
        raise ProbeError("no-items", "shuffle deals values out to items, and there are none here")
    item = unit_axis(y, data) or data[0]
    axis, seeds, at = y.axis(item), as_cube(seed), y.position(item)
    values = np.empty((*seeds.shape, *y.values.shape), dtype=y.values.dtype)
    missing = None if y.missing is None else np.empty((*seeds.shape, *y.shape), dtype=object)
    for cell in np.ndindex(seeds.shape):
        order = generator("shuffle", int(seeds.values[cell]), *axis.labels).permutation(len(axis))
        values[cell] = y.values.take(order, axis=at)
        if missing is not None:
            missing[cell] = y.missing.take(order, axis=at)
    return Cube((*seeds.axes, *y.axes), values, missing)
