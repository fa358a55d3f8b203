"""All problems of a file come out at once, each of them once."""

from __future__ import annotations

from pathlib import Path

import pytest

from .helpers_check import PROTOCOLS, checked, codes, roots
from .mutations import candidates

MODEL = 'model m = zoo("base")\n'
PROMPTS = 'dataset d = file("x.csv", columns=["q", "a"])\nprompts p from d { body: "{q}" answer: "{a}" }\n'


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda p: p.stem)
def test_a_misspelt_word_is_one_error(path: Path) -> None:
    text = path.read_text("utf-8")
    kinds = ("name misspelt", "attribute misspelt", "argument misspelt", "column misspelt")
    for edit in [e for kind in kinds for e in candidates(text)[kind][:4]]:
        found = checked(edit.apply(text), path).problems
        # A renamed declaration may also leave what it was unused; a lost axis is missed wherever it was walked.
        assert len([d for d in found if d.severity == "error"]) <= 1, (edit.shown(text), [d.message for d in found])


def test_several_mistakes_are_all_said() -> None:
    text = MODEL + PROMPTS + "statistic a = mean(prob(pp))\nstatistic b = nrom(resid_post[1] at p.last)\nclaim c = 3\n"
    assert codes(text) == ["unknown-name", "unknown-operation", "claim-not-boolean"]


def test_a_name_used_often_is_said_once_with_its_places() -> None:
    problems = checked(MODEL + PROMPTS + "statistic a = mean(prob(pp))\nstatistic b = mean(logit(pp))\n").problems
    assert [d.code for d in problems] == ["unknown-name"]
    assert [label.text for label in problems[0].secondary] == ["also here"]


def test_a_let_with_a_mistake_is_said_once() -> None:
    text = MODEL + PROMPTS + "let f(k) = mean(prob(p)) + norm(k)\nstatistic a = f(1) + f(2)\nstatistic b = f(3)\n"
    assert codes(text) == ["wrong-kind"]


def test_mistakes_in_what_is_never_used_are_found() -> None:
    text = (
        MODEL + PROMPTS + 'let g = logit(p, 3)\nintervention i(d) = steer(d, scale="x")\nstatistic a = mean(prob(p))\n'
    )
    assert sorted(codes(text)) == ["unused", "unused", "wrong-kind", "wrong-kind"]


def test_a_broken_statement_keeps_its_name() -> None:
    assert codes('model m = zoo("base"\n' + PROMPTS + "statistic a = mean(prob(p)) on m\n") == ["syntax"]


def test_a_spec_that_is_not_found_keeps_its_name() -> None:
    text = 'use "contrasts/framin" as framing\n' + MODEL + "statistic a = mean(prob(framing.eval))\n"
    assert codes(text) == ["use-not-found"]


def test_a_broken_dataset_keeps_its_columns() -> None:
    text = (
        MODEL
        + 'dataset d = file(3)\nprompts p from keep(d, kind == "x") { body: "{q}" }\nstatistic a = mean(entropy(p))\n'
    )
    assert codes(text) == ["wrong-kind"]


def test_a_broken_model_does_not_leave_its_readers_open() -> None:
    text = 'model m = zoo(3)\nmodel n = zoo("sft")\n' + PROMPTS + "statistic a = mean(prob(p)) for x in [m, n]\n"
    assert codes(text) == ["wrong-kind"]


def test_a_spec_with_mistakes_of_its_own_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "inner.probe").write_text("statistic a = nothing_here\n")
    problems = checked('use "inner"\nstatistic a = inner.a\n', tmp_path / "outer.probe").problems
    assert [d.code for d in problems] == ["use-has-errors"]


def test_a_cycle_is_one_error() -> None:
    assert codes("statistic a = b + 1\nstatistic b = a + 1\n") == ["cycle"]


GATE = MODEL + PROMPTS + "statistic gate = mean(prob(p))\n"
GATE += "direction unit = random_unit(like=mean(resid_post[1] at p.last))\n"


def test_an_operation_lends_its_name_to_what_is_never_called() -> None:
    shadowed = GATE + "statistic mean = mean(prob(p) under project_out(unit))\nclaim top = gate > 0.5 and mean > 0\n"
    assert codes(shadowed) == []
    plain = shadowed
    for old, new in (("gate", "g"), ("unit =", "u ="), ("(unit)", "(u)"), ("c mean =", "c n ="), ("mean >", "n >")):
        plain = plain.replace(old, new)
    assert [k for _, _, k in roots(checked(shadowed))] == [k for _, _, k in roots(checked(plain))]


@pytest.mark.parametrize("text", ["let mean(x) = x + 1\nstatistic s = mean(2)\n", "let none = 3\nstatistic s = none\n"])
def test_a_name_that_would_be_called_both_ways_is_taken(text: str) -> None:
    assert codes(text)[0] == "reserved-name"


def test_a_reserved_name_hides_no_other_mistake() -> None:
    text = MODEL + PROMPTS + "let none = 3\nstatistic b = norm(resid_post[1] at p)\nstatistic c = mean(prob(pp))\n"
    assert codes(text) == ["reserved-name", "wrong-kind", "unknown-name"]


def test_a_keyword_as_a_name_hides_no_other_mistake() -> None:
    text = MODEL + PROMPTS + "statistic for = mean(prob(p))\nstatistic b = norm(resid_post[1] at p)\n"
    assert codes(text) == ["syntax", "wrong-kind"]


def test_what_a_broken_statement_declares_is_not_missed() -> None:
    broken = 'model m = zoo("base"\naxis x = [1, 2\nuse "contrasts/framing" as framing 3\nparam peak = 3 4\n'
    broken += PROMPTS + "statistic a = mean(prob(p)) * x for x\n"
    broken += "statistic b = norm(mean_diff(resid_post[peak] at framing.eval.last))\n"
    assert codes(broken) == ["syntax"] * 4


@pytest.mark.parametrize("read", ["head[2, 1] at p.last", "q at p.last"])
def test_a_site_that_is_hidden_is_named(read: str) -> None:
    text = MODEL + PROMPTS + f"statistic head = mean(prob(p))\nlet q = 3\nstatistic s = norm({read})\n"
    assert "is hidden by the declaration" in [d.help for d in checked(text).problems if d.severity == "error"][0]
