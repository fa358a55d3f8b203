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
from .records import framed, read_at, scan

Part = tuple[int, np.ndarray, np.ndarray]  # the work's number, its slots [n], their values [n, …]


TOGETHER = 2**20  # bytes that are written by one call of the system
HEAD = b"\xff" * 16  # key of the record that says which plan the others belong to


@dataclass
class Journal:
    """What batches have yielded. Without a path nothing is kept.

    `found` says where the yield of a batch stands, by the batch's index: place and length. `settings` are those with
    which the stopped run laid out its batches. `trouble` says why nothing more is written.
    The file is made with the first record.
    """

    path: Path | None = None
    found: dict[int, tuple[int, int]] = field(default_factory=dict)
    settings: dict | None = None
    trouble: str | None = None
    _layout: str = ""
    _missing: int = 0
    _file: int | None = None

    @staticmethod
    def open(path: Path) -> Journal:
        """Read a journal; one that another process writes to is left to it, and then nothing is kept."""
        journal = Journal(path)
        try:
            file = os.open(path, os.O_RDWR)
        except OSError:
            return journal
        if not locked(file):
            os.close(file)
            return Journal()
        journal._file, end = file, 0
        for offset, length, record in scan(file):
            if offset != end or (offset == 0) != (record.key == HEAD):
                break
            if record.key == HEAD:
                journal.settings, journal._layout = record.header["settings"], record.header["layout"]
            else:
                journal.found[int.from_bytes(record.key)] = offset, length
            end = offset + length
        os.ftruncate(file, end)
        os.lseek(file, end, os.SEEK_SET)
        return journal

    def parts(self, index: int) -> list[Part]:
        """What a batch that was found has yielded."""
        record = read_at(self._file, *self.found[index])
        return parts(record.header["parts"], record.payload)

    def begin(self, layout: str, settings: dict, batches: int) -> None:
        """Say how the batches are laid out now; records of another layout are dropped."""
        if self._file is not None and self._layout != layout:
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)
            self.found = {}
            self._note(HEAD, {"layout": layout, "settings": settings}, b"")
        self.settings, self._layout, self._missing = settings, layout, batches - len(self.found)

    def add(self, index: int, made: Sequence[Part]) -> None:
        """Note what a batch has yielded. The last one is not noted: the values themselves are written next."""
        self._missing -= 1
        if self.path is None or self.trouble or self._missing <= 0:
            return
        header = {"parts": [[work, *(_shape(a) for a in arrays)] for work, *arrays in made]}
        payload = b"".join(np.ascontiguousarray(a).tobytes() for _, *arrays in made for a in arrays)
        if self._file is not None or self._made():
            self._note(index.to_bytes(16), header, payload)

    def finish(self) -> None:
        """Remove the journal: the values of its stage are kept elsewhere."""
        if self._file is not None:
            self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Leave the journal to whoever goes on, in this process or another."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _made(self) -> bool:
        """Make the file; False where that cannot be, or where another process was quicker."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            self.trouble = error.strerror
            return False
        if not locked(file) or os.fstat(file).st_size:
            os.close(file)
            self.path = None
            return False
        self._file = file
        self._note(HEAD, {"layout": self._layout, "settings": self.settings}, b"")
        return True

    def _note(self, key: bytes, header: dict, payload: bytes) -> None:
        try:
            write_whole(self._file, *framed(key, header, payload))
        except OSError as error:
            # A full disk must not stop the work: what comes now cannot be taken up again, and that is all.
            self.trouble = error.strerror


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


def write_whole(file: int, *parts: bytes | memoryview) -> None:
    """Write all of it where the file stands; raises OSError. What was written of it is cut off again."""
    start = os.lseek(file, 0, os.SEEK_CUR)
    small = sum(map(len, parts)) <= TOGETHER
    try:
        for part in (b"".join(parts),) if small else parts:
            view = memoryview(part)
            while view:
                view = view[os.write(file, view) :]
    except OSError:
        os.ftruncate(file, start)
        os.lseek(file, start, os.SEEK_SET)
        raise


def _shape(array: np.ndarray) -> list:
    return [array.dtype.str, list(array.shape)]
