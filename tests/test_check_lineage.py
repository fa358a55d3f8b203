"""What was fitted or chosen on some rows is not evaluated on them in silence; what was not is no alarm."""

from __future__ import annotations

import pytest

from .helpers_check import checked

SIDES = '{ positive: { body: "A {q}" answer: "{a}" } negative: { body: "B {q}" answer: "{a}" } }\n'
SEPARATION = "norm(mean_diff(resid_post[layer] at {0}.last)) / mean(norm(resid_post[layer] at {0}.last)) for layer\n"
HEAD = f"""\
model m = zoo("base")
dataset d = file("x.csv", columns=["q", "a"])
dataset fit, test = split(d, 0.5)
contrast whole from d {SIDES}contrast one from fit {SIDES}contrast two from test {SIDES}\
prompts near from fit {{ body: "C {{q}}" answer: "{{a}}" }}
statistic apart = {SEPARATION.format("one")}\
statistic again = {SEPARATION.format("two")}\
statistic peak  = argmax(apart, over=layer)
"""


def found(text: str) -> list[str]:
    return [d.code for d in checked(HEAD + text + "\n").problems if d.code != "unused"]


@pytest.mark.parametrize(
    "text",
    [
        "claim c = apart[layer=peak] > 1",
        "statistic s = apart[layer=argmax(apart, over=layer)]",
        "statistic s = mean(norm(resid_post[peak] at near.last))",
        "statistic s = mean(prob(near) under ablate(mlp[peak] at near.last))",
        "direction v = mean_diff(resid_post[peak] at two.last)\nstatistic s = mean(prob(near) under steer(v))",
        "direction v = mean_diff(resid_post[2] at one.last)\nstatistic s = mean(prob(near) under project_out(v))",
        "direction v = mean_diff(resid_post[2] at whole.last)\nstatistic s = mean(prob(near) under project_out(v))",
        "direction v = mean_diff(resid_post[2] at one.last)\nstatistic s = mean(cosine(v, resid_post[2] at near.last))",
    ],
)
def test_the_rows_that_fitted_or_chose(text: str) -> None:
    assert found(text) == ["in-sample"]


@pytest.mark.parametrize(
    "text",
    [
        "claim c = again[layer=peak] > 1",
        "direction v = mean_diff(resid_post[layer] at one.last) for layer\n"
        "direction w = shuffled_diff(resid_post[layer] at one.last, seed=seed) for layer, seed in 1..2\n"
        "statistic s = mean(prob(two.positive) under steer(a[layer=peak], scale=norm(a[layer=peak]))) for a in [v, w]",
        'dataset x = keep(d, a == "x")\n'
        'dataset y = keep(d, a == "y")\n'
        f"contrast from_x from x {SIDES}"
        'prompts from_y from y { body: "C {q}" answer: "{a}" }\n'
        f"statistic apart_x = {SEPARATION.format('from_x')}"
        "statistic s = mean(norm(resid_post[argmax(apart_x, over=layer)] at from_y.last))",
        "statistic s = max(apart, over=layer)",
        "statistic s = apart[layer=3]",
        "statistic s = mean(norm(resid_post[peak] at two[side=positive].last))",
        "direction v = mean_diff(resid_post[peak] at one.last)\nstatistic s = norm(v)",
        "direction v = mean_diff(resid_post[peak] at one.last)\n"
        "statistic s = mean(prob(two[side=positive]) under steer(v))",
        "direction v = mean_diff(resid_post[2] at one.last)\ndirection r = random_unit(like=v)\n"
        "statistic s = mean(prob(near) under project_out(r))",
    ],
)
def test_other_rows_and_descriptions_are_no_alarm(text: str) -> None:
    assert found(text) == []
