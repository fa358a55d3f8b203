"""Plots: what each mark draws, that no axis is forgotten, and that odd tables still make a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probelang.runtime.cube import Axis, Cube
from probelang.runtime.errors import ProbeError
from probelang.runtime.report.channels import prepare
from probelang.runtime.report.plots import notes, png, spec, svg
from probelang.runtime.results import PlotResult, frame_of
from tests.helpers_report import plots

PLOTS = {plot.name: plot for plot in plots()}


def make(mark: str, shape: dict[str, tuple], **more: Any) -> PlotResult:
    """A plot over axes with these labels; encodings are the keyword arguments that are strings."""
    axes = tuple(Axis(name, labels) for name, labels in shape.items())
    values = more.pop("values", None)
    size = tuple(len(a) for a in axes)
    cube = Cube(axes, np.linspace(0.1, 1, int(np.prod(size))).reshape(size) if values is None else np.array(values))
    encodings = {k: more.pop(k) for k in ("x", "y", "color", "dash", "facet") if k in more}
    return PlotResult("odd", 1, "plot odd = …", mark, frame_of(cube), encodings, **more)


def layers(plot: PlotResult) -> list[dict[str, Any]]:
    found = spec(plot)
    return found.get("spec", found)["layer"]


def drawn(layer: dict[str, Any]) -> str:
    return layer["mark"]["type"]


@pytest.mark.parametrize("name", PLOTS)
def test_each_mark_renders(name):
    picture = svg(spec(PLOTS[name]))
    assert picture.startswith("<svg") and picture.count("<path") > 3


def test_a_picture_for_papers():
    assert png(spec(PLOTS["arms"])).startswith(b"\x89PNG")


def test_lines_have_bands_and_the_null_is_grey_and_behind():
    found = layers(PLOTS["depth"])
    assert [drawn(layer) for layer in found] == ["area", "area", "line", "circle"]
    assert "'band'" in found[0]["transform"][0]["filter"] and found[0]["mark"]["color"] == "#8A8A8A"
    assert notes(PLOTS["depth"]) == ("grey: chance",)


def test_a_row_that_is_not_full_has_no_axis_without_a_panel():
    for panels, resolved in ((3, None), (6, None), (5, {"axis": {"x": "independent"}})):
        plot = make("line", {"layer": (0, 1), "task": tuple(f"t{i}" for i in range(panels))}, x="layer", facet="task")
        assert spec(plot).get("resolve") == resolved


def test_bars_that_have_a_place_alone_stand_in_its_middle():
    frame = pl.DataFrame(
        {
            "arm": ["seen", "seen", "random", "random", "one"],
            "revision": ["early", "main", None, None, None],
            "seed": [None, None, 1, 2, None],
            "value": [1.0, 2.0, 3.0, 4.0, 5.0],
        }
    )
    plot = PlotResult("odd", 1, "plot odd = …", "bar", frame, {"x": "revision", "color": "arm"})
    assert prepare(plot).labels("x") == ["early", "main", "seed 1", "seed 2", "·"]
    one_axis = PlotResult("odd", 1, "plot odd = …", "bar", frame, {"x": "arm"})
    assert prepare(one_axis).labels("x") == ["seen early", "seen main", "random 1", "random 2", "one"]
    assert "xOffset" not in layers(plot)[0]["encoding"]
    crossed = make("bar", {"stage": ("a", "b"), "arm": ("seen", "random")}, x="stage", color="arm")
    assert "xOffset" in layers(crossed)[0]["encoding"]


def test_panels_share_their_scale():
    found = spec(PLOTS["depth"])
    assert found["facet"]["field"] == "pair" and found["columns"] == 2 and "resolve" not in found


def test_heatmaps_diverge_only_where_signs_mix():
    assert layers(PLOTS["place"])[0]["encoding"]["color"]["scale"]["scheme"] == "viridis"
    scale = layers(PLOTS["pairs"])[0]["encoding"]["color"]["scale"]
    assert scale["scheme"] == "redblue" and scale["domain"][0] == -scale["domain"][1]


def test_heatmaps_put_layer_zero_at_the_bottom_and_words_in_reading_order():
    encoding = layers(PLOTS["place"])[0]["encoding"]
    assert encoding["y"]["sort"] == list(range(11, -1, -1))
    assert encoding["x"]["sort"][:5] == ["<bos>", "When", "Mary", "and", "John (4)"]


def test_cells_without_a_value_are_said_and_shown():
    blank = layers(PLOTS["place"])[1]
    assert drawn(blank) == "rect" and "!isValid" in blank["transform"][0]["filter"]
    assert notes(PLOTS["place"]) == ("12 not computed: the token before every text is never patched",)


def test_log_axes_and_step_zero():
    assert layers(PLOTS["formed"])[0]["encoding"]["x"]["scale"]["type"] == "log"
    assert layers(PLOTS["inverted_u"])[0]["encoding"]["x"]["scale"]["type"] == "log"
    zero = make("line", {"step": (0, 100, 1000)}, x="step", options={"log": "x"})
    assert layers(zero)[0]["encoding"]["x"]["scale"] == {"constant": 100, "nice": False, "type": "symlog"}


def test_large_whole_numbers_without_log():
    assert "scale" in layers(make("line", {"step": (0, 100_000)}, x="step"))[0]["encoding"]["x"]


def test_rules_are_labelled_in_every_panel():
    rule = pl.DataFrame({"m": ["base", "tuned"], "value": [0.5, 0.9]})
    data = prepare(make("bar", {"x": ("a", "b"), "panel": ("u", "v")}, x="x", facet="panel", rule=rule))
    rows = data.rows.filter(pl.col("drawn_as") == "rule")
    assert sorted(rows.select("panel", "rule_label").rows()) == [(p, m) for p in "uv" for m in ("base", "tuned")]


def test_a_null_that_names_no_panel_stands_in_each():
    band = pl.DataFrame({"x": [1, 2], "value": [0.0, 0.0], "low": [-1.0, -1.0], "high": [1.0, 1.0]})
    data = prepare(make("line", {"x": (1, 2), "panel": ("u", "v")}, x="x", facet="panel", band=band))
    assert data.rows.filter(pl.col("drawn_as") == "band")["panel"].to_list() == ["u", "u", "v", "v"]


def test_an_axis_that_no_channel_shows_gets_one():
    line = prepare(make("line", {"layer": (0, 1, 2), "model": ("a", "b"), "seed": (1, 2)}, x="layer"))
    assert line.fields == {"x": "layer", "color": "model", "dash": "seed"}
    heat = prepare(make("heatmap", {"x": (0, 1), "y": (0, 1), "k": (1, 2), "p": ("a", "b")}, x="x", y="y"))
    numbers = prepare(make("line", {"x": (1, 2), "panel": (0.5, 1)}, x="x", facet="panel"))
    assert numbers.labels("facet") == ["panel 0.5", "panel 1"]
    assert heat.title("facet") == "k, p" and heat.labels("facet") == ["1 · a", "1 · b", "2 · a", "2 · b"]


def test_a_coordinate_stands_for_its_axis():
    assert set(prepare(PLOTS["formed"]).fields) == {"x", "color"}
    assert set(prepare(PLOTS["pairs"]).fields) == {"x", "y"}


def test_very_many_panels_are_cut_and_said():
    plot = make("heatmap", {"x": (0, 1), "y": (0, 1), "k": tuple(range(60))}, x="x", y="y")
    assert notes(plot) == ("the first 24 of 60 panels",) and len(prepare(plot).labels("facet")) == 24


def test_projected_points_are_spread_over_two_axes():
    data = prepare(PLOTS["view"])
    assert (data.title("x"), data.title("y")) == ("component 1", "component 2") and data.rows.height == 120


@pytest.mark.parametrize(
    ("plot", "code"),
    [(make("line", {"x": (1, 2)}, x="depth"), "unknown-column"), (make("pie", {"x": (1, 2)}, x="x"), "unknown-mark"),
     (make("scatter", {"x": (1, 2)}), "scatter-needs-x-and-y")],
)  # fmt: skip
def test_mistakes(plot, code):
    with pytest.raises(ProbeError) as caught:
        spec(plot)
    assert caught.value.code == code and caught.value.help


@pytest.mark.parametrize(
    "plot",
    [
        make("line", {"x": (1,)}, x="x"),
        make("line", {"x": ()}, x="x"),
        make("line", {"x": (1, 2)}, x="x", values=[np.nan, np.nan]),
        make("line", {"x": (1, 2)}, x="x", values=[np.inf, 1.0]),
        make("line", {"x": (1, 2)}, x="x", values=[True, False]),
        make("line", {"x": tuple(range(60)), "c": tuple(range(20))}, x="x", color="c"),
        make("line", {"x": ("a.b", "c[0]", "d'e\"f\\")}, x="x"),
        make("bar", {"a very long axis.name[0]": ("a" * 60, "<b>&")}, x="a very long axis.name[0]"),
        make("bar", {"x": (1, 2, 3)}, x="x", color="x"),
        make("heatmap", {"x": (1,), "y": ("a",)}, x="x", y="y", values=[[0.0]]),
        make("heatmap", {"x": tuple(range(70)), "y": tuple(range(40))}, x="x", y="y"),
        make("line", {"x": (1, 2), "panel": (0.5, 1.5)}, x="x", facet="panel"),
    ],
    ids=lambda plot: f"{plot.mark}-{'x'.join(map(str, plot.frame.shape))}",
)
def test_odd_tables_still_make_a_picture(plot):
    assert svg(spec(plot)).startswith("<svg")


def test_hostile_labels_stay_text():
    plot = make("bar", {"x": ("<script>alert(1)</script>", "'); alert(1); ('")}, x="x")
    assert "<script>" not in svg(spec(plot))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["line", "bar", "heatmap"]), st.lists(st.integers(1, 3), min_size=2, max_size=5), st.data())
def test_no_two_cells_share_a_place(mark, shape, data):
    names = [f"a{i}" for i in range(len(shape))]
    channels = ["x", "y"] if mark == "heatmap" else ["x"]
    chosen = data.draw(st.permutations(names))
    plot = make(mark, {n: tuple(range(k)) for n, k in zip(names, shape, strict=True)},
                **dict(zip(channels, chosen, strict=False)))  # fmt: skip
    ready = prepare(plot)
    assert not ready.rows.select(list(dict.fromkeys(ready.fields.values()))).is_duplicated().any()
