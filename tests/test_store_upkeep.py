"""Looking after a store: what is listed, pruned and verified, and a folder that can only be read."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from probelang.cli import main
from probelang.cli.words import ago, bytes_
from probelang.runtime.cube import Axis, Cube
from probelang.runtime.store import Piece, Store, Value, index, upkeep
from probelang.runtime.store.shards import Shards
from probelang.runtime.store.store import hashed
from probelang.runtime.store.upkeep import groups, prune, sizes, verify

DAY = 86400


def cube(number: int, count: int = 1000) -> Cube:
    return Cube((Axis("item", tuple(f"row {i}" for i in range(count)), "data"),), np.full(count, float(number)))


def value(number: int, spec: str = "one.probe", count: int = 1000) -> Value:
    about = {"spec": spec, "says": "prob of p", "op": "prob", "models": ["zoo(base)"]}
    return Value(hashed(str(number)), cube(number, count), about=about)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Ten values, the n-th last used n days ago."""
    made = Store(tmp_path / "store")
    for number in range(10):
        made.put(value(number, "one.probe" if number < 7 else "two.probe"))
        used = time.time() - number * DAY - 60
        made.index.execute("UPDATE records SET used = ? WHERE key = ?", (used, bytes.fromhex(hashed(str(number)))))
    made.close()
    return made


def there(store: Store) -> list[int]:
    return [n for n in range(10) if store.get(hashed(str(n))) is not None]


def test_values_are_listed_by_spec_work_and_model(store: Store) -> None:
    one, two = groups(store)
    assert (one.spec, one.op, one.models, one.values, one.bytes) == ("one.probe", "prob", ("zoo(base)",), 7, 56_000)
    assert (two.spec, two.values) == ("two.probe", 3) and one.used > two.used
    found = sizes(store)
    assert (found.values, found.shards, found.stopped, found.unused) == (10, 1, 0, 0)
    assert found.bytes == sum(p.stat().st_size for p in store.folder.rglob("*") if p.is_file())


def test_what_was_not_used_for_long_is_dropped_and_its_room_given_back(store: Store) -> None:
    before = sizes(store).bytes
    dry = prune(store, before=time.time() - 4 * DAY, dry=True)
    assert there(store) == list(range(10)) and dry.values == 6
    done = prune(store, before=time.time() - 4 * DAY)
    assert done.values == 6 and there(store) == [0, 1, 2, 3]
    after = sizes(store)
    assert after.bytes == before - done.bytes < 0.6 * before and after.unused == 0
    assert np.array_equal(store.get(hashed("2")).values, cube(2).values)
    assert verify(store).damaged == 0


def test_the_longest_unused_go_beyond_a_size(store: Store) -> None:
    prune(store, largest=50_000)
    left = there(store)
    assert left == list(range(len(left))) and 2 <= len(left) <= 5
    assert sizes(store).bytes < 50_000 + (store.folder / "index.sqlite").stat().st_size


def test_pieces_that_others_use_stay(tmp_path: Path) -> None:
    store, shared = Store(tmp_path), (Piece(hashed("left"), 0, 600), Piece(hashed("right"), 600, 1000))
    store.put(Value(hashed("a"), cube(1), 0, shared), Value(hashed("b"), cube(1), 0, shared))
    store.index.execute("UPDATE records SET used = 0 WHERE key = ?", (bytes.fromhex(hashed("a")),))
    assert prune(store, before=1).values == 1
    assert store.get(hashed("a")) is None and np.array_equal(store.get(hashed("b")).values, cube(1).values)


def test_a_shard_that_is_written_to_is_left_alone(store: Store) -> None:
    other = Store(store.folder)
    other.put(value(77))
    store.close()
    prune(other, before=time.time() - 4 * DAY)
    assert there(other) == [0, 1, 2, 3]


