"""Shards: a few large files of records. A process appends to a shard that it has locked; anybody reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .journal import locked, write_whole
from .records import Record, mapped, read_at

LARGEST = 256 * 2**20  # bytes at which a shard is full


class File:
    """The number of an open file, which is closed when nobody has this any more."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        close(self.number)


@dataclass
class Shards:
    """The shards under a folder, by number. Errors of the file system are raised as they are."""

    folder: Path
    largest: int = LARGEST
    _own: tuple[int, int] | None = None  # number and file of the shard that is written to
    _open: dict[int, File] = field(default_factory=dict)

    def path(self, number: int) -> Path:
        return self.folder / f"{number:04}.shard"

    def numbers(self) -> list[int]:
        """The shards that there are."""
        return sorted(int(p.stem) for p in self.folder.glob("*.shard") if p.stem.isdigit())

    def append(self, records: Sequence[tuple[bytes, bytes | memoryview]]) -> list[tuple[int, int, int]]:
        """Write framed records; returns the shard, place and length of each. All of them stand in one shard."""
        number, file = self._writable()
        place = os.lseek(file, 0, os.SEEK_END)
        write_whole(file, *(part for record in records for part in record))
        found = []
        for record in records:
            length = sum(map(len, record))
            found.append((number, place, length))
            place += length
        return found

    def read(self, number: int, place: int, length: int) -> Record:
        """Read a record; raises `Damaged`, or FileNotFoundError where the shard is gone."""
        return read_at(self._file(number).number, place, length)

    def region(self, number: int, place: int, length: int) -> Callable[[], memoryview]:
        """A function that maps a record's payload, the last `length` bytes before `place`, into memory anew.

        It works also when the shards are closed, or the shard is removed.
        """
        file = self._file(number)
        return lambda: mapped(file.number, place - length, length)

    def let_go(self, number: int) -> None:
        """Open a shard anew when it is read next: there may be another one of its number."""
        self._open.pop(number, None)

    def _file(self, number: int) -> File:
        if number not in self._open:
            self._open[number] = File(os.open(self.path(number), os.O_RDONLY))
        return self._open[number]

    def close(self) -> None:
        if self._own is not None:
            os.close(self._own[1])
        self._open, self._own = {}, None

    def _writable(self) -> tuple[int, int]:
        if self._own is not None:
            if os.fstat(self._own[1]).st_size < self.largest:
                return self._own
            os.close(self._own[1])
            self._own = None
        self.folder.mkdir(parents=True, exist_ok=True)
        known = self.numbers()
        for number in known:
            if (file := self.taken(number)) is None:
                continue
            if os.fstat(file).st_size < self.largest:
                self._own = number, file
                return self._own
            os.close(file)
        number = max(known, default=0)
        while self._own is None:
            number += 1
            try:
                file = os.open(self.path(number), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            except FileExistsError:
                continue
            if locked(file):
                self._own = number, file
            else:
                os.close(file)
        return self._own

    def taken(self, number: int) -> int | None:
        """Open and lock a shard that nobody else writes to; None when somebody does, or when it was removed."""
        try:
            file = os.open(self.path(number), os.O_RDWR)
        except FileNotFoundError:
            return None
        if locked(file) and os.fstat(file).st_nlink:
            return file
        os.close(file)
        return None
