"""Lengths, angles, directions, components, alignment."""

import numpy as np
import pytest

from probelang.runtime.cube import Axis, Cube
from probelang.runtime.errors import ProbeError
from probelang.runtime.operations.angles import cosine, distance, dot, projection
from probelang.runtime.operations.cka import cka
from probelang.runtime.operations.lengths import norm, unit
from probelang.runtime.operations.mean_diff import mean_diff
from probelang.runtime.operations.orthogonal import orthogonal
from probelang.runtime.operations.pca import pca
from probelang.runtime.operations.random_direction import random_gaussian, random_unit
from probelang.runtime.replicates import Context, Scheme

RNG = np.random.default_rng(2)
ITEM = Axis("item", tuple(f"key{i}" for i in range(12)), "data")
LAYER = Axis("layer", (0, 1, 2), "model")
ACTS = Cube((ITEM, LAYER), RNG.normal(size=(12, 3, 5)).astype(np.float32))
WAY = Cube((LAYER,), RNG.normal(size=(3, 5)))


def test_lengths_and_angles_against_numpy():
    a, b = ACTS.values.astype(float), WAY.values
    np.testing.assert_allclose(norm(ACTS).values, np.linalg.norm(a, axis=-1))
    np.testing.assert_allclose(norm(unit(WAY)).values, 1)
    np.testing.assert_allclose(dot(ACTS, WAY).values, (a * b).sum(-1))
    np.testing.assert_allclose(projection(ACTS, WAY).values, (a * b).sum(-1) / np.linalg.norm(b, axis=-1))
    np.testing.assert_allclose(distance(ACTS, WAY).values, np.linalg.norm(a - b, axis=-1), rtol=1e-6)
    np.testing.assert_allclose(cosine(WAY, WAY).values, 1)
    np.testing.assert_allclose(norm(Cube((), np.arange(6.0).reshape(2, 3))).values, np.sqrt(55))


def test_zero_has_no_direction():
    zero = Cube((LAYER,), np.zeros((3, 5)))
    for undefined in (unit(zero), cosine(zero, WAY), cosine(WAY, zero), projection(WAY, zero)):
        assert set(undefined.missing.ravel()) == {"a vector of norm zero has no direction"}


def test_widths_must_agree():
    with pytest.raises(ProbeError, match="of 5 and of 4") as caught:
        cosine(WAY, Cube((LAYER,), np.ones((3, 4))))
    assert caught.value.code == "widths-differ"
    with pytest.raises(ProbeError, match="numbers"):
        norm(Cube((), np.array(3.0)))


def test_mean_diff_is_positive_minus_negative_and_skips_what_is_missing():
    side = Axis("side", ("negative", "positive"))
    values = RNG.normal(size=(12, 2, 5))
    missing = np.full((12, 2), None, dtype=object)
    missing[0, 1] = "refused"
    got = mean_diff(Cube((ITEM, side), values, missing))
    np.testing.assert_allclose(got.values, values[1:, 1].mean(0) - values[:, 0].mean(0))
    with pytest.raises(ProbeError, match="no sides"):
        mean_diff(ACTS)


def test_random_directions_have_the_moments_of_the_sphere():
    d, k = 12, 4000
    h, r = RNG.normal(size=(2, d))
    seeds = Cube((Axis("seed", tuple(range(k))),), np.arange(k))
    u = random_unit(Cube((), h), seed=seeds)
    np.testing.assert_allclose(norm(u).values, 1)
    effect = dot(u, Cube((), h)).values * dot(u, Cube((), r)).values
    first, second = h @ r / d, ((h @ h) * (r @ r) + 2 * (h @ r) ** 2) / (d * (d + 2))
    assert abs(effect.mean() - first) < 4 * np.sqrt(second / k)
    assert abs((effect**2).mean() / second - 1) < 0.15
    gauss = norm(random_gaussian(Cube((), h), seed=seeds)).values
    assert abs((gauss**2).mean() / (h @ h) - 1) < 0.03


def test_random_directions_depend_on_seed_and_labels_alone():
    one = random_unit(WAY, seed=3)
    swept = random_unit(WAY, seed=Cube((Axis("seed", (2, 3)),), np.array([2, 3])))
    np.testing.assert_array_equal(swept.sel("seed", 3).values, one.values)
    np.testing.assert_array_equal(random_unit(WAY.isel("layer", np.array([2])), seed=3).values[0], one.values[2])
    assert abs(cosine(swept.sel("seed", 2), one).values).max() < 0.999
    context = Context(0, Scheme("bootstrap", 4))
    side = Axis("side", ("positive", "negative"))
    found = mean_diff(Cube((ITEM, side), RNG.normal(size=(12, 2, 5))), ctx=context)
    assert random_unit(found).names == ()
    np.testing.assert_allclose(unit(random_gaussian(found)).values, random_unit(found).values[None].repeat(4, 0))


