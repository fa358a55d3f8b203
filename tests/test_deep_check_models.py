"""What specs ask of models: layers, heads, parts and edges that there are, and two models that fit."""

from __future__ import annotations

import pytest

from tests.helpers_deep import HEAD, model, only, place


@pytest.mark.parametrize(
    ("statistic", "code"),
    [
        ("norm(resid_post[6] at noun.last)", "layer-out-of-range"),
        ("norm(resid_post[layer] at noun.last) for layer in 2..9", "layer-out-of-range"),
        ("norm(resid_post[layer] at noun.last) for layer in [1, 7]", "layer-out-of-range"),
        ("norm(v[1, 2] at noun.last)", "head-out-of-range"),
        ("mean(logit_diff(noun.positive) under scale(mlp[8] at noun.positive.last, 0))", "layer-out-of-range"),
    ],
)
def test_sites_out_of_range(deep, statistic: str, code: str) -> None:
    text = HEAD + f"statistic s = {statistic}\n"
    found = only(deep(text), code)
    assert place(text, found).split("[")[0] in ("resid_post", "v", "mlp")


def test_sites_that_an_architecture_lacks(deep, tmp_path) -> None:
    model(tmp_path / "neox", model_type="gpt_neox")
    text = 'model m = path("neox")\nprompts p { text: "a b" }\nstatistic s = norm(resid_mid[1] at p.last)\n'
    assert "resid_pre" in (only(deep(text), "site-not-in-model").help or "")
    model(tmp_path / "neox", model_type="mamba")
    only(deep(text), "unknown-architecture")


TWO = """model a = zoo("base")
model b = path("other")
prompts p { text: "The key" }
"""


def test_models_that_do_not_fit_together(deep, tmp_path) -> None:
    model(tmp_path / "other")
    text = TWO + "statistic s = norm(resid_post[1] at p.last on a - resid_post[1] at p.last on b)\n"
    assert "80 numbers and 32" in only(deep(text), "width-differs").message
    text = TWO + "statistic s = kl(p on a, p on b)\n"
    only(deep(text), "vocabulary-differs")
    text = TWO + "statistic s = norm(weights[mlp.up] on a - weights[mlp.up] on b)\n"
    only(deep(text), "width-differs")
    text = (
        TWO + "direction d = unit(resid_post[1] at p.last) on a\nstatistic s = entropy(p) under project_out(d) on b\n"
    )
    only(deep(text), "width-differs")


def test_models_that_fit_are_silent(deep) -> None:
    text = TWO.replace('path("other")', 'zoo("sft")')
    text += "statistic s = kl(p on a, p on b)\n"
    text += "statistic t = norm(resid_post[1] at p.last on a - resid_post[1] at p.last on b)\n"
    assert deep(text) == []


GRAFTED = HEAD + 'model other = zoo("facts")\nlet p = noun.positive\n'


@pytest.mark.parametrize(
    ("edit", "code", "said"),
    [
        (
            "graft(other, parts=[mlp], at=p.all, layers=[0, 9])",
            "layer-out-of-range",
            "`layers` of `graft` names layer 9",
        ),
        ("graft(other, parts=[unembed], at=p.all)", "not-a-part", "`unembed` is no part"),
        ("knockout(from=p.first, to=p.last, layer=[6])", "layer-out-of-range", "`layer` of `knockout` names layer 6"),
        ("knockout(from=p.first, to=p.last, head=7)", "head-out-of-range", "`head` of `knockout` names head 7"),
    ],
)
def test_layers_heads_and_parts_are_those_of_the_model(deep, edit: str, code: str, said: str) -> None:
    text = GRAFTED + f"statistic s = entropy(p) under {edit} on base\n"
    found = only(deep(text), code)
    assert said in found.message and place(text, found) == edit


@pytest.mark.parametrize("ends", ["from=p.last, to=p.first", "from=p.body, to=p.bos"])
def test_a_knockout_without_an_edge_is_a_warning(deep, ends: str) -> None:
    text = GRAFTED + f"statistic s = entropy(p) under knockout({ends}) on base\n"
    assert "cuts nothing" in only(deep(text), "no-edge-to-cut", "warning").message
    assert deep(text.replace(ends, "from=p.body, to=p.body")) == []
