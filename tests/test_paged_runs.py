"""Whole runs whose vectors stand in files: the numbers of memory, of the store, of a stopped run, of the reference."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from probelang.runtime import paged
from probelang.runtime.buffers import OnDisk
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.store import Journal, content
from tests.helpers_models import build
from tests.reference import compare
from tests.reference.checked import checked, interpret_text

torch.set_num_threads(1)

WORDS = "big small hot cold up down good bad dark light red blue cat dog she he".split()
HEAD = """probe 1
model m = path("m")
dataset d = file("rows.csv", key=id)
contrast c from d {
  positive: { body: "the {q} is" answer: " {a}" }
  negative: { body: "a {q} is not" answer: " {a}" }
}
direction way   = mean_diff(resid_post[layer] at c.last) for layer
direction main  = pca(resid_post[1] at c.last)
direction other = shuffled_diff(resid_post[2] at c.last)
statistic apart = norm(mean_diff(resid_post[layer] at c.last)) for layer
statistic along = cosine(resid_post[2] at c.last, way[layer=2])
statistic mid   = mean(projection(resid_post[layer] at c.all.mean, main)) for layer
statistic moved = norm((resid_post[3] at c.last under ablate(mlp[1] at c.all)) - (resid_post[3] at c.last))
statistic far   = kl(c.positive, c.negative)
statistic hurt  = logit(c.positive) under patch(resid_post[1] at c.positive.last, from=c.negative)
"""
ITEMS = 300


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paged")
    build("llama", folder / "m")
    rows(folder, ITEMS)
    return folder


def rows(folder: Path, count: int) -> None:
    lines = [
        f"{n},{WORDS[n % 16]} {WORDS[n // 16 % 16]} {' '.join(WORDS[: n % 3])},{'small' if n % 4 else 'bad'}"
        for n in range(count)
    ]
    (folder / "rows.csv").write_text("\n".join(["id,q,a", *lines]) + "\n")


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything on the disk, in blocks of 32 items."""
    monkeypatch.setattr(paged, "SMALL", 0)
    monkeypatch.setattr(paged, "BLOCK", 1)
    made, cube = [], OnDisk.cube
    monkeypatch.setattr(OnDisk, "cube", lambda self, *given: made.append(self) or cube(self, *given))
    yield
    assert made


def run(root: Path, store: Path | None = None, progress=None, text: str = HEAD, **options):
    found = checked(text, root)
    assert not found.errors, [d.message for d in found.errors]
    return execute(found, root=root, options=RunOptions(replicates=20, store=store, **options), progress=progress)


def tables(found) -> dict[str, bytes]:
    """The bytes of all tables and vectors."""
    assert not [w for w in found.warnings if isinstance(w, dict) and w["code"] != "in-sample"]
    made = {}
    for r in found.results:
        made[r.name] = r.frame.serialize()
        made[r.name + " items"] = b"" if r.items is None else r.items.serialize()
        made[r.name + " vectors"] = b"" if r.vectors is None else r.vectors.tobytes()
    return made


@pytest.fixture(scope="module")
def in_memory(root: Path):
    return run(root)


def test_the_numbers_are_those_of_memory(in_memory, on_disk: None, root: Path) -> None:
    found = run(root)
    for mine, theirs in zip(found.results, in_memory.results, strict=True):
        for a, b in ((mine.frame, theirs.frame), (mine.items, theirs.items)):
            if b is None:
                continue
            assert a.columns == b.columns
            for column in a.columns:
                if a[column].dtype == pl.Float64:
                    np.testing.assert_allclose(a[column], b[column], rtol=1e-9, atol=1e-9, err_msg=mine.name)
                else:
                    assert a[column].equals(b[column])


def test_stored_and_stopped_runs_give_the_same_bytes(on_disk: None, root: Path, tmp_path: Path, monkeypatch) -> None:
    options, journals, opened = {"batch_tokens": 256}, [], Journal.open
    monkeypatch.setattr(Journal, "open", lambda path: journals.append(opened(path)) or journals[-1])
    whole = tables(run(root, tmp_path / "a", **options))
    again = run(root, tmp_path / "a", **options)
    assert again.manifest["counts"]["forwards"] == 0
    assert tables(again) == whole == tables(run(root, **options))
    journals.clear()
    for batches in (1, 30):
        left = [batches]

        def stop(*_: object, left: list[int] = left) -> None:
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(root, tmp_path / "b", stop, **options)
        for file in {j._file for j in journals if j._file is not None}:
            os.close(file)  # as the end of a process does
        journals.clear()
    resumed = run(root, tmp_path / "b", **options)
    assert sum(s["resumed"]["batches"] for s in resumed.manifest["stages"]) > 20
    assert tables(resumed) == whole


