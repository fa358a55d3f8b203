"""A condition or a label that could not be computed leaves a cell with its reason, never a silent gap."""

from __future__ import annotations

import numpy as np
import pytest

import probelang
from probelang.runtime.cube import Axis, Cube, scalar
from probelang.runtime.record import adjusted
from probelang.runtime.selections import NOT_SELECTED, masked, selected

SPEC = '''probe 1
dataset d = rows("""x,y,z
1,2,-1
2,1,4
3,5,2
5,4,-3
7,9,1
8,2,6
""")
'''
AXIS = "axis k = [0, 1, 2]\n"
LOG = "the condition could not be computed: logarithm of a number that is not positive"


def run(body):
    return probelang.run(SPEC + body, replicates=20)


def cells(view, name, column="k"):
    return dict(view.tables[name].select(column, "reason").rows())


def test_a_condition_that_cannot_be_computed():
    view = run(
        AXIS + "statistic s = log(k) * mean(d.x) for k\n"
        "statistic chosen = s[s > 1]\n"
        "statistic walked = mean(d.x) * k for k where log(k) > 0.2\n"
        "statistic twice = chosen[chosen > 2]\n"
        "claim large = all(chosen > 1)\n"
    )
    for name in ("chosen", "walked", "twice"):
        assert cells(view, name) == {0: LOG, 2: None}, name


def test_items_whose_condition_cannot_be_computed_are_told():
    view = run("statistic s = d.x[log(d.z) > 0.5]\nstatistic m = mean(d.x[log(d.z) > 0.5])\n")
    reasons = view.items["s"]["reason"].to_list()
    assert sorted(reasons, key=str) == [None, None, None, LOG, LOG]
    assert view.tables["m"]["value"][0] == np.mean([2, 3, 8])


def test_conditions_of_cubes():
    axis = Axis("k", (0, 1, 2))
    x = Cube((axis,), np.arange(3.0), np.array([None, "own", None], dtype=object))
    holds = Cube((axis,), np.array([False, False, True]), np.array(["why", "why", None], dtype=object))
    reason = "the condition could not be computed: why"
    assert masked(x, holds).missing.tolist() == [reason, reason, None]
    again = masked(x, Cube((axis,), holds.values, masked(x, holds).missing))
    assert again.missing.tolist() == [reason, reason, None]  # told once, however often it is passed on
    out = Cube((axis,), holds.values, np.array([NOT_SELECTED, None, None], dtype=object))
    assert masked(x, out).missing.tolist() == [NOT_SELECTED, NOT_SELECTED, None]


def test_a_label_that_cannot_be_computed():
    x = Cube((Axis("k", (0, 1)), Axis("j", ("a", "b"))), np.arange(4.0).reshape(2, 2))
    label = Cube((Axis("j", ("a", "b")),), np.array([np.nan, 1.0]), np.array(["too few values", None], dtype=object))
    found = selected(x, "k", label)
    assert found.missing.tolist() == ["too few values", None] and found.values[1] == 3
    gone = selected(x, "k", Cube((), np.array(np.nan), np.array("no peak", dtype=object)))
    assert gone.missing.tolist() == ["no peak"] * 2
    assert selected(x, "k", scalar(1)).missing is None


@pytest.mark.parametrize("other", ["bh", "none"])
def test_a_swept_correction_is_a_family_for_each_label(other):
    view = run(
        f'statistic t = sign_flip(v, adjust=how) for v in [d.x - 2, d.z, d.y - d.x], how in ["holm", "{other}"]\n'
    )
    frame = view.tables["t"]
    assert not view.run.warnings and frame.height == 6
    for how in ("holm", other):
        part = frame.filter(frame["how"] == how)
        np.testing.assert_allclose(part["adjusted"], adjusted(part["p"].to_numpy(), how))
    apart = run(f'statistic t = sign_flip(v, adjust="{other}") for v in [d.x - 2, d.z, d.y - d.x]\n').tables["t"]
    assert apart["adjusted"].to_list() == frame.filter(frame["how"] == other)["adjusted"].to_list()
