"""A `keep` over written texts that leaves none: its statements are empty and say so, and the others are as they were.

The models are those of `helpers_models.py`: their texts mean nothing, which is all that is needed.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import torch

from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from probelang.runtime.results import Run
from tests.helpers_models import build
from tests.reference.checked import checked

torch.set_num_threads(1)

HEAD = """probe 1
model m = path("m")
dataset d = file("d.csv")
prompts p from d { text: "the {word} is" answer: "{opposite}" }
let drawn = generate(p, max_tokens=3, temperature=1.0, samples=2) on m
let none_left = keep(drawn, word_count(drawn.response) > 99)
prompts more from none_left { text: "the {word} {response} is" answer: "cold" }
contrast c from none_left {
  positive: { text: "the {word} {response} is" answer: "cold" }
  negative: { text: "the {word} is" answer: "cold" }
}
direction v = mean_diff(resid_post[1] at c.last)
"""
FINE = "statistic fine = word_count(drawn.response)\nstatistic plain = prob(p)\nclaim holds = mean(plain) > 0\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("none")
    build("llama", folder / "m")
    (folder / "d.csv").write_text("word,opposite\nhot,cold\nbig,small\n")
    return folder


def run(root: Path, text: str, store: Path | None = None) -> Run:
    spec = checked(HEAD + text, root)
    assert not spec.errors, [d.message for d in spec.errors]
    return execute(spec, root=root, options=RunOptions(replicates=20, store=store))


VALUES = {
    "measure": "entropy(more)",
    "answers": 'prob(more, w) for w in ["cold", "hot"]',
    "mean": "mean(prob(more))",
    "text": "word_count(generate(more, max_tokens=2).response)",
    "read": "norm(mean_diff(resid_post[layer] at c.last)) for layer",
    "tokens": "norm(resid_post[1] at more.all.mean)",
    "cross entropy": "cross_entropy(none_left)",
    "steered": "mean(prob(p)) under steer(v)",
    "projected": "kl(more under project_out(v), more)",
    "patched": "recovery(prob(c) under patch(resid_post[l] at c.last, from=c.positive)) for l in [0, 1]",
    "resampled": 'prob(more) under ablate(resid_post[1] at more.last, "resample")',
    "lens": 'prob(lens(resid_post[1] at more.last), "cold")',
    "judged": 'judge(none_left.response, rubric="Is it?", scale="0..9", least=0)',
    "words": "log_odds_words(none_left.response, against=d.word, k=2)",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
def test_what_is_asked_of_no_items_is_missing_and_the_rest_is_there(root: Path, tmp_path: Path, value: str) -> None:
    alone, found = run(root, FINE), run(root, FINE + f"statistic s = {value}\n", tmp_path)
    *others, empty = found.results
    for mine, other in zip(others, alone.results, strict=True):
        assert mine.frame.equals(other.frame)
    assert found.claims[0].verdict == "pass"
    assert empty.frame.height and empty.frame["value"].null_count() == empty.frame.height
    reasons = set(empty.frame["reason"].to_list())
    assert reasons <= {"there are no items", "one of the sets has no words"}
    again = run(root, FINE + f"statistic s = {value}\n", tmp_path)
    assert again.results[-1].frame.equals(empty.frame)


def test_a_claim_over_no_items_is_not_computed_and_a_warning_names_the_keep(root: Path) -> None:
    found = run(root, FINE + "statistic s = prob(more)\nclaim lost = mean(s) > 0\n")
    assert [(c.verdict, c.reason) for c in found.claims] == [("pass", ""), ("not computed", "there are no items")]
    (told,) = [w for w in found.warnings if isinstance(w, dict)]
    assert (told["code"], told["line"]) == ("no-items", 6) and "none of the 4 items" in told["message"]


def test_a_keep_that_leaves_some_is_no_matter(root: Path) -> None:
    text = HEAD.replace("> 99", ">= 0") + "statistic s = prob(more)\n"
    spec = checked(text, root)
    found = execute(spec, root=root, options=RunOptions(replicates=20))
    assert found.results[-1].frame["n"].to_list() == [4] and not [w for w in found.warnings if isinstance(w, dict)]


def test_a_condition_that_no_row_meets_leaves_cells_without_values(root: Path) -> None:
    text = 'dataset e = keep(d, word == "zebra")\nprompts q from e { text: "the {word} is" answer: "red" }\n'
    spec = checked(HEAD + text + FINE + "statistic s = logit(q)\n", root)
    assert plan(spec, root=root, options=RunOptions()).text()
    found = execute(spec, root=root, options=RunOptions(replicates=20))
    assert found.results[-1].frame.select(pl.col("reason")).item() == "there are no items"
    assert next(r for r in found.results if r.name == "plain").frame["n"].to_list() == [2]
