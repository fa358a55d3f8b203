"""Where the values of a stage are put together while its batches run: in memory, or in a file where they are many."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .cube import Axis, Cube
from .paged import Paged, large
from .scratch import Scratch


class InMemory:
    """Rows of numbers, nan until they are put."""

    def __init__(self, shape: tuple[int, int], dtype: np.dtype) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._values = np.full(shape, np.nan, dtype)

    def put(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Write some rows, by number."""
        self._values[rows] = values

    def view(self) -> np.ndarray:
        """All rows."""
        return self._values

    def cube(self, axes: tuple[Axis, ...], missing: np.ndarray | None, along: int | None) -> Cube:
        """The rows as vectors over `axes`."""
        made = Cube(axes, self._values.reshape(*(len(a) for a in axes), self.shape[-1]), None)
        return made if missing is None else made.without(missing)


class OnDisk(Scratch):
    """Rows of numbers in a file; what is never put is among the missing cells of the cube."""

    def cube(self, axes: tuple[Axis, ...], missing: np.ndarray | None, along: int) -> Cube:
        """The rows as vectors over `axes`, that are read along the axis number `along`."""
        self.release()
        shape, at = tuple(len(a) for a in axes), (slice(None),) * along

        def read(start: int, stop: int) -> np.ndarray:
            return self.view().reshape(*shape, self.shape[-1])[(*at, slice(start, stop))]

        return Paged(axes, axes[along].name, self.shape[-1:], self.dtype, read, missing)


Buffer = InMemory | OnDisk


def buffer(shape: tuple[int, int], dtype: np.dtype, by_items: bool, folder: Path | None) -> Buffer:
    """Room for rows of numbers: in memory, or, of many, where they are read `by_items`, on a disk that has room.

    `folder` is the first to be asked.
    """
    if by_items and large(shape, dtype):
        try:
            return OnDisk(shape, dtype, (folder, None) if folder is not None else (None,))
        except OSError:
            pass  # then memory may have the room
    return InMemory(shape, dtype)
