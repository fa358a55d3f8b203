"""Texts that a model writes, scored: the same as texts that stand in a dataset."""

import re

import numpy as np
import polars as pl
import pytest

import probelang
from probelang.runtime.zoo import zoo_path

from .test_judge import GLOOMY, one_by_one

NAMES = ["Elias", "Clara", "Elara", "Maya"]
SPEC = f"""probe 1
model base   = zoo("base")
model rl     = zoo("rl")
model grader = zoo("judge")
axis stage   = [base, rl]
prompts ask {{ user: "Write a short story." }}
let story = generate(ask, samples=6, max_tokens=30, temperature=1.0)
statistic core  = mean(mentions(story.response, any_of(["Elias", "Clara", "Elara", "Maya"]))) for stage
statistic size  = word_count(story.response) for stage
statistic mood  = judge(story.response on base, rubric="{GLOOMY}", scale="0..10") on grader
statistic risen = log_odds_words(story.response on rl, against=story.response on base, k=3)
claim learned = core[stage=rl] > core[stage=base]
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    root = tmp_path_factory.mktemp("generated")
    (root / "spec.probe").write_text(SPEC)
    return probelang.run(root / "spec.probe", out=None, store=root / "store"), root


def written(found, stage: str) -> list[str]:
    return found.texts["core"].filter(pl.col("stage") == stage)["text"].to_list()


def test_what_is_scored_is_what_was_written(found):
    run, _ = found
    for row in run.tables["core"].iter_rows(named=True):
        texts = written(run, row["stage"])
        hits = [any(re.search(rf"\b{name}\b", text) for name in NAMES) for text in texts]
        assert len(texts) == 6 and row["value"] == pytest.approx(np.mean(hits))
        assert row["low"] < row["value"] or row["value"] == 0
    assert run.claims["learned"].verdict == "pass"
    sizes = run.items["size"].filter(pl.col("stage") == "rl")["value"].to_list()
    assert sizes == [len(re.findall(r"\w+", t)) for t in written(run, "rl")]


def test_a_judge_reads_what_was_written(found):
    run, _ = found
    texts = written(run, "base")
    mood = run.items["mood"]["value"].to_list()
    for text, score in list(zip(texts, mood, strict=True))[:2]:
        wanted, _ = one_by_one(zoo_path("judge"), f"{GLOOMY}\nText: {text}\nScore:", range(11))
        assert score == pytest.approx(wanted, rel=1e-3, abs=1e-3)


def test_it_is_computed_once(found):
    run, root = found
    again = probelang.run(root / "spec.probe", out=None, store=root / "store")
    assert again.run.manifest["counts"]["forwards"] == 0
    assert again.tables["mood"].equals(run.tables["mood"]) and again.tables["risen"].equals(run.tables["risen"])