def test_added_rows_join_those_that_are_stored(on_disk: None, root: Path, tmp_path: Path) -> None:
    """Values of which some pieces are read from the store, and some from where they were just put together."""
    try:
        rows(root, ITEMS - 40)
        run(root, tmp_path)
        rows(root, ITEMS)
        found = run(root, tmp_path)
        assert found.manifest["store"]["pieces"]["found"] > 0 < found.manifest["store"]["pieces"]["computed"]
        fresh = run(root)
    finally:
        rows(root, ITEMS)
    for mine, theirs in zip(found.results, fresh.results, strict=True):
        np.testing.assert_allclose(
            mine.frame.select(pl.selectors.float()).to_numpy(),
            theirs.frame.select(pl.selectors.float()).to_numpy(),
            rtol=1e-4, atol=1e-5,
        )  # fmt: skip


def test_a_few_items_against_the_reference(on_disk: None, root: Path) -> None:
    text = "".join(line for line in HEAD.splitlines(keepends=True) if "shuffled_diff" not in line)
    try:
        rows(root, 70)
        found, expected = run(root, text=text), interpret_text(text, root)
    finally:
        rows(root, ITEMS)
    for r in found.results:
        if r.name in expected and r.kind != "vector":
            assert not compare(expected[r.name], r.frame if r.items is None else r.items), r.name


GAPS = (
    HEAD.partition("direction")[0]
    + """prompts p from d { body: "the {q} is" answer: " {a}" }
let drawn = generate(p, samples=2, max_tokens=2, temperature=2)
statistic some = norm(mean((resid_post[1] at tokens(p, "cat").mean)[d.a == "bad"]))
statistic both = mean(cosine(resid_post[1] at p.last, resid_post[layer] at tokens(p, "cat").mean)) for layer
statistic said = norm(mean(resid_post[1] at drawn.response.mean, over=sample))
statistic like = cka(resid_post[1] at p.last, (resid_post[2] at p.last under scale(mlp[1] at tokens(p, "cat"), 3)))
statistic apart = norm(mean_diff((resid_post[2] at tokens(c, "cat").mean)[d.a == "bad"]))
"""
)


def test_cells_that_are_missing_conditions_and_samples(root: Path, tmp_path: Path, monkeypatch) -> None:
    """In memory, in files, and where some pieces are stored, of items that stood in another order."""
    try:
        rows(root, 30)
        plain = run(root, text=GAPS)
        monkeypatch.setattr(paged, "SMALL", 0)
        monkeypatch.setattr(paged, "BLOCK", 1)
        monkeypatch.setattr(paged, "FEWEST", 3)
        for name, value in {"FEWEST": 2, "ONE_IN": 3, "MOST": 8}.items():
            monkeypatch.setattr(content, name, value)
        in_files = run(root, text=GAPS)
        head, *lines = (root / "rows.csv").read_text().splitlines()
        (root / "rows.csv").write_text("\n".join([head, *lines[16:26], *lines[:10]]) + "\n")
        run(root, tmp_path, text=GAPS)
        rows(root, 30)
        partly, stored = (run(root, tmp_path, text=GAPS) for _ in range(2))
    finally:
        rows(root, ITEMS)
    assert partly.manifest["store"]["pieces"]["found"] > 0 and stored.manifest["counts"]["forwards"] == 0
    for other in (in_files, partly, stored):
        for mine, theirs in zip(plain.results, other.results, strict=True):
            for a, b in ((mine.frame, theirs.frame), (mine.items, theirs.items)):
                for column in () if a is None else a.columns:
                    if a[column].dtype == pl.Float64:
                        np.testing.assert_allclose(a[column], b[column], rtol=1e-4, atol=1e-5, err_msg=mine.name)
                    else:
                        assert a[column].equals(b[column]), mine.name
