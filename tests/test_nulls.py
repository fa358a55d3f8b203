"""Nulls: what they match, and that their p values are not smaller than they should be where nothing is there."""

import numpy as np
import pytest
from scipy.stats import binom, kstest

import probelang
from probelang.runtime.cube import Axis, Cube
from probelang.runtime.errors import ProbeError
from probelang.runtime.operations.displacement_ratio import displacement_ratio
from probelang.runtime.operations.label_permutation import label_permutation
from probelang.runtime.operations.lengths import norm
from probelang.runtime.operations.mean_diff import mean_diff
from probelang.runtime.operations.random_direction import random_unit
from probelang.runtime.operations.shuffled_diff import shuffled_diff, swaps
from probelang.runtime.operations.sign_flip import sign_flip
from probelang.runtime.operations.z_score import z_score
from probelang.runtime.replicates import PLAIN, Context, Scheme

from .helpers_models import build

SIDE = Axis("side", ("positive", "negative"))


def items(n: int) -> Axis:
    return Axis("item", tuple(f"k{i}" for i in range(n)), "data")


def seeds(values: np.ndarray) -> Cube:
    return Cube((Axis("seed", tuple(range(len(values)))),), np.asarray(values, dtype=float))


def within_nominal(p: np.ndarray) -> None:
    """p values are at most as often small as they may be: at every level, up to a chance of 1 in 10,000."""
    p = np.asarray(p)
    for level in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8):
        assert (p <= level + 1e-12).sum() <= binom.ppf(1 - 1e-4, len(p), level), level


# **** z_score ****


def test_p_by_hand():
    null = seeds([0.30, 0.31, 0.32, 0.33])
    low = z_score(0.03, null)
    # far below the null, though nearer to zero than any of it
    assert low["p"].values == 1 / 5 and z_score(0.03, null, about="zero")["p"].values == 1
    assert z_score(0.03, null, alternative="less")["p"].values == 1 / 5
    assert z_score(0.03, null, alternative="greater")["p"].values == 1
    # in the middle, and above; the means of all five are 0.315, 0.319 and 0.332
    assert z_score(0.315, null)["p"].values == 1
    assert z_score(0.335, null)["p"].values == 2 / 5
    assert z_score(0.40, null)["p"].values == 1 / 5
    assert z_score(0.33, null, alternative="greater")["p"].values == 2 / 5


@pytest.mark.parametrize("law", ["normal", "cauchy", "two-valued", "skewed"])
@pytest.mark.parametrize("options", [{}, {"about": "zero"}, {"alternative": "greater"}, {"alternative": "less"}])
def test_p_of_a_value_that_is_drawn_like_its_null(law, options):
    rng = np.random.default_rng(0)
    draw = {
        "normal": lambda n: rng.normal(0.3, 1, n), "cauchy": rng.standard_cauchy,
        "two-valued": lambda n: rng.choice([0.0, 1.0], n), "skewed": lambda n: rng.exponential(1, n) ** 3,
    }[law]  # fmt: skip
    p = [float(z_score(float(draw(1)[0]), seeds(draw(99)), **options)["p"].values) for _ in range(400)]
    within_nominal(p)
    if law != "two-valued":  # without ties it is also no larger than it should be
        assert kstest(np.array(p) - 0.005, "uniform").pvalue > 1e-3


def test_the_interval_of_one_more_draw_holds_it():
    rng = np.random.default_rng(1)
    held = []
    for _ in range(600):
        x, null = rng.normal(5, 2), rng.normal(5, 2, 8)
        record = z_score(float(x), seeds(null))
        held.append(record["low"].values <= x <= record["high"].values)
    assert binom.ppf(1e-4, 600, 0.95) <= sum(held) <= binom.ppf(1 - 1e-4, 600, 0.95)


# **** shuffled sides ****


def contrast(rng, n: int, shift: float, spread: float = 1.0, width: int = 12) -> Cube:
    values = rng.normal(0, spread, (n, 2, width))
    values[:, 0, 0] += shift
    return Cube((items(n), SIDE), values)


def test_shuffled_diff_is_the_mean_of_swapped_differences():
    x = contrast(np.random.default_rng(2), 9, 3.0)
    off = x.values[:, 0] - x.values[:, 1]
    for balanced in (True, False):
        seed = Cube((Axis("seed", (4, 5)),), np.array([4, 5]))
        got = shuffled_diff(x, seed=seed, balanced=balanced)
        assert got.names == ("seed",)
        for place, one in enumerate((4, 5)):
            signs = swaps(one, x.axes[0].labels, balanced)
            np.testing.assert_allclose(got.values[place], (signs[:, None] * off).mean(0))
    assert sum(swaps(0, tuple(range(100)), True)) == 0
    assert set(swaps(0, tuple(range(100)), False)) == {-1.0, 1.0}
    with pytest.raises(ProbeError, match="no sides"):
        shuffled_diff(x.isel("side", 0))


