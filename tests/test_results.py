"""Cubes and records become tidy tables, and a run offers them by name."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probelang.runtime.cube import Axis, Cube
from probelang.runtime.record import Record
from probelang.runtime.results import RunView, axis_columns, frame_of, label_text
from tests.helpers_report import run


def test_rows_run_over_the_last_axis_first():
    cube = Cube((Axis("layer", (0, 1)), Axis("stage", ("a", "b"))), np.arange(4.0).reshape(2, 2))
    frame = frame_of(cube, low=cube, high=np.ones((2, 2)), n=7)
    assert frame.columns == ["layer", "stage", "value", "low", "high", "n", "reason"]
    assert frame.rows()[1] == (0, "b", 1.0, 1.0, 1.0, 7, None)
    assert frame.schema["layer"] == pl.Int64 and axis_columns(frame) == ["layer", "stage"]


def test_sets_of_layers_get_columns_for_their_ends_and_size():
    frame = frame_of(Cube((Axis("set", ((3,), (3, 7))),), np.zeros(2)))
    assert frame.select("set", "set[0]", "set[-1]", "size(set)").rows() == [("3", 3, 3, 1), ("3+7", 3, 7, 2)]


def test_coordinates_are_columns_and_may_be_unknown():
    axis = Axis("revision", ("early", "main"), "model", {"tokens": (1000, None)})
    frame = frame_of(Cube((axis,), np.zeros(2)))
    assert frame["revision.tokens"].to_list() == [1000, None]


def test_labels_of_any_kind_are_stable_text():
    labels = (None, "none", (), ("attn", "mlp"), 0.30000000000000004, True)
    frame = frame_of(Cube((Axis("x", labels),), np.zeros(6)))
    assert frame["x"].to_list() == ["none", "none (2)", "empty", "attn+mlp", "0.3", "True"]
    assert label_text(frozenset({"b", "a"})) == "a+b"


def test_a_missing_cell_has_its_reason_and_no_numbers():
    missing = np.array([None, "two tokens"], dtype=object)
    frame = frame_of(Cube((Axis("x", (1, 2)),), np.array([1.0, 0.0]), missing), low=0.0, high=2.0, n=3)
    assert frame.rows() == [(1, 1.0, 0.0, 2.0, 3, None), (2, None, None, None, 3, "two tokens")]


def test_nan_is_never_a_silent_gap():
    frame = frame_of(Cube((Axis("x", (1, 2)),), np.array([np.nan, 1.0])))
    assert frame["value"].to_list() == [None, 1.0] and frame["reason"][0] == "the value is not a number"


@pytest.mark.parametrize(("values", "dtype"), [(np.array([True]), pl.Boolean), (np.array([2]), pl.Int64)])
def test_values_keep_their_type(values, dtype):
    assert frame_of(Cube((Axis("x", (1,)),), values)).schema["value"] == dtype


def test_text_values_and_vectors():
    words = np.empty(2, dtype=object)
    words[:] = ["yes", None]
    missing = np.array([None, "not asked"], dtype=object)
    assert frame_of(Cube((Axis("x", (1, 2)),), words, missing)).rows() == [(1, "yes", None), (2, None, "not asked")]
    assert frame_of(Cube((Axis("x", (1,)),), np.array([[3.0, 4.0]]))).rows() == [(1, 5.0, None)]


def test_a_record_is_one_table_and_its_fields_broadcast():
    axis = Axis("arm", ("a", "b"))
    value = Cube((axis,), np.array([1.0, 2.0]))
    record = Record({"value": value, "p": Cube((axis,), np.array([0.1, 0.2])), "n": Cube((), np.array(9))})
    assert frame_of(record).rows() == [("a", 1.0, 0.1, 9, None), ("b", 2.0, 0.2, 9, None)]


def test_an_axis_named_like_a_field_keeps_its_labels():
    axis = Axis("p", ("antonym", "plural"))
    assert frame_of(Cube((axis,), np.zeros(2))).columns == ["p", "value", "reason"]
    record = Record({"value": Cube((axis,), np.zeros(2)), "p": Cube((axis,), np.ones(2))})
    assert frame_of(record).columns == ["p (axis)", "value", "p", "reason"]


def test_no_axes_and_no_rows():
    assert frame_of(Cube((), np.array(0.5))).rows() == [(0.5, None)]
    assert frame_of(Cube((Axis("x", ()),), np.zeros(0))).height == 0


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_every_cell_is_where_its_labels_say(shape):
    axes = tuple(Axis(f"a{i}", tuple(range(size))) for i, size in enumerate(shape))
    cube = Cube(axes, np.arange(np.prod(shape)).reshape(shape))
    for row in frame_of(cube).to_dicts():
        assert cube.values[tuple(row[a.name] for a in axes)] == row["value"]


def test_a_view_offers_everything_by_name():
    view = RunView(run())
    assert view.tables["grid"].height == 55 and view.items["compliance"].height == 2
    assert view.vectors["seen"].shape == (2, 8) and view.claims["causal"].verdict == "fail"
    assert set(view.plots) == {p.name for p in run().plots} and "1 of 3 claims" in repr(view)
