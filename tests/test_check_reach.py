"""What an intervention reaches beside what was meant, norms that differ in one list, and arguments that do nothing."""

from __future__ import annotations

import pytest

from .helpers_check import checked

HEAD = """\
model base = zoo("base")
model sft  = zoo("sft")
dataset d = rows(\"\"\"q
one
two
\"\"\")
dataset e = rows(\"\"\"q
three
four
\"\"\")
contrast c from d { positive: { a: "A" b: " {q}" } negative: { a: "B" b: " {q}" } }
prompts ask { user: "hello" }
prompts near from e { a: "C {q}" }
let reply = generate(ask, max_tokens=4)
let drawn = generate(near, max_tokens=4, samples=2, temperature=1.0)
direction v = mean_diff(resid_post[2] at c.last) on sft
direction u = unit(v)
direction r = random_unit(like=v, seed=seed) for seed in 1..5
direction n = norm(v) * random_unit(like=v, seed=seed) for seed in 1..5
intervention push(x) = steer(x, scale=3, during="response")
"""


def found(text: str) -> list[str]:
    return [d.code for d in checked(HEAD + text + "\n").problems if d.code != "unused"]


@pytest.mark.parametrize(
    "text",
    [
        "statistic s = cross_entropy(reply) under push(u) on sft",
        "statistic s = exp(cross_entropy(reply on sft) on base) under push(u)",
        "statistic s = mean(cross_entropy(drawn.response)) under push(u) on sft",
        "statistic s = exp(cross_entropy(reply on sft) on base) under steer(arm, scale=dose) for arm in [u, r], "
        "dose in [0, 4]",
        "statistic s = norm(resid_post[2] at reply.response.mean) under push(u) on sft",
        "statistic s = norm(resid_post[2] at reply.last) under push(arm) on sft for arm in [none, u]",
        "statistic s = mean(cross_entropy(keep(drawn, word_count(drawn.response) > 1))) under push(u) on sft",
        "statistic s = shift(mean(cross_entropy(drawn) under push(u))) on sft",
    ],
)
def test_one_under_around_the_writing_and_the_reading(text: str) -> None:
    assert found(text) == ["written-and-read-under"]


@pytest.mark.parametrize("edits", ["{}", "[{}, scale(mlp[1] at ask.last, 2, reread=true)]"])
def test_reading_under_the_same_edit_may_be_meant(edits: str) -> None:
    text = "statistic s = cross_entropy(reply) under {} on sft"
    said = text.replace("{}", edits.replace("{}", "steer(u, reread=true)"))
    assert found(said) == []
    assert found(said.replace("steer(u, reread=true)", "steer(u)")) == ["written-and-read-under"]
    one, other = (checked(HEAD + t).program.statements[-1].node for t in (said, said.replace(", reread=true", "")))
    assert one is not None and one.key == other.key


@pytest.mark.parametrize(
    "text",
    [
        "statistic s = cross_entropy((reply on sft) under push(u)) on base",
        "statistic s = cross_entropy((drawn under push(arm)).response) on sft for arm in [none, u]",
        "statistic s = word_count(reply.response) under push(u) on sft",
        'statistic s = judge(reply.response on sft, rubric="Rate it.", scale="0..10") under push(u) on base',
        'statistic s = prob(ask, "Yes") under push(u) on sft',
        'dataset texts = generate(near, max_tokens=4) on sft\nprompts again from texts { a: "{response}" }\n'
        "statistic s = mean(cross_entropy(again)) under push(u) on sft",
        'let put = drawn on sft\nprompts again from put { a: "{response}" }\n'
        "statistic s = mean(cross_entropy(again)) under push(u) on sft",
    ],
)
def test_a_text_that_is_read_clean(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("prob(ask, \"Yes\") under steer(v) on base", ["direction-of-another-model"]),
        ("prob(ask, \"Yes\") under push(0.5 * v) on base", ["direction-of-another-model"]),
        ("prob(ask, \"Yes\") under push(v) on m for m in [base, sft]", ["direction-of-another-model"]),
        ("prob(ask, \"Yes\") under steer(v) on sft", []),
        ("prob(ask, \"Yes\") under steer(u) on base", []),
        ("prob(ask, \"Yes\") under steer(n) on sft", []),
        ("prob(ask, \"Yes\") under steer(v, unit=\"residual_norm\") on base", []),
        ("prob(ask, \"Yes\") under project_out(v) on base", []),
        ("exp(cross_entropy(reply on sft) on base) under push(v)",
         ["direction-of-another-model", "written-and-read-under"]),
    ],
)  # fmt: skip
def test_a_length_that_was_measured_in_another_model(text: str, codes: list[str]) -> None:
    assert sorted(found(f"statistic s = {text}")) == codes