def test_verify_forgets_what_is_damaged_and_finds_what_was_lost(store: Store) -> None:
    assert (verify(store).damaged, verify(store).found_again) == (0, 0)
    store.index.execute("DELETE FROM records WHERE key = ?", (bytes.fromhex(hashed("3")),))
    assert verify(store).found_again == 1 and there(store) == list(range(10))
    path = store.shards.path(1)
    content = bytearray(path.read_bytes())
    content[content.index(cube(5).values.tobytes()) + 40] ^= 1
    path.write_bytes(bytes(content))
    assert verify(store).damaged == 1
    assert there(store) == [0, 1, 2, 3, 4, 6, 7, 8, 9]


def test_an_index_that_is_damaged_anywhere_loses_rows_and_no_more(store: Store) -> None:
    path, draw, found_all = store.folder / "index.sqlite", random.Random(0), 0
    shutil.copytree(store.folder, store.folder.with_name("sound"))
    for number in range(120):
        shutil.rmtree(store.folder)
        store = Store(shutil.copytree(store.folder.with_name("sound"), store.folder))
        content = bytearray(path.read_bytes())
        at = draw.randrange(len(content))
        content[at : at + draw.choice([1, 1, 40])] = draw.randbytes(1)
        path.write_bytes(bytes(content))
        look = (groups, sizes, verify, lambda s: prune(s, before=1))[number % 4]
        look(store)
        for n in range(10):
            found = store.get(hashed(str(n)))
            if found is None:
                store.put(value(n))
                found = store.get(hashed(str(n)))
            assert np.array_equal(found.values, cube(n).values) and store.trouble is None
        groups(store), sizes(store)
        found_all += not store.damaged
        store.close()
    assert 0 < found_all


def test_what_is_put_beside_damage_is_there(store: Store) -> None:
    """A value of which the pieces' records are damaged too, and that nobody has read before it is put again."""
    path = store.shards.path(1)
    path.write_bytes(bytes(path.stat().st_size))
    store.put(value(1))
    assert np.array_equal(store.get(hashed("1")).values, cube(1).values)


def test_what_was_moved_or_made_anew_while_a_run_reads_is_found(store: Store) -> None:
    reader = Store(store.folder)
    assert there(reader) == list(range(10))
    prune(store, before=time.time() - 4 * DAY)
    assert there(reader) == [0, 1, 2, 3]
    prune(store, largest=0)
    store.close()
    again = Store(store.folder)
    again.put(value(5), value(3))
    again.close()
    assert there(reader) == [3, 5] and not reader.damaged


