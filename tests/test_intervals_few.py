"""Few items: one has no interval, and a few have one that is too narrow, which is said."""

from __future__ import annotations

import numpy as np
import pytest

import probelang
from probelang.runtime.cube import Axis, Cube
from probelang.runtime.intervals import FEW_ITEMS, ONE_ITEM, STILL, interval, mean_interval, summarise_items
from probelang.runtime.operations.mean import mean
from probelang.runtime.reduction import reduce_each

SPEC = """probe 1
param n = 1
dataset d = file("d.csv", limit=n)
statistic raw = d.x
statistic average = mean(d.x)
statistic spread = max(d.x)
statistic right = d.x > 1
statistic sure = sign_flip(d.x)
statistic drawn = bootstrap(average)
statistic swept = bootstrap(mean(d.x) * k, n=50) for k in [1, 2]
statistic exact = t_test(d.x, popmean=2)
"""


@pytest.fixture
def spec(tmp_path):
    rows = "\n".join(str(v) for v in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8))
    (tmp_path / "d.csv").write_text(f"x\n{rows}\n")
    (tmp_path / "s.probe").write_text(SPEC)
    return tmp_path / "s.probe"


def ends(run, name):
    frame = run.tables[name]
    return [frame[c][0] if c in frame.columns else None for c in ("low", "high")]


def notes(run, name):
    return next(r.notes for r in run.run.results if r.name == name)


def test_one_item_has_no_interval_and_the_table_says_why(spec):
    run = probelang.run(spec, replicates=50)
    for name in ("raw", "average", "spread", "sure", "drawn"):
        assert ends(run, name) == [None, None] and run.tables[name]["value"][0] == 3, name
    for name in ("raw", "average", "spread"):
        assert notes(run, name) == ("no interval: one item, drawn again, is the same item",)
    assert ends(run, "right")[0] == pytest.approx(0.2065, abs=1e-4)  # Wilson knows what one item is worth


def test_few_items_are_said_to_be_few(spec):
    run = probelang.run(spec, {"n": 3}, replicates=50)
    for name in ("sure", "drawn", "swept"):
        assert notes(run, name) == ("an interval from so few items (3) is too narrow",), name
    assert not notes(run, "exact")
    assert notes(run, "raw") == notes(run, "average") == ("an interval from so few items (3) is too narrow",)
    assert not notes(run, "right") and None not in ends(run, "average")
    enough = probelang.run(spec, {"n": 12}, replicates=50)
    assert not any(notes(enough, name) for name in ("average", "sure", "drawn", "swept"))


def test_a_cell_of_one_item_among_others():
    item, layer = Axis("item", ("a", "b", "c"), "data"), Axis("layer", (0, 1, 2), "model")
    missing = np.array([[None, None, "-"], [None, "-", "-"], [None, "-", "-"]], dtype=object)
    x = Cube((item, layer), np.arange(9.0).reshape(3, 3), missing)
    for reducer in (mean, lambda c, ctx=None: reduce_each(c, ("item",), ctx, median, "median")):
        low, high, sd = interval(lambda ctx, f=reducer: f(x, ctx=ctx), reducer(x), n=200)
        assert list(low.missing) == list(high.missing) == [None, ONE_ITEM, "-"] and sd.values[0] > 0
    of = summarise_items(x, n=200)
    assert list(of.low.missing) == [None, ONE_ITEM, "-"] and list(of.mean.missing) == [None, None, "-"]


def test_the_other_cells_of_an_axis_that_is_reduced_later_carry_the_interval():
    item, token = Axis("item", tuple(range(6)), "data"), Axis("token", (0, 1), "computed")
    missing = np.full((6, 2), None, dtype=object)
    missing[1:, 1] = "-"
    x = Cube((item, token), np.arange(12.0).reshape(6, 2), missing)
    whole = lambda ctx: mean(mean(x, ctx=ctx), over="token", ctx=ctx)  # noqa: E731
    low, _, _ = interval(whole, whole(None), n=100)
    assert low.missing is None and low.values < whole(None).values


def test_two_datasets_are_as_good_as_the_smaller():
    one = Cube((Axis("a", (0,), "data"),), np.array([1.0]))
    many = Cube((Axis("b", tuple(range(9)), "data"),), np.arange(9.0))

    def both(ctx):
        parts = [mean(x, ctx=ctx) for x in (one, many)]
        lead = max(parts, key=lambda p: p.values.ndim)
        return Cube(lead.axes, parts[0].values - parts[1].values)

    low, _, _ = interval(both, both(None), n=50)
    assert low.missing[()] == ONE_ITEM


def test_how_narrow_a_few_items_make_it():
    def covered(n):
        draws = np.random.default_rng(n).normal(size=(n, 800))
        low, high = mean_interval(draws, np.ones(draws.shape, bool), tuple(range(n)), n=400)
        return ((low < 0) & (high > 0)).mean()

    assert covered(3) < 0.8 and covered(5) < 0.87 and covered(FEW_ITEMS) > 0.86 and covered(30) > 0.91


def median(values, present, weights):
    kept = np.where(present if weights is None else present * weights[:, None] > 0, values, np.nan)
    there = ~np.isnan(kept).all(0)
    return np.nanmedian(np.where(there, kept, 0.0), 0), there


def test_an_interval_without_width_is_said_to_say_nothing():
    spec = 'probe 1\ndataset d = rows("""' + "x,y\n" + "\n".join(f"0.1,{i}" for i in range(12)) + '\n""")\n'
    spec += "statistic same = d.x\nstatistic inside = mean(d.x)\nstatistic drawn = bootstrap(inside)\n"
    spec += "statistic flips = sign_flip(d.x)\nstatistic part = mean(x) for x in [d.x, d.y]\nstatistic y = d.y\n"
    run = probelang.run(spec, replicates=50)
    for name in ("same", "inside", "drawn", "flips"):
        assert notes(run, name) == (STILL,), name
    assert notes(run, "part") == (f"in some cells {STILL}",) and not notes(run, "y")
