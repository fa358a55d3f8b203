"""The store: a second run does no forward pass, an edited spec computes the difference, damage is found."""

from __future__ import annotations

import errno
import os
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch

from probelang.runtime.cube import Axis, Cube
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.store import Store, Value
from probelang.runtime.store.records import framed
from probelang.runtime.store.store import hashed
from tests.helpers_models import build
from tests.reference.checked import checked

torch.set_num_threads(1)

SPEC = '''probe 1
model m = path("m")
dataset d = rows("""q,a
big hot,small
up down the,bad""")
prompts p from d { body: "the {q} is" answer: " {a}" }
statistic gain = shift(logit(p) under scale(mlp[layer] at p.last, 2)) for layer
'''


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    build("llama", folder / "m")
    return folder


def run(text: str, root: Path, store: Path | None):
    return execute(checked(text, root), root=root, options=RunOptions(replicates=20, store=store))


def test_a_second_run_does_no_forward_pass(root: Path, tmp_path: Path) -> None:
    first, second = (run(SPEC, root, tmp_path) for _ in range(2))
    assert first.manifest["counts"]["forwards"] > 0
    assert second.manifest["counts"] == {"forwards": 0, "row_layer_tokens": 0, "unembeddings": 0, "loads": 0}
    assert first.results[0].items.equals(second.results[0].items)
    assert first.manifest["keys"] == second.manifest["keys"]


def test_an_edited_spec_computes_the_difference(root: Path, tmp_path: Path) -> None:
    run(SPEC, root, tmp_path)
    more = run(SPEC + "statistic spread = entropy(p)\n", root, tmp_path)
    alone = run(SPEC + "statistic spread = entropy(p)\n", root, None)
    assert 0 < more.manifest["counts"]["row_layer_tokens"] < alone.manifest["counts"]["row_layer_tokens"]
    assert [r.items.equals(s.items) for r, s in zip(more.results, alone.results, strict=True)] == [True, True]


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace("big hot", "big cold"),
        lambda t: t.replace('"the {q}', '"an {q}'),
        lambda t: t.replace(", 2)", ", 3)"),
    ],
    ids=["data", "prompt", "strength"],
)
def test_another_input_is_another_recipe(change, root: Path, tmp_path: Path) -> None:
    run(SPEC, root, tmp_path)
    assert run(change(SPEC), root, tmp_path).manifest["counts"]["forwards"] > 0


def test_other_weights_are_another_recipe(root: Path, tmp_path: Path) -> None:
    run(SPEC, root, tmp_path)
    build("llama", root / "m", seed=1)
    again = run(SPEC, root, tmp_path)
    build("llama", root / "m", seed=0)
    assert again.manifest["counts"]["forwards"] > 0


def shards(store: Path) -> list[Path]:
    return sorted((store / "shards").glob("*.shard"))


def broken(text: str, root: Path, store: Path, *, forwards: bool) -> None:
    """Run on a store that was hurt: the values are those of a whole one, and a third run has nothing to do."""
    whole, hurt = run(text, root, None), run(text, root, store)
    assert hurt.results[0].items.equals(whole.results[0].items)
    assert (hurt.manifest["counts"]["forwards"] > 0) == forwards
    assert run(text, root, store).manifest["counts"]["forwards"] == 0


@pytest.mark.parametrize("where", [0.02, 0.3, 0.6, 0.98])
def test_a_flipped_bit_is_found_and_computed_again(where: float, root: Path, tmp_path: Path) -> None:
    run(SPEC, root, tmp_path)
    (shard,) = shards(tmp_path)
    content = bytearray(shard.read_bytes())
    content[int(where * len(content))] ^= 1
    shard.write_bytes(bytes(content))
    whole, second = run(SPEC, root, None), run(SPEC, root, tmp_path)
    assert len(second.manifest["store"]["damaged"]) == 1
    assert second.results[0].items.equals(whole.results[0].items)
    third = run(SPEC, root, tmp_path).manifest
    assert (third["counts"]["forwards"], third["store"]["damaged"]) == (0, [])


def test_a_shard_that_was_cut_off_loses_what_was_cut(root: Path, tmp_path: Path) -> None:
    run(SPEC, root, tmp_path)
    (shard,) = shards(tmp_path)
    content = shard.read_bytes()
    for share in (0.9, 0.5, 0.0):
        shard.write_bytes(content[: int(share * len(content))])
        broken(SPEC, root, tmp_path, forwards=share < 0.8)


