"""Effects from rewrites: estimates by hand, and what each estimator gets wrong, in closed form."""

import numpy as np
import pytest

import probelang
from probelang.runtime.cube import Axis, Cube
from probelang.runtime.errors import ProbeError
from probelang.runtime.operations.rate import rate
from probelang.runtime.replicates import Context, Scheme

ESTIMANDS = ("ATT", "ATU", "ATE")


def items(values, missing=None) -> Cube:
    axis = Axis("item", tuple(range(len(values))), "data")
    reasons = (
        None if missing is None else np.array([("gone" if i in missing else None) for i in range(len(values))], object)
    )
    return Cube((axis,), np.asarray(values), reasons)


W = np.array([True, True, True, False, False])
Y, Y1, Y2 = (np.array(v, float) for v in ([5, 6, 7, 1, 2], [2, 2, 5, 4, 3], [4, 5, 6, 2, 0]))


def estimate(estimand, estimator="rate", missing=None) -> float:
    found = rate(items(Y), once=items(Y1, missing), twice=items(Y2), treated=items(W), estimand=estimand,
                 estimator=estimator)  # fmt: skip
    return float(found.values)


def test_estimates_by_hand():
    assert estimate("ATT") == pytest.approx(np.mean([2, 3, 1]))
    assert estimate("ATU") == pytest.approx(np.mean([2, 3]))
    assert estimate("ATE") == pytest.approx(np.mean([2, 3, 1, 2, 3]))
    assert estimate("ATT", "single") == pytest.approx(np.mean([3, 4, 2]))
    assert estimate("ATU", "single") == pytest.approx(np.mean([3, 1]))
    for estimand in ESTIMANDS:
        assert estimate(estimand, "naive") == pytest.approx(6 - 1.5)
    # a rewrite that failed takes its text out of both sides of the comparison, and out of no other estimate
    assert estimate("ATT", missing={1}) == pytest.approx(np.mean([2, 1]))
    assert estimate("ATT", "naive", missing={1}) == pytest.approx(4.5)


def test_groups_without_a_text_have_no_effect():
    every = items(np.ones(5, bool))
    given = dict(once=items(Y1), twice=items(Y2), treated=every)
    assert rate(items(Y), **given, estimand="ATU").missing[()] is not None
    assert rate(items(Y), **given, estimand="ATT", estimator="naive").missing[()] is not None
    with pytest.raises(ProbeError, match="no set"):
        rate(Cube((), np.array(1.0)), once=Cube((), np.array(1.0)), twice=Cube((), np.array(1.0)),
             treated=Cube((), np.array(True)), estimand="ATT")  # fmt: skip


def test_items_are_drawn_for_all_scores_together():
    found = rate(items(Y), once=items(Y1), twice=items(Y2), treated=items(W), estimand="ATE",
                 ctx=Context(0, Scheme("bootstrap", 50)))  # fmt: skip
    assert found.names == ("replicate",) and np.nanstd(found.values) > 0


def simulated(n: int, second) -> dict[str, float]:
    """A score 2 w - z whose nuisance z goes with w; `second(z)` is what a rewrite makes of z."""
    rng = np.random.default_rng(0)
    w = rng.random(n) < 0.5
    z = rng.normal(np.where(w, 1.5, 0.0), 1.0)
    score = lambda w, z: 2.0 * w - z  # noqa: E731
    first = second(z)
    given = dict(once=items(score(~w, first)), twice=items(score(w, second(first))), treated=items(w))
    made = {e: float(rate(items(score(w, z)), **given, estimand=e).values) for e in ESTIMANDS}
    made["naive"] = float(rate(items(score(w, z)), **given, estimand="ATE", estimator="naive").values)
    made["single"] = float(rate(items(score(w, z)), **given, estimand="ATT", estimator="single").values)
    return made


def test_rewrites_that_clean_up_once_and_for_all_are_corrected():
    found = simulated(20_000, lambda z: np.zeros_like(z))
    assert [found[e] for e in ESTIMANDS] == pytest.approx([2, 2, 2])  # exact
    assert found["naive"] == pytest.approx(0.5, abs=0.1)  # 2 - 1.5
    assert found["single"] == pytest.approx(0.5, abs=0.1)  # the first rewrite takes z away with w


def test_rewrites_that_drift_are_corrected_on_average_only():
    found = simulated(20_000, lambda z: z + 0.5)
    assert (found["ATT"], found["ATU"]) == pytest.approx((1.5, 2.5))
    assert found["ATE"] == pytest.approx(2, abs=0.02)  # the groups are of one size


SPEC = '''probe 1
dataset texts = rows("""i,y,y1,y2,w
a,5,2,4,true
b,6,2,5,true
c,7,5,6,true
d,1,4,2,false
e,2,3,0,false
""", key=i)
statistic effect = rate(texts.y, once=texts.y1, twice=texts.y2, treated=texts.w, estimand=e, estimator=m)
  for e in ["ATT", "ATU", "ATE"], m in ["rate", "single", "naive"]
claim raised = effect[e="ATE", m="rate"] > 1
'''


def test_a_spec_sweeps_estimands_and_estimators(tmp_path):
    (tmp_path / "spec.probe").write_text(SPEC)
    found = probelang.run(tmp_path / "spec.probe", out=None)
    table = found.tables["effect"]
    for row in table.iter_rows(named=True):
        assert row["value"] == pytest.approx(estimate(row["e"], row["m"])), row
        assert row["low"] <= row["value"] <= row["high"]
    assert table.height == 9 and found.claims["raised"].verdict == "pass"
