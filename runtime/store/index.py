"""The index of a store: where each record stands, and what the values are. Made again from the shards when it is lost.

It is an SQLite database with a rollback journal and not a write-ahead log, so that it can also be read where nothing
can be written. It is never synced to the disk: after a power failure it may have to be made again, and that is all.
Each row has a checksum, and a row that is damaged is as good as none.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from hashlib import blake2b
from pathlib import Path

from .records import scan
from .shards import Shards

NAME = "index.sqlite"
VERSION = 4
SCHEMA = """CREATE TABLE records (
    key BLOB PRIMARY KEY, kind TEXT, shard INTEGER, place INTEGER, length INTEGER, written REAL, used REAL, about TEXT,
    sum BLOB
) WITHOUT ROWID"""
PATIENCE = 60  # seconds to wait for another process's write


@dataclass(frozen=True)
class Entry:
    """A row: a record's key and kind, where it stands, when it was written and used, and what a value is, as JSON."""

    key: bytes
    kind: str
    shard: int
    place: int
    length: int
    written: float
    used: float
    about: str | None = None

    @property
    def where(self) -> tuple[int, int, int]:
        return self.shard, self.place, self.length

    @property
    def told(self) -> dict:
        """What a value is."""
        return json.loads(self.about)

    @property
    def sum(self) -> bytes:
        """A checksum of all but the time of use, which is noted by itself."""
        fixed = (self.key, self.kind, self.shard, self.place, self.length, self.written, self.about)
        return blake2b(repr(fixed).encode(), digest_size=8).digest()


def opened(folder: Path, shards: Shards, anew: bool = False) -> sqlite3.Connection:
    """Open the index of a store, made again where it is not there or not readable; for reading where that is all.

    `anew` makes it again in any case. Where it cannot be kept it is in memory.
    """
    with guarded(folder) as writable:
        path = folder / NAME
        try:
            if path.exists() and not anew:
                return checked(connect(path, writable), path)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise
        made = folder / f".{NAME}-made"
        try:
            if writable:
                made.unlink(missing_ok=True)
                filled(connect(made, True), shards).close()
                path.with_name(f"{NAME}-journal").unlink(missing_ok=True)
                os.replace(made, path)
                return connect(path, True)
        except (OSError, sqlite3.OperationalError):  # there is no room for it
            made.unlink(missing_ok=True)
        return filled(sqlite3.connect(":memory:", isolation_level=None), shards)


@contextmanager
def guarded(folder: Path) -> Iterator[bool]:
    """Hold the store's lock while the index is opened or made; gives whether the folder can be written to."""
    try:
        file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT):
            raise
        yield False
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield True
    finally:
        os.close(file)


def connect(path: Path, writable: bool) -> sqlite3.Connection:
    place = path.resolve().as_uri() + ("?mode=rwc" if writable else "?mode=ro")
    database = sqlite3.connect(place, uri=True, isolation_level=None, timeout=PATIENCE)
    database.execute("PRAGMA synchronous = OFF")
    database.text_factory = lambda text: text.decode(errors="replace")  # what is damaged is found by its checksum
    return database


def checked(database: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """The database if it is a whole index of this version; raises sqlite3.DatabaseError."""
    try:
        database.execute("BEGIN")
        database.execute("SELECT max(length) FROM records").fetchone()  # from here on nobody else writes
        version, pages, size = (
            database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "page_count", "page_size")
        )
        schema = database.execute("SELECT sql FROM sqlite_master").fetchall()
        if version != VERSION or schema != [(SCHEMA,)] or pages * size != path.stat().st_size:
            raise sqlite3.DatabaseError("another version, or cut off")
        database.execute("COMMIT")
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        database.close()
        raise
    return database


def filled(database: sqlite3.Connection, shards: Shards) -> sqlite3.Connection:
    """Make the table, with every whole record of the shards in it."""
    database.execute(SCHEMA)
    database.execute(f"PRAGMA user_version = {VERSION}")
    for number in shards.numbers():
        add(database, entries_of(shards, number))
    return database


def entries_of(shards: Shards, number: int) -> list[Entry]:
    """The rows of a shard's records, from the shard alone."""
    try:
        file = os.open(shards.path(number), os.O_RDONLY)
    except FileNotFoundError:  # what was in it has just been moved
        return []
    try:
        return [entry(r.key, r.header, (number, place, length)) for place, length, r in scan(file)]
    finally:
        os.close(file)


def rows(database: sqlite3.Connection, where: str = "1", given: tuple = ()) -> list[Entry]:
    """The whole rows for which a condition holds."""
    asked = f"SELECT {', '.join(Entry.__dataclass_fields__)}, sum FROM records WHERE {where}"
    found = ((Entry(*row), told) for *row, told in database.execute(asked, given))
    return [row for row, told in found if told == row.sum and isinstance(row.used, float)]


def entry(key: bytes, header: dict, where: tuple[int, int, int]) -> Entry:
    """The row of a record that stands in a shard, at a place, with a length."""
    about = header.get("about")
    told = None if about is None else json.dumps(about)
    return Entry(key, header["kind"], *where, header["written"], header["written"], told)


def add(database: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Add rows, all or none; a key that is there keeps its place, unless its row is damaged."""
    database.execute("BEGIN IMMEDIATE")
    try:
        damaged = [(e.key,) for e in entries if not rows(database, "key = ?", (e.key,))]
        database.executemany("DELETE FROM records WHERE key = ?", damaged)
        added = "INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        database.executemany(added, [(*astuple(e), e.sum) for e in entries])
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # a full disk has ended it
            database.execute("ROLLBACK")
        raise


def touch(database: sqlite3.Connection, keys: Sequence[bytes], after: float = 3600) -> None:
    """Note that values were used now, at most once in `after` seconds."""
    now = time.time()
    update = "UPDATE records SET used = ? WHERE key = ? AND used < ?"
    database.execute("BEGIN IMMEDIATE")
    database.executemany(update, [(now, key, now - after) for key in keys])
    database.execute("COMMIT")
