"""What the checker says to people who write what they know from elsewhere: the help names what to write."""

from __future__ import annotations

import pytest

from probelang import check

HEAD = """probe 1
model sft = zoo("sft")
model other = zoo("facts")
axis stage = [sft, other]
dataset q = file("zoo/questions.jsonl", limit=4)
prompts ask from q { user: "{question}" answer: "I" }
let r = generate(ask, max_tokens=8) on sft
let z = keep(r, word_count(r.response) > 2)
"""


def said(text: str) -> list[tuple[str, str, str]]:
    found = check(HEAD + text + "\n", deep=False).problems
    return [(d.code, d.message, d.help or "") for d in found if d.code != "unused"]


@pytest.mark.parametrize(
    ("value", "help_"),
    [
        ("entropy(ask) under knockout(ask.question, ask.last) on sft", "knockout(from=…, to=…, layer=…"),
        ('judge(r.response, "How kind?") on sft', "judge(answers, rubric=…, scale=…"),
        ("entropy(ask) under graft(other) on sft", "graft(donor, parts=…, at=…"),
        ('entropy(ask) under graft(other, parts=["mlp"], at=ask.all) on sft', "`[mlp]`"),
        ("word_count(r.text)", "it has response, "),
        ('mentions(r.response, ["a", "b"])', '`any_of(["a", "b"])`'),
        ('mean(r.response == "The")', '`exact_match(r.response, "The")`'),
        ('mean(r.response != "The")', '`not exact_match(r.response, "The")`'),
        ('contains(r.response, "The")', "did you mean `mentions`?"),
        ("entropy(ask) for sft, other", "`for m in [sft, other]`"),
        ("entropy(ask) for m in stage", "`for stage`"),
    ],
)
def test_the_help_names_what_to_write(value: str, help_: str) -> None:
    assert any(help_ in found for _, _, found in said(f"statistic s = {value}")), said(f"statistic s = {value}")


def test_a_wider_scope_is_said_once() -> None:
    found = said("statistic s = rank(ask) == 1 under knockout(from=ask.question, to=ask.last) on sft")
    assert [code for code, _, _ in found] == ["model-open", "nothing-to-bind"]
    assert "parentheses" in found[1][2]


def test_what_is_not_paired_and_what_has_no_answer_is_named() -> None:
    ((_, message, _),) = said("statistic s = word_count(z.response) - word_count(r.response)")
    assert "`keep(r, …)`" in message and "`q`" in message
    ((_, message, help_),) = said("statistic s = prob(r) on sft")
    assert "None" not in message and "`prob(p," in help_
