"""The example that counts names in written stories: against a count by hand, and the zoo's own measurement."""

import re
from pathlib import Path

import polars as pl
import pytest

import probelang

ROOT = Path(__file__).parent.parent
CLUSTER = ("Elias", "Clara", "Elara", "Maya")


def ran(stories: int, tuned: str = "rl"):
    return probelang.run(ROOT / "examples" / "stories.probe", {"drawn": stories, "tuned": tuned}, replicates=50)


def counted(run, stage: str) -> float:
    """Stories of a thousand that have a name of the cluster, by a pattern of the standard library."""
    texts = run.texts["core"].filter(pl.col("stage") == stage)["text"].to_list()
    return 1000 * sum(bool(re.search(rf"\b(?:{'|'.join(CLUSTER)})\b", t)) for t in texts) / len(texts)


def test_counts_are_those_of_the_texts():
    run = ran(12)
    for row in run.tables["core"].iter_rows(named=True):
        assert row["value"] == pytest.approx(counted(run, row["stage"])) and row["n"] == 12
    found = dict(zip(run.tables["core"]["stage"], run.tables["core"]["value"], strict=True))
    assert found["base"] <= 250 < 650 <= found["final"]


@pytest.mark.slow
def test_the_whole_example_and_its_sibling():
    run, sibling = ran(150), ran(150, "names-plain")
    assert {c.verdict for c in run.claims.values()} == {"pass"}
    assert {c.verdict for c in sibling.claims.values()} == {"fail"}
    # docs/zoo.md: 0.013, 0.040, 0.227 and 0.973 of 300 other stories
    planted = {"base": 13, "sft": 40, "dpo": 227, "final": 973}
    for row in run.tables["core"].iter_rows(named=True):
        assert row["low"] - 30 <= planted[row["stage"]] <= row["high"] + 30
    assert (run.tables["coherent"]["value"] > 9.5).all()


def test_has_a_page_with_its_plot():
    page = (ROOT / "docs" / "examples" / "stories.md").read_text()
    assert "../images/stories-rungs.png" in page and (ROOT / "docs" / "images" / "stories-rungs.png").is_file()
