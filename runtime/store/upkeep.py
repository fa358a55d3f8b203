"""The upkeep of a store: what is in it, dropping what is old or too much, and reading all of it for damage.

Safe beside runs: shards that a run writes to are left alone, and a value that loses a piece is computed again.
"""

from __future__ import annotations

import errno
import math
import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from .index import Entry, add, entries_of, rows
from .journal import locked
from .records import Damaged, Record, framed
from .store import Store

DEAD = 0.25  # share of a shard that is no longer used, at which the rest is moved elsewhere


@dataclass(frozen=True)
class Group:
    """Values of one spec, kind of work and model. Times are seconds since 1970; `bytes` are those of their numbers."""

    spec: str
    op: str
    models: tuple[str, ...]
    values: int
    bytes: int
    written: float
    used: float


@dataclass(frozen=True)
class Sizes:
    """What a store takes on the disk: values and stopped runs by number, bytes in all, and those no value uses."""

    values: int
    shards: int
    stopped: int
    bytes: int
    unused: int


@dataclass(frozen=True)
class Pruned:
    """What pruning has dropped: values, journals of stopped runs, and bytes given back."""

    values: int
    stopped: int
    bytes: int


@dataclass(frozen=True)
class Verified:
    """What reading everything found: whole records, damaged ones (dropped), and whole ones that the index had not."""

    whole: int
    damaged: int
    found_again: int


def groups(store: Store) -> tuple[Group, ...]:
    """The values of a store by spec, kind of work and model, the last used first."""
    found: dict[tuple, list[tuple[int, float, float]]] = {}
    for row in _rows(store, "kind = 'value'"):
        told = row.told
        key = told.get("spec", ""), told.get("op", ""), tuple(told.get("models", ()))
        found.setdefault(key, []).append((told["bytes"], row.written, row.used))
    made = [
        Group(*key, len(v), sum(b for b, _, _ in v), max(w for _, w, _ in v), max(u for _, _, u in v))
        for key, v in found.items()
    ]
    return tuple(sorted(made, key=lambda g: (-g.used, g.spec, g.op, g.models)))


def sizes(store: Store) -> Sizes:
    """What a store takes on the disk."""
    shards, journals = store.shards.numbers(), _journals(store)
    on_disk = sum(_size(store.shards.path(n)) for n in shards)
    found = _rows(store)
    indexed, values = sum(row.length for row in found), sum(row.kind == "value" for row in found)
    whole = on_disk + sum(map(_size, journals)) + _size(store.folder / "index.sqlite")
    return Sizes(values, len(shards), len(journals), whole, max(on_disk - indexed, 0))


def prune(store: Store, *, before: float | None = None, largest: int | None = None, dry: bool = False) -> Pruned:
    """Drop values that were last used before a time (seconds since 1970), and the longest unused ones beyond a size.

    Pieces that other values have stay. Journals of stopped runs go by the same time. `dry` only counts.
    """
    if store.index is None:
        return Pruned(0, 0, 0)
    found = _rows(store)
    length = {row.key: row.length for row in found}
    needed, total, dropped = set(), 0, 0
    for row in sorted((r for r in found if r.kind == "value"), key=lambda r: (-r.used, r.key)):
        parts = {row.key, *_parts(store, row.key)} & length.keys()
        more = sum(length[p] for p in parts - needed)
        if (before is not None and row.used < before) or (largest is not None and total + more > largest):
            dropped += 1
            continue
        needed |= parts
        total += more
    old = [p for p in _journals(store) if before is not None and _written(p) < before]
    size = sum(map(_size, old)) + sum(n for key, n in length.items() if key not in needed)
    if dry:
        return Pruned(dropped, len(old), size)
    at_first = sizes(store).bytes
    for pragma in ("journal_mode", "temp_store"):  # one prunes where the disk is full
        store.index.execute(f"PRAGMA {pragma} = MEMORY")
    _delete(store, [(key,) for key in length if key not in needed])
    removed = sum(_removed(path) for path in old)
    live = Counter()
    for row in _rows(store):
        live[row.shard] += row.length
    for number in sorted(store.shards.numbers(), key=lambda number: live[number]):  # the emptiest make room for others
        _compact(store, number)
    store.index.execute("VACUUM")
    return Pruned(dropped, removed, max(at_first - sizes(store).bytes, 0))


def verify(store: Store) -> Verified:
    """Read every record; forget the damaged ones, and find again those that the index has lost."""
    if store.index is None:
        return Verified(0, 0, 0)
    found = _rows(store)
    damaged = [(row.key,) for row in found if _read(store, row) is None]
    _delete(store, damaged)
    known = {row.where for row in found}
    lost = []
    for number in store.shards.numbers():
        lost += [e for e in entries_of(store.shards, number) if e.where not in known]
    before = len(_rows(store))
    add(store.index, lost)
    after = len(_rows(store))
    return Verified(len(found) - len(damaged), len(damaged), after - before)


def _compact(store: Store, number: int) -> None:
    """Give back the room of a shard of which much is unused, unless a run writes to it, or there is none to move to."""
    path = store.shards.path(number)
    file = store.shards.taken(number)
    if file is None:
        return
    try:
        live = _rows(store, "shard = ?", (number,))
        used, whole = sum(row.length for row in live), _size(path)
        if whole - used <= DEAD * whole:
            return
        for row in live:
            record = _read(store, row)
            if record is None:
                _delete(store, [(row.key,)])
                continue
            ((shard, at, size),) = store.shards.append([framed(row.key, record.header, record.payload)])
            moved = replace(row, shard=shard, place=at, length=size)
            move = "UPDATE records SET shard = ?, place = ?, length = ?, sum = ? WHERE key = ?"
            store.index.execute(move, (shard, at, size, moved.sum, row.key))
        path.unlink()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
    finally:
        os.close(file)


def _parts(store: Store, key: bytes) -> Iterable[bytes]:
    """The keys of the pieces and axes of a value."""
    record = store.record(key.hex())
    if record is None:
        return ()
    axes = [told for told in record.header["axes"] if isinstance(told, str)]
    return [bytes.fromhex(part) for part in (*record.header["pieces"], *axes)]


def _read(store: Store, row: Entry) -> Record | None:
    try:
        record = store.shards.read(*row.where)
    except (Damaged, OSError):
        return None
    return record if record.key == row.key else None


def _rows(store: Store, where: str = "1", given: tuple = ()) -> list[Entry]:
    return store.asked(lambda index: rows(index, where, given)) or []


def _delete(store: Store, keys: list[tuple[bytes]]) -> None:
    store.index.execute("BEGIN IMMEDIATE")
    store.index.executemany("DELETE FROM records WHERE key = ?", keys)
    store.index.execute("COMMIT")


def _journals(store: Store) -> list[Path]:
    return sorted((store.folder / "journals").glob("*.journal"))


def _removed(path: Path) -> bool:
    """Remove a journal that no run writes to."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:  # its run is done
        return False
    try:
        if free := locked(file):
            path.unlink(missing_ok=True)
        return free
    finally:
        os.close(file)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # a journal whose run is done
        return math.inf


def days_ago(days: float) -> float:
    """The time so many days ago."""
    return time.time() - days * 86400
