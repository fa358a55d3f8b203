"""The value of `generate` as a cube of whole numbers, so that it is stored and compared like any other.

A cell is a vector: why the text ended, how close its closest choice was (the bits of a float32), and its tokens, filled
up with -1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..cube import Axis, Cube

HEAD = 2
ENDS = ("end", "stop", "length", "context")  # an end token, a stop text, `max_tokens`, the end of the model's context


def packed(axes: tuple[Axis, ...], written: Sequence[tuple[tuple[int, ...], int, float]], reasons: np.ndarray) -> Cube:
    """A cube of (tokens, end, closeness) in the order of `axes`; cells with a reason [cells] have no text."""
    values = cells_of(written)
    shape = tuple(len(a) for a in axes)
    missing = None if np.equal(reasons, None).all() else reasons.reshape(shape)
    return Cube(axes, values.reshape(*shape, values.shape[1]), missing)


def cells_of(written: Sequence[tuple[tuple[int, ...], int, float]]) -> np.ndarray:
    """Cells [n, width] of (tokens, end, closeness)."""
    longest = max((len(ids) for ids, _, _ in written), default=0)
    values = np.full((len(written), HEAD + longest), -1, dtype=np.int32)
    for row, (ids, end, close) in zip(values, written, strict=True):
        row[0], row[1] = end, np.float32(close).view(np.int32)
        row[HEAD : HEAD + len(ids)] = ids
    return values


def token_ids(cell: np.ndarray) -> tuple[int, ...]:
    """The tokens of a cell."""
    return tuple(cell[HEAD:][cell[HEAD:] >= 0].tolist())


def texts_alone(cube: Cube) -> Cube:
    """The texts without how close their choices were, as wide as the longest: equal for equal texts."""
    values = np.array(cube.values)
    values[..., 1] = 0
    used = np.flatnonzero((values != -1).reshape(-1, values.shape[-1]).any(axis=0))
    return Cube(cube.axes, values[..., : used.max(initial=-1) + 1], cube.missing)


def closeness(values: np.ndarray) -> np.ndarray:
    """How close the closest choice of each text was, for values [n, width]."""
    return np.ascontiguousarray(values[:, 1]).view(np.float32)
