"""Reducers, curves, arithmetic, correlation, overlap, top."""

import numpy as np
import pytest

from probelang.runtime import registry
from probelang.runtime.cube import Axis, Cube, scalar
from probelang.runtime.errors import ProbeError
from probelang.runtime.replicates import Context, Scheme

RNG = np.random.default_rng(11)
ITEM = Axis("item", tuple(f"key{i}" for i in range(9)), "data")
LAYER = Axis("layer", (0, 1, 2, 4), "model")
NUMBERS = Cube((ITEM, LAYER), RNG.normal(size=(9, 4)))


def call(name, *args, **kwargs):
    return registry.get(name).function(*args, **kwargs)


def curve(*values, missing=None):
    axis = Axis("t", tuple(range(len(values))), coords={"tokens": tuple(10 * i for i in range(len(values)))})
    reasons = None if missing is None else np.array(["lost" if i in missing else None for i in axis.labels], object)
    return Cube((axis,), np.array(values, float), reasons)


def test_over_names_an_axis_and_none_means_items():
    np.testing.assert_allclose(call("mean", NUMBERS, over="layer").values, NUMBERS.values.mean(1))
    assert call("max", NUMBERS).names == ("layer",)
    with pytest.raises(ProbeError, match="no axis head"):
        call("mean", NUMBERS, over="head")


def test_without_items_a_mean_is_the_value_and_a_count_is_over_all_cells():
    cells = call("mean", NUMBERS)
    assert call("mean", cells) is cells
    assert call("count", Cube(cells.axes, cells.values > -9)).values == 4
    assert call("any", Cube(cells.axes, cells.values > 9)).values.dtype == bool
    assert call("all", Cube(cells.axes, cells.values > -9)).values


def test_a_contrast_averages_both_sides_unless_only_items_are_named():
    side = Axis("side", ("positive", "negative"))
    x = Cube((side, ITEM), RNG.normal(size=(2, 9)))
    np.testing.assert_allclose(call("mean", x).values, x.values.mean())
    assert call("mean", x, over="item").names == ("side",)


def test_any_all_count_follow_the_weights():
    x = Cube((ITEM,), np.arange(9) == 4)
    context = Context(1, Scheme("bootstrap", 64))
    weight = context.weights(ITEM)[:, 4]
    np.testing.assert_array_equal(call("count", x, ctx=context).values, weight)
    np.testing.assert_array_equal(call("any", x, ctx=context).values, weight > 0)


def test_median_and_quantiles_with_holes():
    missing = np.full((9, 4), None, dtype=object)
    missing[:4, 0], missing[:, 1] = "lost", "lost"
    x = Cube(NUMBERS.axes, NUMBERS.values, missing)
    got = call("quantile", x, 0.8)
    by_hand = [np.quantile(x.values[4:, 0], 0.8), np.quantile(x.values[:, 2], 0.8)]
    np.testing.assert_allclose(got.values[[0, 2]], by_hand)
    assert got.missing[1] == "lost"
    with pytest.raises(ProbeError, match="share"):
        call("quantile", x, 80)


def test_spread_needs_two():
    one = call("sd", Cube((Axis("item", ("a",), "data"),), np.ones(1)))
    assert one.missing[()] == "too few values" and np.isnan(one.values)


def test_peaks_take_the_first_of_equals_and_skip_holes():
    assert call("argmax", curve(1, 3, 3, 2), over="t").values == 1
    assert call("argmin", curve(1, 3, 0, 2, missing=[2]), over="t").values == 0
    sets = Cube((Axis("set", ((0,), (0, 3))),), np.array([0.1, 0.4]))
    assert call("argmax", sets, over="set").values[()] == (0, 3)


def test_slope_area_crossing():
    assert call("slope", curve(1, 3, 5), over="t").values == pytest.approx(2)
    assert call("slope", curve(1, 3, 5), over="t.tokens").values == pytest.approx(0.2)
    assert call("slope", curve(1, 9, 5, missing=[1]), over="t").values == pytest.approx(2)
    assert call("slope", curve(1, 9, missing=[1]), over="t").missing[()] == "too few values"
    assert call("area", curve(1, 3, 5), over="t").values == pytest.approx(6)
    assert call("crossing", curve(0, 1, 4), 2, over="t").values == pytest.approx(1 + 1 / 3)
    assert call("crossing", curve(3, 1, 4), 2, over="t").values == 0
    assert call("crossing", curve(0, 1), 2, over="t").missing[()] == "it does not reach 2"
    with pytest.raises(ProbeError, match="not numbers"):
        call("slope", NUMBERS, over="item")


def test_slope_agrees_with_scipy_and_keeps_items():
    from scipy.stats import linregress

    got = call("slope", NUMBERS, over="layer")
    assert got.names == ("item",)
    np.testing.assert_allclose(got.values, [linregress(LAYER.labels, v).slope for v in NUMBERS.values])


