"""Columns of the axis of revisions, and plots over them; two values of a dose side by side."""

import numpy as np
import polars as pl
import pytest

import probelang
from probelang.runtime.binding.revisions import step_of, tokens_of
from probelang.runtime.report.channels import prepare
from probelang.runtime.report.plots import chart, spec, svg
from probelang.runtime.results import PlotResult


@pytest.mark.parametrize(
    ("name", "step", "tokens"),
    [
        ("step-300", 300, None), ("step1000", 1000, None), ("stage1-step3000-tokens13B", 3000, 13 * 10**9),
        ("stage2-ingredient1-step1000-tokens5B", 1000, 5 * 10**9), ("main", None, None), ("v1.2", None, None),
        ("step_7-tokens1.5T", 7, 15 * 10**11), ("footstep9", None, None), ("tokens3Bank", None, None),
    ],
)  # fmt: skip
def test_names_of_revisions(name, step, tokens):
    assert (step_of(name), tokens_of(name)) == (step, tokens)


SPEC = """probe 1
model base = zoo("base", revision=["step-50", "step-1000", "main"])
prompts p { text: "The keys near the cabinet" }
statistic bits = entropy(p)
statistic tilt = slope(bits, over=revision.step)
plot course = line(bits, x=revision.step, log="x")
"""


def test_steps_of_the_zoo_are_a_column_to_plot_and_to_fit_along(tmp_path):
    (tmp_path / "spec.probe").write_text(SPEC)
    found = probelang.run(tmp_path / "spec.probe", out=None)
    bits = found.tables["bits"]
    assert bits["revision"].to_list() == ["step-50", "step-1000", "main"]
    assert bits["revision.step"].to_list() == [50, 1000, 1600]  # the zoo knows how long `main` was trained
    slope = np.polyfit([50, 1000, 1600], bits["value"].to_numpy(), 1)[0]
    assert found.tables["tilt"]["value"][0] == pytest.approx(slope)
    drawn = spec(found.run.plots[0])
    assert '"type": "log"' in str(drawn).replace("'", '"')


def frame(values, **columns):
    return pl.DataFrame({**columns, "value": values, "low": [v - 1 for v in values], "high": [v + 1 for v in values]})


def test_rows_without_a_place_are_left_out_and_told():
    data = frame([1.0, 2.0, 3.0], **{"revision": ["a", "b", "main"], "revision.tokens": [10, 100, None]})
    plot = PlotResult("course", 1, "", "line", data, {"x": "revision.tokens"}, {"log": "x"})
    prepared = prepare(plot)
    assert prepared.rows.height == 2 and prepared.notes == ("1 not drawn: no revision.tokens",)
    assert svg(spec(plot)).startswith("<svg")


def test_a_dose_curve_has_its_cost_beside_it():
    scales, arms = [-4, 0, 4, -4, 0, 4], ["seen"] * 3 + ["random"] * 3
    effect = frame([0.1, 0.3, 0.9, 0.3, 0.3, 0.3], d=arms, scale=scales)
    cost = frame([3.0, 2.0, 4.0, 2.0, 2.0, 2.1], d=arms, scale=scales)
    told, channels = ("dose", 1, "plot dose = …", "line"), {"x": "scale", "color": "d"}
    plot = PlotResult(*told, effect, channels, measure="effect",
                      beside=PlotResult(*told, cost, channels, measure="coherence"))  # fmt: skip
    made = chart(plot).to_dict()
    panels = made["hconcat"]
    assert len(panels) == 2 and made["resolve"]["scale"]["color"] == "shared"
    for panel, measure, values in zip(panels, ("effect", "coherence"), (effect, cost), strict=True):
        assert {v["value"] for v in panel["data"]["values"]} == set(values["value"])
        assert measure in str(panel["layer"])
    picture = svg(spec(plot))
    assert "effect" in picture and "coherence" in picture


def test_a_spec_draws_one_value_beside_another(tmp_path):
    (tmp_path / "spec.probe").write_text("""probe 1
dataset d = rows(\"\"\"a,b
1,2
3,5
\"\"\")
statistic effect = mean(d.a) * s for s in [1, 2, 3]
statistic cost   = mean(d.b) - s for s in [1, 2, 3]
plot dose = line(effect, x=s, beside=cost)
""")
    plot = probelang.run(tmp_path / "spec.probe", out=None).run.plots[0]
    assert plot.frame["value"].to_list() == [2, 4, 6] and plot.beside.frame["value"].to_list() == [2.5, 1.5, 0.5]
    assert (plot.measure, plot.beside.measure) == ("effect", "cost")
