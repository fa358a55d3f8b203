"""The journal of a stage: what each batch has yielded, so that a run that was killed goes on behind its last batch.

A journal belongs to one plan, down to the rows of each batch: what is left runs as it would have run, and its numbers
are the same to the bit. A record goes to the system at once and not to the disk, which outlives the process but not a
power failure; what is lost then is found by its checksum, and runs again.

What later batches start from (hidden states, keys and values) is not kept: it is a thousand times as large as what is
measured. A batch that others still start from is run again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...compiler.physical import PhysicalStage
from .records import framed, scan

Part = tuple[int, np.ndarray, np.ndarray]  # the work's number, its slots [n], their values [n, …]


@dataclass
class Journal:
    """What batches have yielded, by their index. Without a path nothing is kept.

    `batches` is how many there are. `trouble` says why nothing more is written. The file is made with the first record.
    """

    path: Path | None = None
    batches: int = 0
    found: dict[int, tuple[Part, ...]] = field(default_factory=dict)
    trouble: str | None = None
    _file: int | None = None
    _written: int = 0

    @staticmethod
    def open(folder: Path, key: str, batches: int) -> Journal:
        """The journal of a plan; one that another process writes to is left to it, and then nothing is kept."""
        journal = Journal(folder / f"{key}.journal", batches)
        try:
            file = os.open(journal.path, os.O_RDWR)
        except OSError:
            return journal
        if not locked(file):
            os.close(file)
            return Journal(None, batches)
        journal._file, end = file, 0
        for offset, length, record in scan(file):
            if offset != end:
                break
            journal.found[int.from_bytes(record.key)] = tuple(parts(record.header["parts"], record.payload))
            end = offset + length
        os.ftruncate(file, end)
        os.lseek(file, end, os.SEEK_SET)
        return journal

    def add(self, index: int, made: Sequence[Part]) -> None:
        """Note what a batch has yielded. The last one of all is not noted: the values themselves are written next."""
        self._written += 1
        if self.path is None or self.trouble or len(self.found) + self._written >= self.batches:
            return
        header = {"parts": [[work, *(_shape(a) for a in arrays)] for work, *arrays in made]}
        payload = b"".join(np.ascontiguousarray(a).tobytes() for _, *arrays in made for a in arrays)
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
                if not locked(self._file):
                    os.close(self._file)
                    self.path = self._file = None
                    return
            write_whole(self._file, framed(index.to_bytes(16), header, payload))
        except OSError as error:
            # A full disk must not stop the work: it only cannot be taken up again.
            self.trouble = error.strerror or str(error)

    def finish(self) -> None:
        """Remove the journal: the values of its stage are kept elsewhere."""
        if self._file is not None:
            self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def parts(header: list, payload: memoryview) -> list[Part]:
    """Arrays again, from their types and shapes and their bytes one behind the other."""
    found, offset = [], 0
    for work, *shapes in header:
        arrays = []
        for dtype, shape in shapes:
            count = int(np.prod(shape, dtype=np.int64))
            flat = np.frombuffer(payload, dtype, count, offset) if count else np.zeros(0, dtype)
            arrays.append(flat.reshape(shape))
            offset += arrays[-1].nbytes
        found.append((work, *arrays))
    return found


def again(stage: PhysicalStage, finished: set[int]) -> set[int]:
    """The finished batches that must run once more, because batches that are not finished start from them."""
    needed: set[int] = set()
    if not finished or stage.begins is None:
        return needed
    batch_of = np.full(len(stage.rows), -1)
    for index, rows in enumerate(stage.batches):
        batch_of[rows] = index
    for index in range(len(stage.batches) - 1, -1, -1):
        if index in finished and index not in needed:
            continue
        source = stage.starts.source[stage.batches[index]]
        needed.update(np.unique(batch_of[source[source >= 0]]).tolist())
    return needed & finished


def locked(file: int) -> bool:
    """Take an open file for this process alone; False where another has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def write_whole(file: int, data: bytes) -> None:
    """Write all of it where the file stands; raises OSError. A part that was written is cut off again."""
    start, view = os.lseek(file, 0, os.SEEK_CUR), memoryview(data)
    try:
        while view:
            view = view[os.write(file, view) :]
    except OSError:
        os.ftruncate(file, start)
        os.lseek(file, start, os.SEEK_SET)
        raise


def _shape(array: np.ndarray) -> list:
    return [array.dtype.str, list(array.shape)]
