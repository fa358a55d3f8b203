"""Random directions, as nulls for directions that were found."""

import numpy as np

from ...compiler.kinds import Direction, Integer, Vector
from ..cells import as_cube, vectors
from ..cube import Cube, union_axes
from ..registry import operation
from ..replicates import REPLICATE, generator
from .lengths import lengths


def _noise(like: Cube, seed: object, kind: str) -> Cube:
    """Standard normal vectors, one per cell of `like` and seed: a function of the seed and the cell's labels alone."""
    vectors(like, kind)
    seed = as_cube(seed)
    if REPLICATE in like.names:
        like = like.isel(REPLICATE, 0)
    axes = union_axes([like, seed])
    seeds = seed.expand(axes).values
    own = [(i, a) for i, a in enumerate(axes) if a.name in like.names]
    own.sort(key=lambda pair: pair[1].name)
    values = np.empty((*seeds.shape, like.feature[0]))
    for cell in np.ndindex(seeds.shape):
        place = [(a.name, a.labels[cell[i]]) for i, a in own]
        values[cell] = generator("direction", int(seeds[cell]), *place).standard_normal(like.feature[0])
    missing = None if like.missing is None else like.expand(axes).missing
    return Cube(axes, values, missing)


@operation(axes="broadcast", subject="like")
def random_unit(like: Vector, seed: Integer = 0) -> Direction:
    """Random direction of norm one, uniform on the sphere, for every cell of `like`.

    Has the axes, site and width of `like`, not its norm: steering by it moves an activation as far as steering by a
    unit vector, but projecting it out moves far less than projecting out a direction in which activations are large.
    The same seed and labels always give the same vector; the elements of a list (models, revisions, arms) share it.
    """
    noise = _noise(like, seed, "random_unit")
    return Cube(noise.axes, noise.values / lengths(noise, "random_unit")[..., None], noise.missing)


@operation(axes="broadcast", subject="like")
def random_gaussian(like: Vector, seed: Integer = 0) -> Direction:
    """Random normal vector for every cell of `like`, with the root-mean-square norm of `like`.

    Components are independent with variance ‖like‖² / width, so that the norm matches on average and not exactly.
    The same seed and labels always give the same vector up to scale.
    """
    noise = _noise(like, seed, "random_gaussian")
    axes = union_axes([like, noise])
    scale = Cube(like.axes, lengths(like, "random_gaussian") / np.sqrt(like.feature[0])).expand(axes)
    wide = noise.expand(axes)
    return Cube(axes, scale.values[..., None] * wide.values, wide.missing)
