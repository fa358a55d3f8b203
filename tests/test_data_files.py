"""Files are read as they are, or refused with the line that is wrong; rows have keys that last."""

import json
import sys
from types import SimpleNamespace

import polars
import pytest

from probelang.runtime.data.files import column_types, read
from probelang.runtime.data.hub import from_hub
from probelang.runtime.errors import ProbeError
from tests.helpers_tables import inline

ROWS = [
    {"query": "big", "n": 1, "rate": 0.5, "good": True, "code": "007"},
    {"query": "tall, wide", "n": 2, "rate": 1.0, "good": False, "code": "12"},
]


def write(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")
    return name


def save(folder, suffix):
    path = folder / f"rows.{suffix}"
    frame = polars.DataFrame(ROWS)
    if suffix in ("csv", "tsv"):
        frame.write_csv(path, separator="," if suffix == "csv" else "\t")
    elif suffix in ("jsonl", "ndjson"):
        path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n")
    elif suffix == "json":
        path.write_text(json.dumps(ROWS))
    else:
        frame.write_parquet(path)
    return path.name


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "ndjson", "json", "parquet"])
def test_every_format_gives_the_same_rows_and_keys(tmp_path, suffix):
    name = save(tmp_path, suffix)
    table = read(name, root=tmp_path)
    assert table.rows() == ROWS
    assert (table.keys, table.fingerprint) == (inline(ROWS).keys, inline(ROWS).fingerprint)
    types = {"query": "text", "n": "integer", "rate": "number", "good": "boolean", "code": "text"}
    assert column_types(read(name, root=tmp_path).frame) == types
    assert len(read(name, root=tmp_path, limit=1)) == 1
    assert read(name, root=tmp_path, limit=1).keys == table.keys[:1]


def error(code, call, *args, **kwargs):
    with pytest.raises(ProbeError) as caught:
        call(*args, **kwargs)
    assert caught.value.code == code, caught.value.message
    return caught.value


def test_paths_stay_under_the_root(tmp_path):
    root = tmp_path / "spec"
    root.mkdir()
    write(tmp_path, "outside.csv", "a\n1\n")
    (root / "link.csv").symlink_to(tmp_path / "outside.csv")
    for path in ("../outside.csv", str(tmp_path / "outside.csv"), "link.csv"):
        error("path-outside", read, path, root=root)
    assert len(read("../outside.csv", root=root, allow_outside=True)) == 1


def test_missing_files_name_the_nearest(tmp_path):
    write(tmp_path, "adjectives.csv", "a\n1\n")
    assert "'adjectives.csv'" in error("file-not-found", read, "adjectivs.csv", root=tmp_path).help
    error("file-not-found", read, "nowhere/a.csv", root=tmp_path)
    write(tmp_path, "a.xlsx", "")
    error("unknown-format", read, "a.xlsx", root=tmp_path)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("a,b\n1,2\n3,4,5\n", "bad-csv", "line 3 has 3 fields"),
        ("a,b\n1,2\n3\n4,5\n", "bad-csv", "line 3 has 1 fields"),
        ('a,b\n1,"x\n', "bad-csv", "line 2"),
        ("a,a\n1,2\n", "duplicate-column", "'a'"),
        ("", "empty-file", "empty"),
        ("a,\n1,2\n", "unnamed-column", "without a name"),
        ("a;b\n1;2\n", "bad-csv", "as if ';' separated"),
    ],
)
def test_broken_csv(tmp_path, text, code, says):
    found = error(code, read, write(tmp_path, "x.csv", text), root=tmp_path)
    assert says in found.message and (found.help or code == "bad-csv")