def test_what_items_have_in_common_cancels_in_balanced_swaps():
    x = contrast(np.random.default_rng(3), 20, 5.0, spread=0.1)
    found = mean_diff(x).values
    all_seeds = Cube((Axis("seed", tuple(range(30))),), np.arange(30))
    share = {}
    for balanced in (True, False):
        made = shuffled_diff(x, seed=all_seeds, balanced=balanced).values
        cosines = made @ found / np.linalg.norm(made, axis=1) / np.linalg.norm(found)
        share[balanced] = np.mean(np.abs(cosines))
    assert share[False] > 0.8  # scaled to norm one, a coin for each item gives the contrast back
    assert share[True] < 0.5


def test_shuffled_diff_leaves_out_what_lacks_a_side_and_follows_weights():
    x = contrast(np.random.default_rng(4), 6, 1.0)
    missing = np.full((6, 2), None, dtype=object)
    missing[2, 1] = "refused"
    got = shuffled_diff(Cube(x.axes, x.values, missing), seed=1)
    kept = np.arange(6) != 2
    signs = swaps(1, x.axes[0].labels, True)[kept]
    np.testing.assert_allclose(got.values, (signs[:, None] * (x.values[kept, 0] - x.values[kept, 1])).mean(0))
    drawn = shuffled_diff(x, seed=1, ctx=Context(0, Scheme("bootstrap", 3)))
    assert drawn.names[0] == "replicate" and len(drawn.axes[0]) == 3


def test_under_no_effect_the_norm_of_a_contrast_is_one_of_its_shuffled_ones():
    rng = np.random.default_rng(5)
    every = Cube((Axis("seed", tuple(range(99))),), np.arange(99))
    p = []
    for _ in range(120):
        x = contrast(rng, 8, 0.0)
        null = norm(shuffled_diff(x, seed=every, balanced=False))
        p.append(float(z_score(norm(mean_diff(x)), null, alternative="greater")["p"].values))
    within_nominal(p)
    x = contrast(rng, 30, 2.0)
    null = norm(shuffled_diff(x, seed=every, balanced=False))
    assert z_score(norm(mean_diff(x)), null, alternative="greater")["p"].values == 0.01


@pytest.mark.parametrize("test", ["label_permutation", "sign_flip"])
def test_p_of_tests_over_items_under_no_effect(test):
    rng = np.random.default_rng(6)
    p = []
    for number in range(150):
        x = contrast(rng, 12, 0.0, width=3)
        x = Cube((Axis("item", tuple(f"{number}/{i}" for i in range(12)), "data"), SIDE), x.values)
        if test == "label_permutation":
            p.append(float(label_permutation(lambda c: norm(mean_diff(x, ctx=c)), n=99, ctx=PLAIN)["p"].values))
        else:
            off = Cube(x.axes[:1], x.values[:, 0, 0] - x.values[:, 1, 0])
            p.append(float(sign_flip(off)["p"].values))
    within_nominal(p)


# **** displacement ****


def test_displacement_ratio_by_hand():
    x = Cube((items(3),), np.array([[1.0, 0.0], [2.0, 2.0], [-3.0, 1.0]]))
    of, null = Cube((), np.array([5.0, 0.0])), Cube((), np.array([0.0, 0.1]))
    assert displacement_ratio(x, of, null).values == pytest.approx(np.sqrt(14 / 5))
    nothing = Cube((items(3),), np.array([[1.0, 0.0]] * 3))
    assert displacement_ratio(nothing, of, null).missing[()] == "the null meets none of the activations"
    with pytest.raises(ProbeError, match="over items"):
        displacement_ratio(of, of, null)


SPEC = """probe 1
model m = path("m")
dataset d = rows(\"\"\"w
Ann
Bob
Clara
Elias
Maya
Tom
\"\"\")
contrast c from d {
  positive: { frame: "good" body: " {w} went to Paris" }
  negative: { frame: "bad"  body: " {w} went to Rome" }
}
prompts p from d { body: "the cat {w} saw a dog" answer: " red" }
let acts = resid_post[1] at p.all.mean
direction found  = mean_diff(resid_post[1] at c.last)
direction random = random_unit(like=found, seed=seed) for seed in 1..4
let strength = displacement_ratio(resid_post[1] at p.last, of=found, null=random)
statistic ratio = strength
statistic moved = distance(resid_post[1] at p.last under project_out(random, alpha=strength, tokens=p.last),
  resid_post[1] at p.last) ** 2
statistic meant = distance(resid_post[1] at p.last under project_out(found, tokens=p.last),
  resid_post[1] at p.last) ** 2
"""


