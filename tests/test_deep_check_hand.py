"""What is at hand: models, files and rubrics that are there, and what is said of those that are not."""

from __future__ import annotations

from pathlib import Path

from probelang.runtime.deep_check.hub_cache import cached_snapshot
from tests.helpers_deep import GAP, HEAD, model, only, place


def test_absent_models_and_rows_are_notes(deep) -> None:
    text = HEAD.replace('zoo("base")', 'hub("nobody/nothing", revision=["a", "b"])')
    text = text.replace(
        'file("zoo/agreement.jsonl", limit=6)', 'file("mine.csv", columns=["singular", "plural", "is", "are"])'
    )
    found = deep(text + GAP)
    assert [(d.code, d.severity) for d in found] == [("unchecked", "note")] * 2
    assert "hub(nobody/nothing) in 2 revisions" in found[0].message and place(text, found[0]).startswith("hub(")
    assert place(text, found[1]).startswith('file("mine.csv"')


def test_a_model_of_the_hub_is_found_in_the_cache(deep, tmp_path, monkeypatch) -> None:
    repo = tmp_path / "cache" / "models--some--thing"
    model((repo / "snapshots").mkdir(parents=True) or repo / "snapshots" / "abc")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    assert cached_snapshot("some/thing") == cached_snapshot("some/thing", "abc") == repo / "snapshots" / "abc"
    assert cached_snapshot("some/thing", "v2") is cached_snapshot("some/other") is None
    assert cached_snapshot("some/thing", "../../../x") is None
    text = 'model m = hub("some/thing")\nprompts p { text: "a b" }\nstatistic s = norm(resid_post[4] at p.last)\n'
    assert "layers 0..3" in only(deep(text), "layer-out-of-range").message


def test_unknown_zoo_models_are_errors(deep) -> None:
    text = HEAD.replace('"base"', '"bose"') + GAP
    assert "base" in (only(deep(text), "unknown-zoo-model").help or "")


def test_a_folder_without_a_model(deep, tmp_path) -> None:
    text = HEAD.replace('zoo("base")', 'path("checkpoints/mine")') + GAP
    only(deep(text), "unchecked", "warning")
    (tmp_path.parent / "elsewhere").mkdir(exist_ok=True)
    text = HEAD.replace('zoo("base")', 'path("../elsewhere")') + GAP
    only(deep(text), "path-outside")
    only(deep(text, allow_outside=True), "unchecked", "warning")


def test_missing_and_outside_files(deep, tmp_path) -> None:
    (tmp_path / "nouns.csv").write_text("singular,plural\na,b\n")
    text = HEAD.replace("zoo/agreement.jsonl", "noun.csv") + GAP
    assert "nouns.csv" in (only(deep(text), "file-not-found").help or "")
    only(deep(HEAD.replace("zoo/agreement.jsonl", "../noun.csv") + GAP), "path-outside")
    only(deep(HEAD.replace("zoo/agreement.jsonl", "zoo/noun.csv") + GAP), "unknown-zoo-data")


def test_a_sample_is_said_to_be_one(deep, tmp_path) -> None:
    rows = "".join(f"The key,The keys, is, are{n}\n" for n in range(300))
    (tmp_path / "many.csv").write_text("singular,plural,is,other\n" + rows)
    text = HEAD.replace('"zoo/agreement.jsonl", limit=6', '"many.csv"').replace("{are}", " are") + GAP
    assert "200 of 300 items" in only(deep(text), "unchecked", "note").message


def test_a_folder_without_a_model_says_where_it_was_looked_for(deep, tmp_path: Path) -> None:
    text = HEAD.replace('zoo("base")', 'path("models/mine")') + GAP
    for wanted in ("there is no folder `models/mine`", "`models/mine` has no config.json"):
        found = only(deep(text), "unchecked", "warning")
        assert found.message.startswith(wanted) and str(tmp_path / "models/mine/config.json") in found.help
        (tmp_path / "models" / "mine").mkdir(parents=True, exist_ok=True)
    model(tmp_path / "models" / "miné")
    assert only(deep(text), "unchecked", "warning").help == 'did you mean "models/miné"?'


def test_a_model_set_by_hand_is_checked_once_it_was_used(deep, tmp_path: Path, monkeypatch) -> None:
    from probelang.runtime.zoo import zoo_path

    monkeypatch.setenv("PROBELANG_ZOO", str(tmp_path / "zoo"))
    text = 'model m = zoo("exact/and-gate")\nprompts p { text: "x" }\nstatistic s = norm(resid_post[9] at p.last)\n'
    assert "written when it is first run" in only(deep(text), "unchecked", "note").message
    zoo_path("exact/and-gate")
    assert "layer-out-of-range" in [d.code for d in deep(text)]


def test_a_rubric_that_is_not_there_is_an_error(deep) -> None:
    text = 'model g = zoo("judge")\ndataset d = file("zoo/agreement.jsonl", limit=6)\n'
    text += 'statistic s = judge(d.singular, rubric=file("kind.md"), scale="0..10")\n'
    assert place(text, only(deep(text), "file-not-found")) == 'file("kind.md")'