def test_other_broken_files(tmp_path):
    assert "line 3" in error("bad-json", read, write(tmp_path, "a.jsonl", '{"a":1}\n\n{bad\n'), root=tmp_path).message
    error("bad-json", read, write(tmp_path, "b.json", '{"a":1}'), root=tmp_path)
    error("bad-row", read, write(tmp_path, "c.jsonl", "[1]"), root=tmp_path)
    mixed = error("mixed-types", read, write(tmp_path, "d.jsonl", '{"a":1}\n{"a":"x"}'), root=tmp_path)
    assert "row 2" in mixed.message and "row 1" in mixed.message
    assert error("bad-parquet", read, write(tmp_path, "e.parquet", "no"), root=tmp_path).help
    assert error("bad-json", read, write(tmp_path, "g.json", "[1,"), root=tmp_path).help
    (tmp_path / "folder.csv").mkdir()
    write(tmp_path / "folder.csv", "part.csv", "a\n1\n")
    assert error("file-not-found", read, "folder.csv", root=tmp_path).help == "It has part.csv."
    (tmp_path / "f.csv").write_bytes(b"\xff\xfea,b\n")
    error("bad-encoding", read, "f.csv", root=tmp_path)


def test_numbers_that_would_lose_their_spelling_stay_text(tmp_path):
    name = write(tmp_path, "x.csv", "\ufeffzip,int,float,flag,gap\n007,1,1.5,TRUE,\n08,-2,3,false,x\n")
    table = read(name, root=tmp_path)
    assert column_types(table.frame) == {
        "zip": "text",
        "int": "integer",
        "float": "number",
        "flag": "boolean",
        "gap": "text",
    }
    assert table.column("gap") == [None, "x"]


def test_rows_may_lack_fields_and_hold_lists():
    table = inline([{"a": 1}, {"a": 2.5, "b": ["x"]}, {"c": {"d": 1}}])
    assert table.column("a") == [1, 2.5, None]
    assert column_types(table.frame) == {"a": "number", "b": "list", "c": "record"}


def test_keys_come_from_a_column_or_from_content():
    rows = [{"id": "x", "t": 1}, {"id": "y", "t": 1}]
    assert inline(rows, key="id").keys == ("x", "y")
    assert "Rows 1 and 2" in error("duplicate-key", inline, rows, key="t").message
    error("missing-key", inline, [{"id": None}], key="id")
    assert "'id'" in error("unknown-column", inline, rows, key="ids").help


def test_content_keys_last():
    twins = inline([{"a": "x"}, {"a": "x"}, {"a": "y"}]).keys
    assert twins[1] == f"{twins[0]}-2" and len(set(twins)) == 3
    assert inline([{"a": 1, "b": "x"}]).keys == inline([{"b": "x", "a": 1}]).keys
    assert inline([{"a": 1}, {"a": 2.5}]).keys[0] == inline([{"a": 1}]).keys[0]


def test_columns_are_looked_up_with_the_nearest_name():
    assert "'query'" in error("unknown-column", inline(ROWS).column, "qery").help


def test_categories_of_a_parquet_file_are_texts(tmp_path):
    frame = polars.DataFrame({"c": ["x", "y"], "d": [1, 2]}).with_columns(polars.col("c").cast(polars.Categorical))
    frame.write_parquet(tmp_path / "x.parquet")
    assert column_types(read("x.parquet", root=tmp_path).frame) == {"c": "text", "d": "integer"}


def test_the_hub_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert "probelang[hub]" in error("missing-extra", from_hub, "a/b", "train").help


def test_the_hub_goes_through_datasets(monkeypatch):
    class Loaded(list):
        def select(self, indices):
            return Loaded(self[index] for index in indices)

        def to_polars(self):
            return polars.DataFrame(list(self))

    def load_dataset(name, split, revision):
        if split != "train":
            raise ValueError("no such split")
        return Loaded([{"a": 1}, {"a": 2}])

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    assert from_hub("a/b", "train", limit=1).rows() == [{"a": 1}]
    assert "no such split" in error("dataset-not-loaded", from_hub, "a/b", "test").message


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    name = write(tmp_path, "mine.csv", "a\n1\n")
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root reads everything, so no mode would do
    assert "chmod" in error("file-not-readable", read, name, root=tmp_path).help