def test_a_full_disk_is_said_and_can_be_pruned(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ((pages,),) = store.index.execute("PRAGMA page_count").fetchall()
    store.index.execute(f"PRAGMA max_page_count = {pages}")
    store.put(*(value(n, count=3) for n in range(100, 200)))
    assert store.trouble == "database or disk is full" and there(store) == list(range(10))
    store.close()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    assert prune(store, largest=30_000).values == 8
    left, before = there(store), sizes(store).bytes
    assert len(left) == 2
    monkeypatch.undo()
    assert prune(store, largest=30_000).bytes > 0 and sizes(store).bytes < before and there(store) == left
    store.close()
    assert prune(store, largest=0).values == 2 and not store.shards.numbers()


def test_an_index_without_room_is_made_in_memory(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (store.folder / "index.sqlite").unlink()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(index, "connect", full)
    assert there(store) == list(range(10)) and len(list(store.folder.iterdir())) == 2


def test_what_a_run_adds_before_its_shard_is_moved_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends, and lets its shard go, just when pruning looks at the shard."""
    other = Store(store.folder)
    other.put(value(77))
    taken = Shards.taken

    def ends(shards: Shards, number: int) -> int | None:
        if shards is store.shards and other.index is not None:
            other.put(value(78))
            other.close()
        return taken(shards, number)

    monkeypatch.setattr(Shards, "taken", ends)
    prune(store, before=time.time() - 4 * DAY)
    assert there(store) == [0, 1, 2, 3]
    assert all(store.get(hashed(n)) is not None for n in ("77", "78")) and not store.damaged


def test_journals_and_shards_may_go_while_they_are_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_journals", lambda store: [store.folder / "journals" / "gone.journal"])
    monkeypatch.setattr(Shards, "numbers", lambda shards: [0, 1, 7])
    assert prune(store, before=1).stopped == 0 == verify(store).damaged and sizes(store).values == 10
    store.shards.largest = 1  # so that it looks for another one
    store.put(value(77))
    assert store.trouble is None and store.get(hashed("77")) is not None


def test_full_shards_are_followed_by_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.shards.largest = 20_000
    for number in range(10):
        store.put(value(number))
    assert 3 <= len(store.shards.numbers()) <= 6 and there(store) == list(range(10))
    again = Store(tmp_path)
    assert there(again) == list(range(10))


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
@pytest.mark.parametrize("index", [True, False])
def test_a_store_that_can_only_be_read_is_read(index: bool, store: Store) -> None:
    folder = Path("/tmp") / f"probelang-read-only-{os.getpid()}-{index}"
    store.close()
    store.folder.rename(folder)
    try:
        if not index:
            (folder / "index.sqlite").unlink()
        os.seteuid(65534)
        readable = Store(folder)
        assert there(readable) == list(range(10))
        readable.close()
        assert readable.trouble is None  # nothing had to be kept
        readable.put(value(77))
        assert readable.get(hashed("77")) is None and readable.trouble
        readable.close()
        assert main(["cache", "prune", "--max-size", "1B", "--store", str(folder)]) == 1
    finally:
        os.seteuid(0)
        folder.rename(store.folder)


def test_the_command_lists_prunes_and_verifies(store: Store, capsys: pytest.CaptureFixture) -> None:
    store.close()
    where = ["--store", str(store.folder)]
    assert main(["cache", *where]) == 0
    out = capsys.readouterr().out
    assert "10 values" in out and "one.probe" in out and "56 KB" in out
    assert main(["cache", *where, "--format", "json"]) == 0
    assert [g["values"] for g in json.loads(capsys.readouterr().out)["groups"]] == [7, 3]
    assert main(["cache", "prune", *where]) == 2
    assert main(["cache", "prune", *where, "--older-than", "4d", "--dry-run"]) == 0
    assert "would drop 6 values" in capsys.readouterr().out
    assert main(["cache", "prune", *where, "--older-than", "4d", "--max-size", "1GB"]) == 0
    assert main(["cache", "verify", *where]) == 0
    assert "none damaged" in capsys.readouterr().out
    path = next(store.folder.glob("shards/*"))
    path.write_bytes(path.read_bytes()[:-100])
    assert main(["cache", "verify", *where]) == 1
    assert main(["cache", "size", *where]) == 0
    assert main(["cache", "prune", *where, "--older-than", "soon"]) == 2


def test_an_empty_store_is_no_trouble(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for action in (["list"], ["size"], ["prune", "--max-size", "1GB"], ["verify"]):
        assert main(["cache", *action, "--store", str(tmp_path / "none")]) == 0
    assert not (tmp_path / "none").exists()
    file = tmp_path / "file"
    file.write_text("")
    assert main(["cache", "--store", str(file)]) == 1
    assert "not-a-store" in capsys.readouterr().err


def test_words() -> None:
    assert [bytes_(n) for n in (0, 999, 1000, 9_940, 123_456, 5_000_000, 2.5e12)] == [
        "0 B", "999 B", "1.0 KB", "9.9 KB", "123 KB", "5.0 MB", "2.5 TB"]  # fmt: skip
    assert [ago(100 - s, 100) for s in (5, 61, 7300, DAY * 3, DAY * 40, DAY * 800)] == [
        "just now", "1 minute ago", "2 hours ago", "3 days ago", "1 month ago", "2 years ago"]  # fmt: skip


def test_a_folder_of_something_else_is_left_as_it_is(tmp_path: Path, capsys) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for action in (["list"], ["size"], ["prune", "--max-size", "1GB"], ["verify"]):
        assert main(["cache", *action, "--store", str(tmp_path)]) == 1
        assert "is no store" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