def test_orthogonal_to_one_and_to_many():
    others = [Cube((), v) for v in RNG.normal(size=(3, 5))]
    rest = orthogonal(WAY, to=others)
    for other in others:
        np.testing.assert_allclose(dot(rest, other).values, 0, atol=1e-13)
    twice = orthogonal(WAY, to=[others[0], others[0]])
    np.testing.assert_allclose(twice.values, orthogonal(WAY, to=others[0]).values, atol=1e-13)
    assert orthogonal(others[0], to=others[0]).missing[()].startswith("it lies in the span")


def test_pca_agrees_with_sklearn_up_to_its_sign():
    from sklearn.decomposition import PCA

    for component in (0, 1):
        got = pca(ACTS, component)
        for layer in range(3):
            theirs = PCA().fit(ACTS.values[:, layer].astype(float)).components_[component]
            np.testing.assert_allclose(np.abs(got.values[layer] @ theirs), 1)
            assert got.values[layer][np.abs(got.values[layer]).argmax()] > 0
    few = pca(ACTS.isel("item", np.array([0, 1])), 1)
    assert "fewer than 2 dimensions" in few.missing[0]


def test_pca_replicates_are_of_resampled_items():
    context = Context(1, Scheme("bootstrap", 3))
    got = pca(ACTS, ctx=context)
    for r, w in enumerate(context.weights(ITEM).astype(int)):
        rows = np.repeat(np.arange(12), w)
        again = pca(Cube((Axis("item", tuple(range(12)), "data"), LAYER), ACTS.values[rows]))
        np.testing.assert_allclose(got.values[r], again.values, atol=1e-9)


def test_cka_is_invariant_and_agrees_with_its_formula():
    turn = np.linalg.qr(RNG.normal(size=(5, 5)))[0]
    turned = Cube(ACTS.axes, 3 * ACTS.values @ turn + 1)
    np.testing.assert_allclose(cka(ACTS, turned).values, 1)
    wide = Cube((ITEM, LAYER), RNG.normal(size=(12, 3, 30)))
    x, y = (v - v.mean(0) for v in (ACTS.values.astype(float), wide.values))
    for layer in range(3):
        a, b = x[:, layer], y[:, layer]
        by_hand = np.linalg.norm(b.T @ a) ** 2 / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b)
        np.testing.assert_allclose(cka(ACTS, wide).values[layer], by_hand)
    flat = Cube(ACTS.axes, np.ones((12, 3, 5)))
    assert not cka(ACTS, flat).present().any()
    (reason,) = cka(Cube((ITEM,), np.ones((12, 5))), wide.isel("layer", 0)).missing.reshape(-1)
    assert "do not vary" in reason


def test_cka_both_ways_of_computing_agree_under_weights():
    context = Context(1, Scheme("bootstrap", 4))
    narrow = Cube((ITEM,), RNG.normal(size=(12, 4)))
    padded = Cube((ITEM,), np.concatenate([narrow.values, np.zeros((12, 20))], 1))
    other = Cube((ITEM,), RNG.normal(size=(12, 4)))
    np.testing.assert_allclose(cka(narrow, other, ctx=context).values, cka(padded, other, ctx=context).values)


def test_cka_counts_both_sides_and_resamples_them_together():
    axes = (Axis("side", ("positive", "negative")), ITEM)
    a, b = (Cube(axes, RNG.normal(size=(2, 12, 4))) for _ in range(2))
    row = Axis("item", tuple(range(24)), "data")
    flat = [Cube((row,), x.values.reshape(24, 4)) for x in (a, b)]
    np.testing.assert_allclose(cka(a, b).values, cka(*flat).values)
    context = Context(1, Scheme("bootstrap", 3))
    for r, w in enumerate(context.weights(ITEM).astype(int)):
        rows = np.tile(np.repeat(np.arange(12), w), 2) + np.repeat([0, 12], 12)
        again = cka(*(Cube((row,), x.values[rows]) for x in flat))
        np.testing.assert_allclose(cka(a, b, ctx=context).values[r], again.values)


def test_cka_refuses_other_items():
    other = Cube((Axis("item", tuple(range(12)), "data"), LAYER), ACTS.values)
    with pytest.raises(ProbeError, match="labels differ"):
        cka(ACTS, other)
