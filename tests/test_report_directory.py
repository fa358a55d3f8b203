"""A run on disk: everything that was found can be read back, and a directory is never half of two runs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import polars as pl
import pytest
from safetensors import safe_open

from probelang.runtime.errors import ProbeError
from probelang.runtime.report import directory as module
from probelang.runtime.report.directory import write
from tests.helpers_report import SPEC, run


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    few = replace(run(), plots=run().plots[1:3])
    return write(few, tmp_path_factory.mktemp("runs") / "framing", interactive=False)


def quick(**changes):
    """The run without its pictures, which take the time."""
    return replace(run(), plots=(), **changes)


def test_tables_items_and_vectors_are_read_back(written):
    root = written.directory
    for result in run().results:
        assert pl.read_parquet(root / "tables" / f"{result.name}.parquet").equals(result.frame)
    assert pl.read_parquet(root / "items" / "compliance.parquet")["value"].to_list() == [True, False]
    with safe_open(root / "vectors" / "seen.safetensors", framework="np") as file:
        axes = json.loads(file.metadata()["axes"])
        assert file.get_tensor("seen").shape == (2, 8)
        assert axes == [{"name": "variant", "kind": "model", "labels": ["base", "tuned"]}]


def test_plots_are_there_in_three_forms(written):
    for plot in written.plots:
        json.loads((written.directory / "plots" / f"{plot.name}.vl.json").read_text())
        assert (written.directory / "plots" / f"{plot.name}.png").stat().st_size > 5000
        assert (written.directory / "plots" / f"{plot.name}.svg").read_text().startswith("<svg")


def test_the_manifest_vouches_for_each_file(written):
    manifest = json.loads((written.directory / "manifest.json").read_text())
    files = {p.relative_to(written.directory).as_posix() for p in written.directory.rglob("*") if p.is_file()}
    assert files - {"manifest.json"} == set(manifest["files"])
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((written.directory / name).read_bytes()).hexdigest() == digest
    assert manifest["schema"] == 1 and manifest["spec"]["sha256"] == hashlib.sha256(SPEC.encode()).hexdigest()
    assert manifest["counts"]["forwards"] == 412 and manifest["versions"]["python"]
    assert [c["verdict"] for c in manifest["claims"]] == ["pass", "fail", "not computed"]
    denoise = next(r for r in manifest["results"] if r["name"] == "denoise")
    assert (denoise["rows"], denoise["not_computed"]) == (168, 12)
    assert (written.directory / "spec.probe").read_text() == SPEC


def test_a_second_run_replaces_the_first_and_leaves_other_files_alone(tmp_path):
    first = quick()
    write(first, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "tables" / "mine.csv").write_text("mine")
    write(replace(first, results=first.results[:1]), tmp_path)
    tables = {p.name for p in (tmp_path / "tables").iterdir()}
    assert tables == {"separation.parquet", "mine.csv"} and (tmp_path / "notes.txt").exists()
    assert not list((tmp_path / "vectors").iterdir()) and not list(tmp_path.glob(".writing-*"))


def test_a_run_that_dies_while_writing_changes_nothing(tmp_path, monkeypatch):
    write(quick(), tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def die(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "page", die)
    with pytest.raises(KeyboardInterrupt):
        write(quick(name="other"), tmp_path)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_plot_that_cannot_be_drawn_is_a_warning_not_a_lost_run(tmp_path):
    bad = replace(run().plots[0], encodings={"x": "depth"})
    done = write(replace(run(), plots=(bad,)), tmp_path)
    assert not done.plots and done.warnings[-1].code == "unknown-column"
    assert "unknown-column" in (tmp_path / "report.html").read_text()


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ProbeError) as caught:
        write(quick(), tmp_path / "taken")
    assert caught.value.code == "not-a-directory"


def test_values_that_json_lacks_are_written_as_text(tmp_path):
    write(quick(manifest={"checks": {"floor": float("inf"), ("a", 1): {3}}}), tmp_path)
    checks = json.loads((tmp_path / "manifest.json").read_text())["checks"]
    assert checks == {"floor": "inf", "('a', 1)": [3]}
