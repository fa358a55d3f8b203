"""Lists: of edits that write one place, and of elements that bring axes of their own."""

from __future__ import annotations

import pytest

from .helpers_check import checked, codes

HEAD = """\
model m = zoo("base")
dataset d = file("x.csv", columns=["q", "a"])
dataset fit, test = split(d, 0.5)
prompts f from fit { body: "{q}" }
prompts p from test { body: "{q}" answer: "{a}" }
direction a = mean(resid_post[2] at f.last)
direction b = random_unit(like=a)
direction c = mean(resid_post[3] at f.last)
"""


def found(value: str) -> list[str]:
    unused = [f"statistic u{d} = norm({d})" for d in "abc"]
    return codes("\n".join([HEAD + f"statistic s = {value}", *unused]) + "\n")


@pytest.mark.parametrize(
    "value",
    [
        "mean(prob(p) under [project_out(a), project_out(b)])",
        "mean(prob(p) under [steer(a), project_out(b)])",
        "mean(prob(p) under [project_out(a), scale(resid_post[2] at p.all, 2)])",
        "mean(prob(p) under [project_out(a), scale(resid_post[2] at p.last, 2)])",
        "mean(prob(p) under [steer(a, tokens=p.last), scale(resid_post[2] at p.last, 2)])",
        "mean((prob(p) under steer(a)) under project_out(c, site=resid_post[2]))",
        "mean(prob(p) under [project_out(x), project_out(b)]) for x in [none, a, c]",
        "mean(prob(p) under [steer(a, site=resid_post[layer]), project_out(c, site=resid_post[layer])]) for layer",
    ],
)
def test_one_place_written_twice(value: str) -> None:
    assert found(value) == ["edits-collide"]


@pytest.mark.parametrize(
    "value",
    [
        "mean(prob(p) under [steer(a), steer(b)])",
        "mean(prob(p) under [steer(a), project_out(c)])",
        "mean(prob(p) under [steer(a), project_out(b, in_order=true)])",
        "mean(prob(p) under [steer(a, in_order=true), project_out(b)])",
        "mean(prob(p) under [project_out(x), project_out(c)]) for x in [none, a, b]",
        "mean(prob(p) under [project_out(a, site=x), project_out(b, site=y)]) for x in [attn[1], mlp[1]], y in [embed]",
    ],
)
def test_places_that_differ_or_an_order_that_is_meant(value: str) -> None:
    assert found(value) == []


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("mean(s, over=seed)", "cannot reduce along `seed`"),
        ("argmax(s, over=arm)", "cannot reduce along `arm`"),
        ("s[arm=argmax(even, over=arm)]", "cannot look up a computed label of `arm`"),
    ],
)
def test_what_needs_a_list_of_equal_elements_says_so(value: str, label: str) -> None:
    text = HEAD.replace("like=a)", "like=a, seed=seed) for seed in 1..3")
    text += "statistic s = norm(arm) for arm in [a, b, c]\nstatistic even = norm(arm) for arm in [a, c]\n"
    (problem,) = checked(text + f"statistic t = {value}\n").errors
    assert (problem.code, problem.primary.text) == ("uneven-list", label)
    assert problem.help == "select first: `x[arm=b]`" and "only `b` has the axis `seed`" in problem.message
