"""Weights, swaps, chunks and intervals."""

import numpy as np
import pytest

from probelang.runtime.cube import Axis, Cube
from probelang.runtime.errors import ProbeError
from probelang.runtime.intervals import interval, mean_interval, summarise_items, wilson
from probelang.runtime.operations.angles import cosine
from probelang.runtime.operations.curves import slope
from probelang.runtime.operations.extremes import max_
from probelang.runtime.operations.lengths import norm
from probelang.runtime.operations.mean import mean, sum_
from probelang.runtime.operations.mean_diff import mean_diff
from probelang.runtime.operations.peak import argmax
from probelang.runtime.operations.quantiles import median, quantile
from probelang.runtime.operations.spread import sd, sem
from probelang.runtime.replicates import Context, Scheme, chunks, replay

N = 11
ITEM = Axis("item", tuple(f"key{i}" for i in range(N)), "data", {"question": tuple(i // 2 for i in range(N))})
LAYER = Axis("layer", (0, 2, 5))
SIDE = Axis("side", ("positive", "negative"))
RNG = np.random.default_rng(5)
NUMBERS = Cube((ITEM, LAYER), RNG.normal(size=(N, 3)))
VECTORS = Cube((SIDE, ITEM, LAYER), RNG.normal(size=(2, N, 3, 6)).astype(np.float32))
BOOT = Context(3, Scheme("bootstrap", 70))


def resampled(context=BOOT):
    """The rows of each replicate, as an analyst would write them down."""
    return [np.repeat(np.arange(N), w.astype(int)) for w in context.weights(ITEM)]


def _line(values):
    return np.polyfit(LAYER.labels, values.mean(0), 1)[0]


EXPRESSIONS = {
    "mean": (lambda x, c: mean(x, ctx=c), lambda v: v.mean(0)),
    "sum": (lambda x, c: sum_(x, ctx=c), lambda v: v.sum(0)),
    "sd": (lambda x, c: sd(x, ctx=c), lambda v: v.std(0, ddof=1)),
    "sem": (lambda x, c: sem(x, ctx=c), lambda v: v.std(0, ddof=1) / np.sqrt(len(v))),
    "median": (lambda x, c: median(x, ctx=c), lambda v: np.median(v, 0)),
    "quantile": (lambda x, c: quantile(x, 0.3, ctx=c), lambda v: np.quantile(v, 0.3, axis=0)),
    "max": (lambda x, c: max_(x, ctx=c), lambda v: v.max(0)),
    "argmax": (lambda x, c: argmax(mean(x, ctx=c), over="layer"), lambda v: np.array(LAYER.labels)[v.mean(0).argmax()]),
    "slope": (lambda x, c: slope(mean(x, ctx=c), over="layer"), _line),
    "slope-first": (lambda x, c: mean(slope(x, over="layer"), ctx=c), _line),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_replicate_is_the_expression_on_resampled_items(name):
    language, by_hand = EXPRESSIONS[name]
    replicated = language(NUMBERS, BOOT)
    assert replicated.names[0] == "replicate"
    for got, rows in zip(replicated.values, resampled()):
        np.testing.assert_allclose(got, by_hand(NUMBERS.values[rows]), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(language(NUMBERS, Context()).values, by_hand(NUMBERS.values), rtol=1e-12, atol=1e-12)


def test_vectors_replicate_as_by_hand():
    got = norm(mean_diff(VECTORS, ctx=BOOT))
    turned = cosine(mean_diff(VECTORS, ctx=BOOT), mean(VECTORS, ctx=BOOT))
    values = VECTORS.values.astype(float)
    for r, rows in enumerate(resampled()):
        apart = values[0][rows].mean(0) - values[1][rows].mean(0)
        middle = values[:, rows].mean((0, 1))
        np.testing.assert_allclose(got.values[r], np.linalg.norm(apart, axis=-1), rtol=1e-10)
        by_hand = (apart * middle).sum(-1) / np.linalg.norm(apart, axis=-1) / np.linalg.norm(middle, axis=-1)
        np.testing.assert_allclose(turned.values[r], by_hand, rtol=1e-9)


def test_values_that_are_replicated_combine_with_weights_replicate_by_replicate():
    centred = Cube((ITEM, *mean(NUMBERS, ctx=BOOT).axes), NUMBERS.values[:, None, :] - mean(NUMBERS, ctx=BOOT).values)
    np.testing.assert_allclose(mean(centred, ctx=BOOT).values, 0, atol=1e-14)
    worst = max_(centred, ctx=BOOT)
    for r, rows in enumerate(resampled()):
        np.testing.assert_allclose(worst.values[r], centred.values[rows, r].max(0))


def test_missing_cells_weigh_nothing_and_keep_their_reason():
    missing = np.full((N, 3), None, dtype=object)
    missing[2:, 1], missing[:, 2] = "refused", "no persona"
    holed = Cube(NUMBERS.axes, np.where(np.equal(missing, None), NUMBERS.values, np.nan), missing)
    point = mean(holed)
    np.testing.assert_allclose(point.values[:2], [NUMBERS.values[:, 0].mean(), NUMBERS.values[:2, 1].mean()])
    assert point.missing.tolist() == [None, None, "no persona"]
    replicated = mean(holed, ctx=BOOT)
    for r, rows in enumerate(resampled()):
        kept = NUMBERS.values[rows[rows < 2], 1]
        assert (replicated.missing[r, 1] is None) == (len(kept) > 0)
        if len(kept):
            np.testing.assert_allclose(replicated.values[r, 1], kept.mean())


def test_samples_count_within_their_item():
    sample = Axis("sample", (0, 1, 2), "data")
    missing = np.full((N, 3), None, dtype=object)
    missing[0, 1:] = "cut off"
    x = Cube((ITEM, sample), RNG.normal(size=(N, 3)), missing)
    rows = np.array([x.values[0, 0], *x.values[1:].mean(1)])
    np.testing.assert_allclose(mean(x).values, rows.mean())
    np.testing.assert_allclose(sd(x).values, rows.std(ddof=1))
    np.testing.assert_allclose(mean(x, ctx=BOOT).values, [rows[r].mean() for r in resampled()])
    assert mean(x, over="sample", ctx=BOOT).names == ("item",)


def test_a_chunk_of_replicates_is_part_of_all_of_them():
    whole = BOOT.weights(ITEM)
    part = Context(3, Scheme("bootstrap", 70, start=60, stop=68)).weights(ITEM)
    np.testing.assert_array_equal(whole[60:68], part)
    assert (whole.sum(1) == N).all()
    assert not np.array_equal(whole, Context(4, Scheme("bootstrap", 70)).weights(ITEM))


def test_division_into_chunks_changes_no_number(monkeypatch):
    def far(ctx):
        return norm(mean_diff(VECTORS, ctx=ctx))

    whole = replay(far, BOOT.replicates, 3)
    monkeypatch.setattr("probelang.runtime.replicates._BUDGET", 5 * 3 * 6)
    assert len(list(chunks(far, BOOT.replicates, 3))) == 35
    np.testing.assert_allclose(replay(far, BOOT.replicates, 3).values, whole.values, rtol=1e-13)


def test_clusters_are_drawn_together_and_folds_and_jackknife_leave_out():
    weights = Context(0, Scheme("bootstrap", 40, cluster="question")).weights(ITEM)
    assert (weights[:, 0::2][:, :5] == weights[:, 1::2]).all()
    assert (Context(0, Scheme("jackknife")).weights(ITEM) == 1 - np.eye(N)).all()
    folds = Context(0, Scheme("folds", 3)).weights(ITEM)
    assert ((folds == 0).sum(0) == 1).all() and set((folds == 0).sum(1)) <= {3, 4}
    with pytest.raises(ProbeError, match="no column topic"):
        Context(0, Scheme("bootstrap", 4, cluster="topic")).weights(ITEM)


def test_a_permutation_swaps_the_sides_of_items():
    swaps = Context(3, Scheme("permutation", 20))
    signs = swaps.flips(ITEM)
    pair = (VECTORS.values[0] - VECTORS.values[1]).astype(float)
    by_hand = np.einsum("rn,nld->rld", signs, pair) / N
    np.testing.assert_allclose(mean_diff(VECTORS, ctx=swaps).values, by_hand, atol=1e-7)
    assert "replicate" not in mean(VECTORS, ctx=swaps).names  # both sides together do not change
    peak = max_(norm(VECTORS), over="item", ctx=swaps)
    lengths = np.linalg.norm(VECTORS.values.astype(float), axis=-1)
    swapped = np.where(signs[0][None, :, None] < 0, lengths[::-1], lengths)
    np.testing.assert_allclose(peak.transpose(["replicate", "side", "layer"]).values[0], swapped.max(1))


def test_interval_of_a_mean_and_of_a_norm():
    point = mean(NUMBERS)
    low, high, error = interval(lambda c: mean(NUMBERS, ctx=c), point, n=2000, seed=1)
    assert (low.values < point.values).all() and (point.values < high.values).all()
    np.testing.assert_allclose(error.values, NUMBERS.values.std(0) / np.sqrt(N), rtol=0.06)
    direction = mean_diff(VECTORS)
    low, high, error = interval(lambda c: mean_diff(VECTORS, ctx=c), direction, n=400, seed=1)
    assert error.values.shape == direction.values.shape and (low.values < high.values).all()
    pair = (VECTORS.values[0] - VECTORS.values[1]).astype(float)
    np.testing.assert_allclose(error.values, pair.std(0) / np.sqrt(N), rtol=0.25)


def test_interval_of_labels_and_of_nothing():
    where = argmax(mean(NUMBERS), over="layer")
    low, high, _ = interval(lambda c: argmax(mean(NUMBERS, ctx=c), over="layer"), where, n=200)
    assert {float(low.values), float(high.values)} <= {0.0, 2.0, 5.0}
    low, _, _ = interval(lambda c: NUMBERS, NUMBERS, n=10)
    assert set(low.missing.ravel()) == {"nothing here was averaged over items"}


def test_bootstrap_intervals_cover():
    draws = np.random.default_rng(0).exponential(size=(40, 400))
    low, high = mean_interval(draws, np.ones(draws.shape, bool), tuple(range(40)), n=800)
    covered = ((low < 1) & (1 < high)).mean()
    assert 0.88 < covered < 0.97  # 0.92 is what the percentile interval reaches at 40 skewed values


KNOWN = [(0, 10, 0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1), (81, 263, 0.2553, 0.3662)]


@pytest.mark.parametrize(("k", "n", "low", "high"), KNOWN)
def test_wilson_known_values(k, n, low, high):
    np.testing.assert_allclose(wilson(k, n), (low, high), atol=5e-5)  # the last is Newcombe 1998, table I


def test_wilson_agrees_with_scipy():
    from scipy.stats import binomtest

    for k in range(13):
        ours, theirs = wilson(k, 12, 0.9), binomtest(k, 12).proportion_ci(0.9, "wilson")
        np.testing.assert_allclose(ours, (theirs.low, theirs.high), atol=1e-12)
    assert np.isnan(wilson(0, 0)).all()


def test_summary_of_items():
    held = Cube((ITEM, LAYER), NUMBERS.values > 0)
    summary = summarise_items(held)
    np.testing.assert_allclose((summary.low.values, summary.high.values), wilson(held.values.sum(0), N))
    assert (summary.n.values == N).all()
    sample = Axis("sample", tuple(range(50)), "data")
    nothing = summarise_items(Cube((ITEM, sample), np.zeros((N, 50), bool)))
    np.testing.assert_allclose(nothing.high.values, wilson(0, N)[1])  # as many as are independent for sure
    coin = Cube((ITEM, sample), RNG.random((N, 50)) < 0.3)
    width = summarise_items(coin).high.values - summarise_items(coin).low.values
    assert 0.03 < width < 0.16  # 550 independent draws would have 0.08
    numbers = summarise_items(NUMBERS, seed=2)
    assert (numbers.low.values < numbers.mean.values).all() and (numbers.mean.values < numbers.high.values).all()
    with pytest.raises(ProbeError, match="none here"):
        summarise_items(mean(NUMBERS))