@pytest.mark.parametrize(
    ("arms", "edit", "codes"),
    [
        ("[v, r]", "steer(arm, scale=8)", ["null-of-another-norm"]),
        ("[none, v, r]", "push(arm)", ["null-of-another-norm"]),
        ("[v, u]", "steer(arm, scale=times)", ["null-of-another-norm"]),
        ("[v, n]", "steer(arm, scale=8)", []),
        ("[u, r]", "steer(arm, scale=8)", []),
        ("[none, u]", "steer(arm, scale=8)", []),
        ("[v, r]", 'steer(arm, scale=8, unit="unit")', []),
        ("[v, r]", 'steer(arm, scale=0.5, unit="residual_norm")', []),
        ("[v, r]", "steer(arm, scale=8 / norm(arm))", []),
        ("[v, r]", "project_out(arm)", []),
    ],
)
def test_a_null_of_another_norm(arms: str, edit: str, codes: list[str]) -> None:
    loop = f"for arm in {arms}" + (", times in [1, 2]" if "times" in edit else "")
    assert found(f'statistic s = prob(ask, "Yes") under {edit} on sft {loop}') == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("graft(sft, parts=[mlp], at=ask.user) on sft", ["graft-of-itself"]),
        ("graft(sft, parts=[mlp], at=ask.user) on base", []),
        ("graft(sft, parts=[mlp], at=ask.user) on m for m in [base, sft]", []),
        ('graft(zoo("base", revision="step-50"), parts=[mlp], at=ask.user) on base', []),
    ],
)
def test_a_graft_of_the_model_itself(text: str, codes: list[str]) -> None:
    assert found(f'statistic s = prob(ask, "Yes") under {text}') == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("word_count(generate(near, samples=3).response)", ["samples-alike"]),
        ("word_count(generate(near, samples=3, temperature=0).response)", ["samples-alike"]),
        ("word_count(generate(near, samples=3, temperature=t).response) for t in [0, 1]", []),
        ("word_count(generate(near, temperature=0).response)", []),
        ('judge(d.q, rubric="Rate {txt} from 0 to 10.", scale="0..10")', ["rubric-not-filled"]),
        ('judge(d.q, rubric="Rate {q}.", scale="0..10")', ["rubric-not-filled"]),
        ('judge(d.q, rubric="Rate {text} from 0 to 10. Score:", scale="0..10")', []),
        ('judge(d.q, rubric="Rate {text} after {q}. Score:", scale="0..10")', []),
        ('judge(d.q, rubric="Rate it from 0 to 10.")', ["rubric-of-another-scale"]),
        ('judge(d.q, rubric="Rate it from 1 to 5.", scale="0..10")', ["rubric-of-another-scale"]),
        ('judge(d.q, rubric="Rate it from 0 to 100.")', []),
        ('judge(d.q, rubric="Rate it from 0 to 10, or from 1 to 5.", scale="0..100")', []),
        ("word_count(keep(drawn, mean(word_count(drawn.response)) > 3).response)", ["keeps-all-or-none"]),
        ("word_count(keep(drawn, word_count(drawn.response) > 3).response)", []),
        ("word_count(keep(drawn, true, at_most=1).response)", []),
    ],
)
def test_what_does_nothing(text: str, codes: list[str]) -> None:
    value, _, loop = text.partition(" for ")
    assert found(f"statistic s = {value} on sft" + (f" for {loop}" if loop else "")) == codes


@pytest.mark.parametrize(
    ("edit", "null", "codes"),
    [
        ("steer(v, scale=8)", "steer(r, scale=8)", ["null-of-another-norm"]),
        ("steer(v)", "steer(r)", ["null-of-another-norm"]),
        ("steer(v, scale=8)", "steer(n, scale=8)", []),
        ("steer(v, scale=8)", "steer(r, scale=50)", []),
        ("steer(u, scale=8)", "steer(r, scale=8)", []),
        ("project_out(v)", "project_out(r)", []),
    ],
)
def test_a_null_of_another_norm_in_a_statistic_of_its_own(edit: str, null: str, codes: list[str]) -> None:
    text = f"""\
statistic a = prob(ask, "Yes") under {edit} on sft
statistic b = prob(ask, "Yes") under {null} on sft
statistic z = z_score(a, null=b)"""
    assert found(text) == codes