def test_arithmetic_says_why_a_cell_is_undefined():
    x = Cube((LAYER,), np.array([4.0, 0.0, -1.0, 2.5]))
    assert call("log", x).missing.tolist() == [None, *["logarithm of a number that is not positive"] * 2, None]
    assert call("sqrt", x).present().tolist() == [True, True, False, True]
    assert call("exp", Cube((), np.array(1e4))).missing[()] is not None
    np.testing.assert_array_equal(call("round", x).values, [4, 0, -1, 2])
    np.testing.assert_array_equal(call("sign", x).values, [1, 0, -1, 1])
    assert call("abs", -2).values == 2


def test_size_counts_the_elements_of_a_set():
    labels = np.empty(3, dtype=object)
    labels[:] = [(3,), (3, 7), 5]
    assert call("size", Cube((Axis("set", tuple(labels)),), labels)).values.tolist() == [1, 2, 1]


def test_if_chooses_and_keeps_only_the_reasons_of_what_it_chose():
    holds = Cube((LAYER,), np.array([True, False, True, False]))
    assert call("if", holds, "yes", "no").values.tolist() == ["yes", "no", "yes", "no"]
    holed = Cube((LAYER,), np.arange(4.0), np.array(["a", "b", None, None], object))
    got = call("if", holds, holed, 7)
    assert got.missing.tolist() == ["a", None, None, None] and got.values.tolist()[1:] == [7, 2, 7]
    with pytest.raises(ProbeError, match="both texts"):
        call("if", holds, "yes", 1)


def test_correlations_agree_with_scipy():
    from scipy.stats import pearsonr, spearmanr

    other = Cube((ITEM, LAYER), np.round(NUMBERS.values + RNG.normal(size=(9, 4)), 0))
    for name, theirs in (("pearson", pearsonr), ("spearman", spearmanr)):
        got = call(name, NUMBERS, other)
        by_scipy = [theirs(NUMBERS.values[:, i], other.values[:, i]).statistic for i in range(4)]
        np.testing.assert_allclose(got.values, by_scipy, atol=1e-12)
        context = Context(2, Scheme("bootstrap", 6))
        for r, w in enumerate(context.weights(ITEM).astype(int)):
            rows = np.repeat(np.arange(9), w)
            by_scipy = [theirs(NUMBERS.values[rows, i], other.values[rows, i]).statistic for i in range(4)]
            np.testing.assert_allclose(call(name, NUMBERS, other, ctx=context).values[r], by_scipy, atol=1e-12)


def test_a_constant_has_no_correlation():
    flat = Cube((ITEM, LAYER), np.full((9, 4), 0.1))
    for name in ("pearson", "spearman"):
        assert "constant" in call(name, NUMBERS, flat).missing[0]
    holed = Cube((LAYER,), np.arange(4.0), np.array([None, None, "lost", None], object))
    assert call("spearman", holed, Cube((LAYER,), np.array([1, 2, -9, 3.0])), over="layer").values == pytest.approx(1)


def test_jaccard_of_two_empty_sets_is_one():
    a = Cube((LAYER,), np.array([True, True, False, False]))
    b = Cube((LAYER,), np.array([False, True, True, False]))
    empty = Cube((LAYER,), np.zeros(4, bool))
    assert call("jaccard", a, b, over="layer").values == pytest.approx(1 / 3)
    assert call("jaccard", empty, empty, over="layer").values == 1
    assert call("jaccard", a, empty, over="layer").values == 0


def test_top_of_a_vector_and_of_an_axis():
    x = Cube((LAYER,), np.array([[1.0, -5, 3, 0]] * 4))
    record = call("top", x, 2, by="abs")
    assert record["label"].names == ("layer", "top") and record.axes[1].labels == (1, 2)
    assert record["label"].values[0].tolist() == [1, 2] and record.value.values[0].tolist() == [-5, 3]
    along = call("top", NUMBERS, 1, over="layer")
    np.testing.assert_array_equal(along["label"].values[:, 0], call("argmax", NUMBERS, over="layer").values)
    with pytest.raises(ProbeError, match="axis"):
        call("top", NUMBERS)
    assert along.sel("item", "key3").value.names == ("top",)


def test_plain_numbers_are_values_too():
    assert call("mean", scalar(3)).values == 3
    with pytest.raises(ProbeError, match="needs numbers"):
        call("mean", Cube((ITEM,), np.array(["text"] * 9, dtype=object)))


def test_importing_the_operations_stays_light():
    import subprocess
    import sys

    code = (
        "import sys; import probelang.runtime.operations.sign_flip, probelang.runtime.operations.classifier, "
        "probelang.runtime.operations.t_test; print([m for m in ('torch', 'scipy', 'sklearn') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
