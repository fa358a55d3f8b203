"""`probe why`: what is stored, and what has changed for what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from probelang.cli import main
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.why import why
from tests.helpers_models import build
from tests.reference.checked import checked

torch.set_num_threads(1)

SPEC = """probe 1
model m = path("m")
dataset d = file("rows.csv", key=id)
prompts p from d { body: "the {q} is" answer: " {a}" }
direction way = mean(resid_post[1] at p.last)
statistic gain = mean(logit(p) under project_out(way))
statistic plain = mean(logit(p))
"""
ROWS = ["1,big hot,small", "2,up down the,bad", "3,red,blue"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, rows, and a store that has seen the spec."""
    folder = tmp_path_factory.mktemp("why")
    build("llama", folder / "m")
    write(folder, ROWS)
    execute(checked(SPEC, folder), root=folder, options=RunOptions(replicates=5, store=folder / "store"))
    return folder


def write(folder: Path, rows: list[str]) -> None:
    (folder / "rows.csv").write_text("\n".join(["id,q,a", *rows]) + "\n")


def asked(text: str, folder: Path, *names: str, **options):
    made = RunOptions(store=folder / "store", **options)
    return why(checked(text, folder), root=folder, options=made, names=names)


def differs(text: str, folder: Path, **options) -> list[str]:
    """What is said to differ for the plain statistic, which must have to be computed."""
    ((part,),) = (w.parts for w in asked(text, folder, "plain", **options))
    assert part.state == "computed" and part.relative.spec == "spec.probe"
    return list(part.relative.differs)


def test_what_is_stored_is_said_to_be(ran: Path) -> None:
    found = {w.name: [p.state for p in w.parts] for w in asked(SPEC, ran)}
    assert found == {"way": ["stored"], "gain": ["stored"] * 2, "plain": ["stored"]}


def test_an_empty_store_has_nothing_like_it(ran: Path, tmp_path: Path) -> None:
    found = why(checked(SPEC, ran), root=ran, options=RunOptions(store=tmp_path / "none"))
    parts = [p for w in found for p in w.parts]
    assert {p.state for p in parts} == {"computed"} and {p.relative for p in parts} == {None}
    assert next(w for w in found if w.name == "gain").parts[-1].note.startswith("it needs values")


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (('"the {q} is"', '"a {q} is"'), "prompts p: 'the {q} is' -> 'a {q} is'"),
        (("mean(logit(p))", 'mean(logit(p, " good"))'), "argument answer: nothing -> ' good'"),
    ],
)
def test_what_changed_in_the_spec_is_named(edit: tuple[str, str], line: str, ran: Path) -> None:
    assert line in differs(SPEC.replace(*edit), ran)


def test_rows_are_counted(ran: Path) -> None:
    write(ran, [ROWS[0], ROWS[1].replace("bad", "good"), "4,cat,dog", "5,dog,cat"])
    try:
        found = differs(SPEC, ran)
    finally:
        write(ran, ROWS)
    assert found == ["dataset d: other rows", "rows: 2 more, 1 fewer, 1 changed"]


def test_settings_and_weights_are_named(ran: Path) -> None:
    assert differs(SPEC, ran, dtype="bfloat16") == ["dtype: float32 -> bfloat16"]
    build("llama", ran / "m", seed=3)
    try:
        (line,) = differs(SPEC, ran)
    finally:
        build("llama", ran / "m", seed=0)
    assert line.endswith("m): other weights, config or tokenizer")


def test_a_layer_and_an_intervention_are_named(ran: Path) -> None:
    (way,) = asked(SPEC.replace("resid_post[1]", "resid_post[2]"), ran, "way")
    assert way.parts[0].relative.differs == ("layer of resid_post: 1 -> 2",)
    (gain,) = asked(SPEC.replace("project_out(way)", "steer(way)"), ran, "gain")
    assert gain.parts[-1].state == "computed"
    assert any(d.startswith("intervention") for d in gain.parts[-1].relative.differs)


def test_rows_that_were_run_under_another_name_are_known(ran: Path) -> None:
    text = SPEC.replace("prompts p", "prompts ask").replace("p.last", "ask.last").replace("(p)", "(ask)")
    assert {p.state for w in asked(text, ran, "plain", "way") for p in w.parts} == {"stored"}
    text = SPEC.replace("body:", "main:")  # the labels of tokens would be others
    assert {p.state for w in asked(text, ran, "plain", "way") for p in w.parts} == {"known"}


TEXTS = (
    SPEC
    + """let drawn = generate(p, samples=2, max_tokens=3, temperature=1.5)
statistic said = drawn.response
statistic plainly = mean(cross_entropy(drawn))
statistic likely = mean(norm(resid_post[2] at drawn.last))
"""
)


def test_texts_whose_pieces_are_there_are_known(ran: Path) -> None:
    options = RunOptions(replicates=5, store=ran / "store")
    execute(checked(TEXTS, ran), root=ran, options=options)
    assert {p.state for w in asked(TEXTS, ran) for p in w.parts} == {"stored"}
    text = TEXTS.replace("body:", "main:")
    found = {w.name: [p.state for p in w.parts] for w in asked(text, ran)}
    assert found["said"] == ["known"] and found["plainly"] == ["known", "known"] == found["likely"]
    again = execute(checked(text, ran), root=ran, options=options)
    assert again.manifest["counts"]["forwards"] == 0
    longer = {w.name: w.parts for w in asked(text.replace("max_tokens=3", "max_tokens=4"), ran)}
    assert longer["said"][0].state == "computed" and longer["said"][0].items == (3, 3)
    assert longer["likely"][1].note.startswith("it needs values")


def test_the_command_tells_it(ran: Path, capsys: pytest.CaptureFixture) -> None:
    spec = ran / "spec.probe"
    spec.write_text(SPEC.replace('"the {q} is"', '"a {q} is"'))
    where = ["--store", str(ran / "store")]
    assert main(["why", str(spec), "plain", *where]) == 0
    out = capsys.readouterr().out
    assert out.startswith("plain   line 7\n  computed  logit of p") and "not as in spec.probe" in out
    assert main(["why", str(spec), *where, "--format", "json"]) == 0
    assert [w["name"] for w in json.loads(capsys.readouterr().out)] == ["way", "gain", "plain"]
    assert main(["why", str(spec), "nothing", *where]) == 1
    assert "unknown-statement" in capsys.readouterr().err
