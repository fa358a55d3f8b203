"""The store: values by recipe, in pieces that other values share, behind an index that can be lost.

What is damaged counts as absent, and is computed again. What cannot be written is said once, and the run goes on: the
store saves work and is never needed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from ..cube import Axis, Cube
from ..errors import ProbeError
from .cubes import Part, Piece, block, cut, joined, part_back
from .index import Entry, add, entry, opened, rows, touch
from .journal import Journal
from .records import Damaged, Record, framed
from .shards import Shards
from .spelling import axis_back, plain_axis

SMALL = 400  # characters of an axis that stands in the values that have it
AT_ONCE = 2**24  # bytes of records that are held to be written together
Answer = TypeVar("Answer")


def default_folder() -> Path:
    """Where values are kept when nothing else is said: `$PROBELANG_STORE`, else the user's cache."""
    if own := os.environ.get("PROBELANG_STORE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "probelang" / "store"


@dataclass(frozen=True, eq=False)
class Value:
    """A value to be kept under its recipe (32 hexadecimal digits), and the pieces that it is cut into along an axis.

    Without pieces it is kept whole. `about` goes into the index, `inputs` stands with the value.
    """

    recipe: str
    cube: Cube
    along: int | None = None
    pieces: tuple[Piece, ...] = ()
    about: dict = field(default_factory=dict)
    inputs: dict = field(default_factory=dict)

    @property
    def cut(self) -> tuple[Piece, ...]:
        if self.along is not None:
            return self.pieces
        key = (
            self.pieces[0].key if self.pieces else blake2b(f"whole {self.recipe}".encode(), digest_size=16).hexdigest()
        )
        return (Piece(key, 0, 1),)


@dataclass
class Store:
    """Values under a folder. `hits` and `misses` count values asked for, `damaged` names records found damaged.

    `trouble` says why nothing more is written.
    """

    folder: Path
    hits: int = 0
    misses: int = 0
    damaged: list[str] = field(default_factory=list)
    trouble: str | None = None
    pieces: tuple[int, int] = (0, 0)  # found and not found, of the values that were not found whole
    used: list[bytes] = field(default_factory=list)
    whole: set[str] = field(default_factory=set)  # records that were read, and found whole
    _index: sqlite3.Connection | None = None
    _lost: bool = False  # whether the index could not be used
    _shards: Shards | None = None
    _journals: list[Journal] = field(default_factory=list)

    @property
    def shards(self) -> Shards:
        if self._shards is None:
            self._shards = Shards(self.folder / "shards")
        return self._shards

    @property
    def index(self) -> sqlite3.Connection | None:
        """The open index; None where there is no store yet."""
        if self._index is None and self.folder.exists():
            if not self.folder.is_dir():
                raise ProbeError("not-a-store", f"{self.folder} is a file", "a store is a folder: name another")
            self._index = opened(self.folder, self.shards)
        return self._index

    # **** reading ****

    def get(self, recipe: str) -> Cube | None:
        """The value of a recipe, or None where it, or a part of it, is not there or damaged."""
        found = self._value(recipe)
        self.hits, self.misses = self.hits + (found is not None), self.misses + (found is None)
        if found is not None:
            self.used.append(bytes.fromhex(recipe))
        return found

    def _value(self, recipe: str) -> Cube | None:
        record = self.record(recipe)
        if record is None:
            return None
        axes = [self._axis(told) for told in record.header["axes"]]
        parts = [self.piece(key) for key in record.header["pieces"]]
        if any(x is None for x in (*axes, *parts)):
            return None
        try:
            return joined(tuple(axes), record.header["along"], parts)
        except ValueError:
            self._forget(recipe)
            return None

    def piece(self, key: str) -> Part | None:
        """The cells of a piece, or None; they are whole now, and read when they are needed."""
        found = self._found(key)
        if found is None:
            return None
        record, (shard, place, length) = found
        return part_back(record, self.shards.region(shard, place + length, len(record.payload)))

    def record(self, key: str) -> Record | None:
        """A record by its key; one that is damaged is forgotten, and then there is none."""
        found = self._found(key)
        return None if found is None else found[0]

    def _found(self, key: str) -> tuple[Record, tuple[int, int, int]] | None:
        """A record and where it stands: shard, place, length."""
        for _ in range(2):  # another process may just have moved it
            row = self.row(key)
            if row is None:
                return None
            try:
                record = self.shards.read(*row.where)
                if record.key == row.key:
                    self.whole.add(key)
                    return record, row.where
            except (Damaged, OSError):
                pass  # as good as another record in its place
            self.shards.let_go(row.shard)
        self._forget(key)
        return None

    def has(self, key: str) -> bool:
        """Whether a record is there, and whole."""
        return self._found(key) is not None if key not in self.whole else self.row(key) is not None

    def row(self, key: str) -> Entry | None:
        """What the index says of a record, or None; an index that cannot be used has none, and is not asked again."""
        if self._lost:
            return None
        try:
            found = self.asked(lambda index: rows(index, "key = ?", (bytes.fromhex(key),)))
        except (OSError, sqlite3.Error) as error:
            self._lost = True
            self.trouble = self.trouble or _said(error)
            return None
        return found[0] if found else None

    def asked(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
        """What the index answers, which is made again where it is damaged; None where there is no store yet."""
        index = self.index
        try:
            return None if index is None else question(index)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            index.close()
            self._index = opened(self.folder, self.shards, anew=True)
            return question(self._index)

    def _axis(self, told: dict | str) -> Axis | None:
        if isinstance(told, dict):
            return axis_back(told)
        record = self.record(told)
        return None if record is None else axis_back(json.loads(bytes(record.payload)))

    def _forget(self, key: str) -> None:
        if key not in self.damaged:
            self.damaged.append(key)
        try:
            self.index.execute("DELETE FROM records WHERE key = ?", (bytes.fromhex(key),))
        except sqlite3.Error as error:
            self.trouble = self.trouble or _said(error)  # of a store that can only be read

    # **** writing ****

    def put(self, *values: Value) -> None:
        """Keep values: all of them, or, where that cannot be, none."""
        if self.trouble is not None or not values:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._put(values)
        except (OSError, sqlite3.Error) as error:
            self.trouble = _said(error)

    def _put(self, values: Sequence[Value]) -> None:
        writing = Writing(self, time.time())
        for value in values:
            size = 0
            for piece in value.cut:
                part = cut(value.cube, value.along, piece)
                header, payload = block(part.values(), part.missing)
                size += len(payload)
                writing.note(piece.key, {"kind": "piece"} | header, payload)
            axes = []
            for axis in value.cube.axes:
                told = plain_axis(axis)
                text = json.dumps(told, separators=(",", ":"))
                axes.append(told if len(text) <= SMALL else hashed(text))
                if len(text) > SMALL:
                    writing.note(axes[-1], {"kind": "axis"}, text.encode())
            header = {
                "kind": "value", "axes": axes, "along": value.along, "pieces": [p.key for p in value.cut],
                "about": value.about | {"bytes": size}, "inputs": value.inputs,
            }  # fmt: skip
            writing.note(value.recipe, header, b"")
        writing.finish()

    def told(self) -> dict:
        """What was asked of the store, for the manifest."""
        pieces = {"found": self.pieces[0], "computed": self.pieces[1]}
        found = {"found": self.hits, "computed": self.misses, "pieces": pieces, "damaged": self.damaged}
        return found if self.trouble is None else found | {"not_written": self.trouble}

    def journal(self, work: str) -> Journal:
        """The journal of some work (32 hexadecimal digits)."""
        self._journals.append(Journal.open(self.folder / "journals" / f"{work}.journal"))
        return self._journals[-1]

    def close(self) -> None:
        """Note what was used, and let go of all files."""
        for journal in self._journals:
            journal.close()
        if self._index is not None:
            with suppress(sqlite3.Error):  # a store that can only be read
                touch(self._index, self.used)
            self._index.close()
        if self._shards is not None:
            self._shards.close()
        self._index, self._shards, self.used, self.whole = None, None, [], set()


@dataclass
class Writing:
    """Records on their way into a store: they go to its shards little by little, and into its index all at once."""

    store: Store
    now: float
    keys: set[str] = field(default_factory=set)
    rows: list[Entry] = field(default_factory=list)
    waiting: list[tuple[str, dict, tuple[bytes, bytes | memoryview]]] = field(default_factory=list)
    size: int = 0

    def note(self, key: str, header: dict, payload: bytes | memoryview) -> None:
        """Keep a record, unless it is there."""
        if key in self.keys or self.store.has(key):
            return
        header = header | {"written": self.now}
        self.keys.add(key)
        self.waiting.append((key, header, framed(bytes.fromhex(key), header, payload)))
        self.size += len(payload)
        if self.size > AT_ONCE:
            self.append()

    def append(self) -> None:
        places = self.store.shards.append([data for *_, data in self.waiting])
        for (key, header, _), where in zip(self.waiting, places, strict=True):
            self.rows.append(entry(bytes.fromhex(key), header, where))
        self.waiting, self.size = [], 0

    def finish(self) -> None:
        """Bring everything into the index."""
        self.append()
        self.store.asked(lambda index: add(index, self.rows))


def _said(error: OSError | sqlite3.Error) -> str:
    return getattr(error, "strerror", None) or str(error)


def hashed(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
