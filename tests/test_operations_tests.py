"""Tests, their p values and corrections, nulls, equivalence."""

from itertools import product

import numpy as np
import pytest

from probelang.runtime.cube import Axis, Cube
from probelang.runtime.errors import ProbeError
from probelang.runtime.operations.binomial import binomial, sign_test
from probelang.runtime.operations.bootstrap import bootstrap
from probelang.runtime.operations.chi2_variance import chi2_variance
from probelang.runtime.operations.equivalent import equivalent
from probelang.runtime.operations.label_permutation import label_permutation
from probelang.runtime.operations.lengths import norm
from probelang.runtime.operations.mean import mean
from probelang.runtime.operations.mean_diff import mean_diff
from probelang.runtime.operations.sign_flip import drawn_p, exact_p, sign_flip
from probelang.runtime.operations.t_test import t_test
from probelang.runtime.operations.z_score import z_score
from probelang.runtime.record import Record, adjust, adjust_family, adjusted
from probelang.runtime.replicates import Context

RNG = np.random.default_rng(8)
SIDE = Axis("side", ("positive", "negative"))


def items(values, **coords):
    values = np.asarray(values)
    item = Axis("item", tuple(f"key{i}" for i in range(len(values))), "data", coords)
    rest = tuple(Axis(f"cell{i}", tuple(range(n))) for i, n in enumerate(values.shape[1:]))
    return Cube((item, *rest), values)


def brute(values, alternative):
    means = [np.mean(np.array(s) * values) for s in product([1, -1], repeat=len(values))]
    least = np.mean(values)
    if alternative == "two-sided":
        return np.mean(np.abs(means) >= abs(least) - 1e-12)
    sign = 1 if alternative == "greater" else -1
    return np.mean(sign * np.array(means) >= sign * least - 1e-12)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_exact_sign_flip_is_brute_force(alternative):
    for n in (1, 2, 3, 7, 10):
        for values in (RNG.normal(size=n), RNG.normal(size=n) + 1, RNG.integers(-2, 3, n).astype(float), np.zeros(n)):
            assert exact_p(values, alternative) == pytest.approx(brute(values, alternative), abs=1e-15)


def test_twenty_items_that_agree_have_the_smallest_p_there_is():
    values = RNG.random(20) + 0.1
    record = sign_flip(items(values), exact=True)
    assert record["p"].values == 2 / 2**20
    assert sign_flip(items(values), alternative="greater")["p"].values == 1 / 2**20
    assert sign_flip(items(values), alternative="less")["p"].values == 1
    assert record["n"].values == 20 and record.value.values == pytest.approx(values.mean())


def test_ties_up_to_rounding_count():
    values = np.array([0.1, 0.2, 0.3, -0.1, -0.2, 0.3])
    assert exact_p(values) == brute(values, "two-sided")
    assert 0.1 + 0.2 - 0.3 != 0 and exact_p(np.array([0.1, 0.2, -0.3])) == 1  # zero up to rounding