def test_a_shard_that_is_gone_is_made_again(root: Path, tmp_path: Path) -> None:
    run(SPEC, root, tmp_path)
    shards(tmp_path)[0].unlink()
    broken(SPEC, root, tmp_path, forwards=True)


@pytest.mark.parametrize("how", ["gone", "rubbish", "cut", "empty"])
def test_a_lost_index_is_made_again(how: str, root: Path, tmp_path: Path) -> None:
    run(SPEC, root, tmp_path)
    index = tmp_path / "index.sqlite"
    match how:
        case "gone":
            index.unlink()
        case "rubbish":
            index.write_bytes(b"no database" * 1000)
        case "cut":
            index.write_bytes(index.read_bytes()[:5000])
        case "empty":
            index.write_bytes(b"")
    broken(SPEC, root, tmp_path, forwards=False)


def test_cubes_come_back_as_they_were(tmp_path: Path) -> None:
    missing = np.array([[None, "no such token"], [None, None]], dtype=object)
    axes = (Axis("set", ((0,), (0, 1)), "model"), Axis("item", ("a", "b"), "data", {"word": ("x", None)}))
    for values in (
        np.array([[1.5, np.nan], [0.1, 2]]),
        np.array([[True, False], [True, True]]),
        np.ones((2, 2, 3), np.float32),
        np.array([["a", "b"], [None, "ü"]], dtype=object),
    ):
        store, key = Store(tmp_path), hashed(str(values))
        store.put(Value(key, Cube(axes, values, missing)))
        found = store.get(key)
        assert found.axes == axes and found.axes[1].coords == axes[1].coords
        assert found.values.dtype == values.dtype and np.array_equal(
            found.values, values, equal_nan=values.dtype.kind == "f"
        )
        assert (found.missing == missing).all()


def test_what_was_half_written_is_passed_over(tmp_path: Path) -> None:
    one, other = Cube((), np.array(1.0)), Cube((), np.array(2.0))
    store = Store(tmp_path)
    store.put(Value("0a" * 16, one))
    store.close()
    with shards(tmp_path)[0].open("ab") as file:  # a process that was killed while it wrote
        file.write(b"".join(framed(b"x" * 16, {"kind": "piece"}, b"y" * 1000))[:700])
    store.put(Value("0b" * 16, other))
    store.close()
    (tmp_path / "index.sqlite").unlink()
    assert [store.get(key * 16).values for key in ("0a", "0b")] == [1.0, 2.0]


def test_values_are_kept_together_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cube, real = Cube((), np.array(1.0)), os.write
    Store(tmp_path).put(Value("0a" * 16, cube))

    def full(file: int, data: bytes) -> int:
        if len(data) > 100:
            return real(file, data[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store, size = Store(tmp_path), shards(tmp_path)[0].stat().st_size
    monkeypatch.setattr(os, "write", full)
    store.put(Value("0b" * 16, cube), Value("0c" * 16, cube))
    monkeypatch.undo()
    assert store.trouble == "No space left on device"
    assert shards(tmp_path)[0].stat().st_size == size
    assert [store.get(key * 16) is None for key in ("0a", "0b", "0c")] == [False, True, True]


def test_values_of_columns_that_json_has_not_come_back(tmp_path: Path) -> None:
    values = (date(2020, 1, 2), datetime(2020, 1, 2, 3, 4), time(5, 6), timedelta(days=1, microseconds=7),
              Decimal("1.10"), b"\x00a", {"tuple": [1, (2,)]}, [{"a": None}])  # fmt: skip
    axis = Axis("item", tuple(range(len(values))), "data", {"given": values})
    store = Store(tmp_path)
    store.put(Value("ab" * 16, Cube((axis,), np.arange(len(values)))))
    assert store.get("ab" * 16).axes[0].coords["given"] == values


def test_other_rows_of_a_hub_dataset_are_other_values(root: Path, tmp_path: Path, monkeypatch) -> None:
    head, tail = SPEC[: SPEC.index("dataset")], SPEC[SPEC.index("prompts") :]
    text = head + 'dataset d = hub("some/rows", split="train")\n' + tail
    for opposite in ("small", "bad"):
        frame = pl.DataFrame({"q": ["big hot"], "a": [opposite]})
        loaded = SimpleNamespace(to_polars=lambda frame=frame: frame)
        fake = SimpleNamespace(load_dataset=lambda *_, loaded=loaded, **__: loaded)
        monkeypatch.setitem(sys.modules, "datasets", fake)
        assert run(text, root, tmp_path).manifest["store"]["found"] == 0
