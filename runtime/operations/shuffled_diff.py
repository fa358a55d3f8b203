"""The difference of means of a contrast whose sides were dealt out anew: a null for a direction that was found."""

from functools import partial

import numpy as np

from ...compiler.kinds import Boolean, Direction, Integer, Vector
from ..cells import as_cube, literal, of_vectors
from ..cube import Cube, elementwise, stack
from ..errors import ProbeError
from ..reduction import SIDE, unit_axis, weighted_mean
from ..registry import operation
from ..replicates import generator


@operation(axes="reduce-side", subject="x", nonlinear=False, options=("balanced",))
def shuffled_diff(x: Vector, *, seed: Integer = 0, balanced: Boolean = True, ctx=None) -> Direction:
    """Like `mean_diff`, after swapping the two sides in half of the items, chosen at random by `seed`.

    A null for a direction that `mean_diff` finds: made of the same activations, with their large components, and
    without what the items have in common, which cancels (of an odd number of items, one part in n of it stays).
    `balanced=false` swaps each item by a coin of its own, as published controls do: then chance leaves a part of the
    contrast in, and where items differ little, scaling to norm one makes it the contrast again.

    Its norm is that of noise, which falls with the number of items: scale it where norms should match, `norm(d) *
    unit(shuffled_diff(…))`. Which items are swapped follows from the seed and their keys. Items without one of the
    sides are left out. Raises `no-sides` and `no-items`.
    """
    of_vectors(x, "shuffled_diff")
    if SIDE not in x.names:
        raise ProbeError("no-sides", "shuffled_diff compares the two sides of a contrast, and this has no sides")
    unit = unit_axis(x, x.data_axes())
    if unit is None:
        raise ProbeError("no-items", "shuffled_diff swaps the sides of items, and there are none here")
    side, seeds = x.axis(SIDE), as_cube(seed)
    positive, negative = (x.isel(SIDE, side.index(label)) for label in ("positive", "negative"))
    off = elementwise(partial(np.subtract, dtype=np.float64), positive, negative)
    parts = []
    for one in seeds.values.reshape(-1):
        signs = swaps(int(one), x.axis(unit).labels, bool(literal(balanced, "balanced")))
        flipped = elementwise(np.multiply, off, Cube((x.axis(unit),), signs))
        parts.append(weighted_mean(flipped, positive.data_axes(), ctx))
    if not seeds.axes:
        return parts[0]
    return stack(seeds.axes[0], parts)


def swaps(seed: int, keys: tuple, balanced: bool) -> np.ndarray:
    """Signs [items]: -1 where the sides of an item are swapped. A function of the seed and the keys alone."""
    rng = generator("shuffled_diff", seed, *keys)
    if not balanced:
        return 1.0 - 2.0 * rng.integers(0, 2, len(keys))
    signs = np.where(np.arange(len(keys)) % 2, -1.0, 1.0)
    return rng.permutation(signs)