def test_drawn_p_is_near_the_exact_one():
    values = RNG.normal(size=(14, 3)) + 0.4
    for alternative in ("two-sided", "greater", "less"):
        got = drawn_p(values, np.full(3, 14), alternative, np.random.default_rng(0))
        np.testing.assert_allclose(got, [exact_p(v, alternative) for v in values.T], atol=0.006)
    many = items(RNG.normal(size=(30, 2)))
    first, again, other = (sign_flip(many, ctx=Context(seed))["p"].values for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all() and np.abs(first - other).max() < 0.01
    with pytest.raises(ProbeError, match="2\\^41"):
        sign_flip(items(np.ones(41)), exact=True)


def test_sign_flip_by_cluster_averages_within_it_first():
    values = RNG.normal(size=(12, 2))
    by_question = sign_flip(items(values, question=tuple(np.arange(12) // 3)), cluster="question")
    np.testing.assert_allclose(by_question["p"].values, [exact_p(v) for v in values.reshape(4, 3, 2).mean(1).T])
    assert (by_question["n"].values == 4).all()


def test_sign_flip_leaves_missing_items_out():
    x = items(RNG.normal(size=(8, 2)))
    missing = np.full((8, 2), None, dtype=object)
    missing[:3, 0], missing[:, 1] = "incoherent", "incoherent"
    record = sign_flip(Cube(x.axes, x.values, missing))
    assert record["n"].values.tolist() == [5, 0]
    assert record["p"].values[0] == exact_p(x.values[3:, 0]) == record["adjusted"].values[0]
    assert record["p"].missing[1] == "incoherent"


def test_the_sides_of_a_contrast_belong_to_their_item():
    x = Cube((SIDE, Axis("item", tuple(range(7)), "data")), RNG.normal(size=(2, 7)))
    assert sign_flip(x)["p"].values == exact_p(x.values.mean(0))


def test_tests_need_items():
    with pytest.raises(ProbeError, match="values per item"):
        sign_flip(Cube((), np.array(1.0)))


@pytest.mark.parametrize("test", [sign_flip, t_test])
def test_p_is_uniform_when_nothing_is_there(test):
    from scipy.stats import kstest

    p = test(items(np.random.default_rng(1).normal(size=(12, 300))))["p"].values
    assert kstest(p, "uniform").pvalue > 0.01


def test_label_permutation_is_uniform_when_nothing_is_there_and_small_when_something_is():
    from scipy.stats import kstest

    rng = np.random.default_rng(7)
    axes = (SIDE, Axis("item", tuple(range(16)), "data"), Axis("pair", tuple(range(120))))
    noise = Cube(axes, rng.normal(size=(2, 16, 120, 8)))

    def separation(x):
        return lambda ctx: norm(mean_diff(x, ctx=ctx))

    record = label_permutation(separation(noise), n=199, seed=3)
    assert kstest(record["p"].values, "uniform").pvalue > 0.01
    low, middle, high = (record[name].values for name in ("low", "null_mean", "high"))
    assert ((low < middle) & (middle < high)).all()
    shifted = Cube(axes, noise.values + np.array([1.5, 0])[:, None, None, None])
    strong = label_permutation(separation(shifted), n=199)
    assert (strong["p"].values == 1 / 200).mean() > 0.95 and (strong["adjusted"].values >= 120 / 200 - 1e-9).all()


def test_label_permutation_agrees_with_the_sign_flip_test():
    x = Cube((SIDE, Axis("item", tuple(range(10)), "data")), RNG.normal(size=(2, 10, 1)))
    pair = (x.values[0] - x.values[1])[:, 0]
    record = label_permutation(lambda ctx: norm(mean_diff(x, ctx=ctx)), n=4000)
    assert abs(record["p"].values - exact_p(pair)) < 0.03


def test_label_permutation_refuses_what_has_no_sides():
    x = items(RNG.normal(size=6))
    with pytest.raises(ProbeError, match="sides") as caught:
        label_permutation(lambda ctx: mean(x, ctx=ctx), n=9)
    assert caught.value.code == "nothing-to-permute"


def test_the_published_t_values_against_fifty():
    for k, t, p in ((60, -1.003e3, 3.487e-200), (88, -1.504e3, None)):
        record = t_test(items(np.arange(100) < k), popmean=50)
        assert record["stat"].values == pytest.approx(t, rel=5e-4)
        if p:
            assert record["p"].values == pytest.approx(p, rel=5e-4)
    none = t_test(items(np.zeros(100, bool)), popmean=50)
    assert none["stat"].values == -np.inf and none["p"].values == 0


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_t_tests_agree_with_scipy(alternative):
    from scipy.stats import ttest_1samp, ttest_ind

    x, y = items(RNG.normal(size=(9, 4)) + 0.5), items(RNG.normal(size=(14, 4)) * 2)
    record = t_test(x, popmean=0.2, alternative=alternative)
    theirs = ttest_1samp(x.values, 0.2, alternative=alternative)
    np.testing.assert_allclose(record["stat"].values, theirs.statistic)
    np.testing.assert_allclose(record["p"].values, theirs.pvalue)
    welch = t_test(x, against=y, alternative=alternative)
    theirs = ttest_ind(x.values, y.values, equal_var=False, alternative=alternative)
    np.testing.assert_allclose(welch["stat"].values, theirs.statistic)
    np.testing.assert_allclose(welch["p"].values, theirs.pvalue)
    np.testing.assert_allclose(welch["df"].values, theirs.df)
    if alternative == "two-sided":
        interval = theirs.confidence_interval()
        np.testing.assert_allclose(welch["low"].values, interval.low)
        np.testing.assert_allclose(record["high"].values, ttest_1samp(x.values, 0).confidence_interval().high)


def test_t_test_without_spread_or_items():
    assert t_test(items(np.zeros(5)))["stat"].missing[()] == "every value equals popmean"
    assert t_test(items(np.ones(1)))["p"].missing[()] == "fewer than two items"


def test_binomial_and_sign_test_agree_with_scipy():
    from scipy.stats import binomtest

    held = RNG.random((15, 3)) < 0.7
    record = binomial(items(held), p=0.4, alternative="greater")
    np.testing.assert_allclose(record["p"].values, [binomtest(int(k), 15, 0.4, "greater").pvalue for k in held.sum(0)])
    np.testing.assert_allclose(record.value.values, held.mean(0))
    signs = sign_test(items(np.array([1.0, 2, 0, -1, 3])))
    assert signs["n"].values == 4 and signs["p"].values == pytest.approx(binomtest(3, 4).pvalue)
    assert sign_test(items(np.zeros(3)))["p"].missing[()] == "every difference is zero"
    nested = Cube((*items(held).axes[:1], Axis("sample", (0, 1, 2), "data")), held)
    with pytest.raises(ProbeError, match="one boolean per item"):
        binomial(nested)


def test_holm_by_hand_and_others_by_scipy():
    from scipy.stats import false_discovery_control

    p = np.array([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(adjusted(p, "holm"), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(adjusted(p, "bonferroni"), [0.04, 0.16, 0.12, 0.02])
    many = RNG.random(50) ** 3
    np.testing.assert_allclose(adjusted(many, "bh"), false_discovery_control(many))
    np.testing.assert_array_equal(adjusted(many, "none"), many)
    with pytest.raises(ProbeError, match="there is no correction"):
        adjusted(p, "sidak")


def test_a_family_is_all_cells_that_have_a_p():
    axis = Axis("layer", (0, 1, 2))
    p = Cube((axis,), np.array([0.01, np.nan, 0.04]), np.array([None, "no persona", None], object))
    np.testing.assert_allclose(adjust(p).values[[0, 2]], [0.02, 0.04])
    first, second = adjust_family([p, Cube((), np.array(0.02))])
    np.testing.assert_allclose((first.values[0], second.values), (0.03, 0.04))


def test_records_are_selected_from_as_a_whole():
    record = sign_flip(items(RNG.normal(size=(6, 3))))
    one = record.sel("cell0", 1)
    assert isinstance(one, Record) and one["adjusted"].values == record["adjusted"].values[1]
    with pytest.raises(ProbeError, match="no .z here"):
        record["z"]


def test_z_score_of_a_published_effect():
    seed = Axis("seed", (0, 1, 2))
    null = Cube((seed,), np.array([0.002, 0.0, -0.002]))
    record = z_score(Cube((), np.array(-0.182)), null)
    assert record["z"].values == pytest.approx(-0.182 / np.std([0.002, 0, -0.002]))
    assert record["p"].values == 1 / 4 and record["n"].values == 3
    half = 4.302653 * 0.002 * np.sqrt(4 / 3)
    np.testing.assert_allclose((record["low"].values, record["high"].values), (-half, half), rtol=1e-6)
    by_sample = z_score(Cube((), np.array(-0.182)), null, ddof=1)
    assert by_sample["z"].values == pytest.approx(-91)


def test_z_score_over_cells_and_without_a_null_to_speak_of():
    layer, seed = Axis("layer", (0, 1)), Axis("seed", (0, 1))
    null = Cube((layer, seed), np.array([[1.0, 1.0], [0.0, 2.0]]))
    record = z_score(Cube((layer,), np.array([3.0, 3.0])), null)
    assert record["z"].missing.tolist() == ["all values of the null are equal", None]
    assert record["p"].present().all() and record["z"].values[1] == 2
    assert z_score(3.0, null.isel("seed", np.array([0])))["p"].missing[0] == "fewer than two values of the null"
    with pytest.raises(ProbeError, match="no axis seed"):
        z_score(3.0, Cube((layer,), np.ones(2)))


def test_equivalence_is_shown_only_inside_the_margin():
    rng = np.random.default_rng(0)
    x = items(np.stack([rng.normal(size=60), rng.normal(size=60) * 9, rng.normal(size=60) + 2], 1))
    record = equivalent(x, 0.6)
    assert record.value.values.tolist() == [True, False, False]
    inside = (record["low"].values > -0.6) & (record["high"].values < 0.6)
    np.testing.assert_array_equal(inside, record["p"].values < 0.05)
    with pytest.raises(ProbeError, match="above zero"):
        equivalent(x, 0)


def test_chi2_variance_by_hand():
    from scipy.stats import chi2

    values = RNG.normal(size=(20, 2))
    record = chi2_variance(items(values), variance=1.5)
    stat = 19 * values.var(0, ddof=1) / 1.5
    np.testing.assert_allclose(record["stat"].values, stat)
    np.testing.assert_allclose(record["p"].values, 2 * np.minimum(chi2.cdf(stat, 19), chi2.sf(stat, 19)))
    rates = np.stack([RNG.binomial(40, 0.3, 20) / 40, np.zeros(20)], 1)
    by_trials = chi2_variance(items(rates), trials=items(np.full((20, 2), 40.0)))
    r = rates[:, 0].mean()
    assert by_trials["stat"].values[0] == pytest.approx(19 * rates[:, 0].var(ddof=1) / (r * (1 - r) / 40))
    assert by_trials["p"].missing[1] == "the expected variance is zero"
    with pytest.raises(ProbeError, match="one of them"):
        chi2_variance(items(rates))


def test_bootstrap_of_a_mean_and_of_what_has_no_items():
    x = items(RNG.normal(size=(25, 2)))
    record = bootstrap(lambda ctx: mean(x, ctx=ctx), n=3000)
    np.testing.assert_allclose(record["sd"].values, x.values.std(0) / 5, rtol=0.06)
    with pytest.raises(ProbeError, match="averaged over items"):
        bootstrap(lambda ctx: x, n=10)