def test_a_null_that_is_matched_on_displacement_moves_activations_as_far(tmp_path):
    build("llama", tmp_path / "m")
    (tmp_path / "spec.probe").write_text(SPEC.replace("let acts = resid_post[1] at p.all.mean\n", ""))
    run = probelang.run(tmp_path / "spec.probe", out=None)
    meant = run.tables["meant"]["value"][0]
    assert meant > 0
    np.testing.assert_allclose(run.tables["moved"]["value"].to_numpy(), meant, rtol=1e-3)


CLAIM = (
    SPEC.split("let acts")[0]
    + """
direction found  = mean_diff(resid_post[1] at c.last)
direction random = random_unit(like=found, seed=seed) for seed in 1..{seeds}
statistic kept  = mean(prob(p) under project_out(found))
statistic other = mean(prob(p) under project_out(random))
statistic z     = z_score(kept, null=other{options})
claim k = {claim}
"""
)


@pytest.mark.parametrize(
    ("seeds", "options", "claim", "warned"),
    [
        (10, "", "z.p < 0.05", True), (19, "", "z.p < 0.05", True), (19, "", "z.p <= 0.05", False),
        (20, "", "z.p < 0.05", False), (10, "", "z.adjusted < 0.05 and z.z > 2", True), (10, "", "z.p > 0.05", False),
        (10, "", "0.05 > z.p", True), (10, "", "z.p < 0.2", False),
    ],
)  # fmt: skip
def test_claims_that_no_data_could_make_true_are_told(seeds, options, claim, warned):
    text = CLAIM.replace("{seeds}", str(seeds)).replace("{options}", options).replace("{claim}", claim)
    codes = [d.code for d in probelang.check(text, deep=False).problems]
    assert ("claim-out-of-reach" in codes) is warned, codes


def test_the_family_counts_in_what_can_be_claimed():
    spec = (
        CLAIM.replace("{seeds}", "99")
        .replace("{options}", ") for layer in [0, 1, 2, 3, 4, 5")
        .replace(
            "= z_score(kept, null=other) for layer in [0, 1, 2, 3, 4, 5)",
            "= z_score(kept * layer, null=other) for layer in [0, 1, 2, 3, 4, 5]",
        )
    )
    for claim, warned in (("all(z.adjusted < 0.05)", True), ("all(z.p < 0.05)", False)):
        codes = [d.code for d in probelang.check(spec.replace("{claim}", claim), deep=False).problems]
        assert ("claim-out-of-reach" in codes) is warned, codes


# **** a whole spec on random weights ****

WORDS = ["Ann", "Bob", "Clara", "Elias", "Maya", "Tom", "Paris", "Rome", "London", "cat", "dog", "red", "blue"]


def no_effect(root, number: int, draws: int) -> float:
    """The p of a contrast whose sides are drawn alike, on a model with random weights."""
    rng = np.random.default_rng(number)
    rows = "\n".join(",".join([str(i), *rng.choice(WORDS, 2, replace=False)]) for i in range(8))
    (root / "spec.probe").write_text(f'''probe 1
model m = path("m")
dataset d = rows("""i,a,b
{rows}
""", key=i)
contrast c from d {{
  positive: {{ body: "the {{a}} went to Italy" }}
  negative: {{ body: "the {{b}} went to Italy" }}
}}
direction found  = mean_diff(resid_post[2] at c.last)
direction null   = shuffled_diff(resid_post[2] at c.last, seed=seed, balanced=false) for seed in 1..{draws}
statistic effect = z_score(norm(found), null=norm(null), alternative="greater")
''')
    found = probelang.run(root / "spec.probe", out=None, replicates=1, store=root / "store")
    return float(found.tables["effect"]["p"][0])


def test_a_spec_on_random_weights_finds_nothing_more_often_than_it_may(tmp_path):
    build("llama", tmp_path / "m")
    within_nominal([no_effect(tmp_path, number, 99) for number in range(4)])


@pytest.mark.slow
def test_many_specs_on_random_weights_find_nothing_more_often_than_they_may(tmp_path):
    build("llama", tmp_path / "m")
    p = np.array([no_effect(tmp_path, number, 99) for number in range(200)])
    within_nominal(p)
    assert kstest(p - 0.005, "uniform").pvalue > 1e-3


def test_random_directions_are_exchangeable_draws():
    """A random direction against others: its p is uniform whatever is measured of it."""
    like = Cube((), np.ones(16))
    p = []
    for block in range(200):
        every = Cube((Axis("seed", tuple(range(20))),), np.arange(20) + 20 * block)
        values = random_unit(like, seed=every).values[:, 0] ** 3
        p.append(float(z_score(float(values[0]), seeds(values[1:]))["p"].values))
    within_nominal(p)
