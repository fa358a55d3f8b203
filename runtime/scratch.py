"""Room on the disk for the values of a run: files without a name, which are gone with the process. Knows no cubes."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

WRITTEN = 2**23  # bytes after which the pages that were written to are let go


class Scratch:
    """Rows of numbers in a file: written in any order, and read through mappings that take memory while they are held.

    Raises OSError where there is no such room in any of the `folders`; None is the system's own for such files.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, folders: Sequence[Path | None] = (None,)) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.bytes = int(np.prod(shape, dtype=np.int64)) * self.dtype.itemsize
        self._file = _reserved(self.bytes, folders)
        self._view: np.ndarray | None = None
        self._written = 0

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def put(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Write some rows, by number."""
        if self._view is None:
            self._view = self._mapped(mmap.ACCESS_WRITE)
        self._view[rows] = values
        self._written += values.nbytes
        if self._written > WRITTEN:
            self.release()

    def view(self) -> np.ndarray:
        """All rows, read as they are looked at."""
        return self._mapped(mmap.ACCESS_READ)

    def release(self) -> None:
        """Let go of the memory of what was written: it is the file's now."""
        self._view, self._written = None, 0

    def _mapped(self, access: int) -> np.ndarray:
        return np.frombuffer(mmap.mmap(self._file.fileno(), self.bytes, access=access), self.dtype).reshape(self.shape)


def _reserved(size: int, folders: Sequence[Path | None]):
    """A file of so many bytes in the first folder that has room for it; the room is taken now, not when it is used."""
    trouble: OSError | None = None
    for folder in folders:
        try:
            file = tempfile.TemporaryFile(dir=folder)
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                else:
                    file.truncate(size)
                return file
            except OSError:
                file.close()
                raise
        except OSError as error:
            trouble = error
    raise trouble
