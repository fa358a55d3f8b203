"""Conditions over items that a value has no more, over columns called as sites are; and what prompts have."""

from __future__ import annotations

import pytest

from .helpers_check import checked

DATA = 'dataset d = rows("""x,y\n1,0\n2,3\n5,4\n""")\n'
MODEL = 'model m = zoo("base")\nprompts p from d { body: "{x}" answer: " 3" }\n'


def said(text: str) -> list[tuple[str, int, str | None]]:
    found = [d for d in checked(text).problems if d.severity == "error"]
    return [(d.code, d.primary.span.line, d.help) for d in found]


@pytest.mark.parametrize(
    ("statement", "instead"),
    [
        ("statistic s = mean(d.x)[d.y > 1]", "mean(d.x[d.y > 1])"),
        ("statistic s = mean(d.x - d.y)[d.y > 1]", "mean((d.x - d.y)[d.y > 1])"),
        ("statistic s = quantile(d.x, 0.5)[d.y > 1]", "quantile(d.x[d.y > 1], q=0.5)"),
        ("statistic s = mean(d.x) for k in [1, 2] where d.y > k", "mean(d.x[d.y > k])"),
        ("statistic s = k for k in [1, 2] where d.y > k", "mean(x[d.y > k])"),
        ("let m = mean(d.x)\nstatistic s = m[d.y > 1]", "mean(x[d.y > 1])"),
        ("statistic s = sign_flip(d.x)[d.y > 1]", "sign_flip(d.x[d.y > 1])"),
        ("claim s = (mean(d.x) > 1) for k in [1, 2] where d.y > k", "mean(x[d.y > k])"),
    ],
)
def test_a_condition_over_items_of_a_value_without_items_is_an_error(statement: str, instead: str) -> None:
    [(code, _, help_)] = said(DATA + statement)
    assert (code, help_) == ("condition-over-items", f"leave items out before they are reduced: `{instead}`")
    if "x[" not in instead.removeprefix("mean"):
        assert not said(DATA + f"statistic s = {instead} for k in [1, 2]")


def test_tokens_that_were_pooled_cannot_be_chosen() -> None:
    text = DATA + MODEL + "let a = norm(resid_post[1] at p.all)\nstatistic s = mean(a, over=token)[a > 1]"
    assert [c for c, _, _ in said(text)] == ["condition-over-items"]


@pytest.mark.parametrize(
    "statement",
    [
        "statistic s = d.x[d.y > 1]",
        "statistic s = d.x for k in [1, 2] where d.y > k",
        "statistic s = (mean(d.x) * k)[k > 1] for k in [1, 2]",
        "statistic s = mean(d.x) * k for k in [1, 2] where k > 1",
        "statistic s = (d.x - mean(d.x))[d.x > mean(d.x)]",
    ],
)
def test_other_conditions_are_none(statement: str) -> None:
    assert not said(DATA + statement)


SITE = '`q` is a site; a column of that name is promised where the file is read: `columns=["q", …]`'


@pytest.mark.parametrize(
    ("dataset", "code"),
    [
        ('keep(file("x.csv"), q == "7")', "bad-operands"),
        ('keep(file("x.csv"), q + 1 > 2)', "bad-operands"),
        ('keep(file("x.csv"), q)', "wrong-kind"),
        ('file("x.csv") with r = q', "wrong-kind"),
    ],
)
def test_a_column_called_as_a_site_is_has_to_be_promised(dataset: str, code: str) -> None:
    end = '\nprompts p from e { body: "{q}" }\nstatistic s = mean(word_count(e.a))'
    assert [(c, h) for c, _, h in said(f"dataset e = {dataset}{end}")] == [(code, SITE)]
    promised = dataset.replace('"x.csv"', '"x.csv", columns=["q", "a"]')
    assert not said(f"dataset e = {promised}{end}")


def test_a_key_is_a_column_whatever_it_is_called() -> None:
    text = 'dataset e = file("x.csv", key=q)\nstatistic s = mean(word_count(e.a))'
    assert not said(text)
    key = next(n for n in checked(text).program.datasets.values()).input("key")
    assert (key.op, key.param("name")) == ("axis", "q")


@pytest.mark.parametrize("written", ["word_count(e.zzz)", "word_count(e.y)", "word_count(e.y())"])
def test_what_prompts_have_is_said_and_how_a_column_is_read(written: str) -> None:
    data = 'dataset d = file("d.csv", columns=["x", "y"])\nprompts e from d { body: "{x}" }\nmodel m = zoo("base")\n'
    [(code, _, help_)] = said(data + f"statistic s = {written}")
    assert code == "unknown-segment"
    end = "" if "zzz" in written else "; a column of the dataset is written `d.y`"
    assert help_ == f"it has body, x, and first, last, bos, template, all, tokens{end}"


def test_prompts_are_no_text() -> None:
    [(code, _, help_)] = said(DATA + MODEL + "statistic s = word_count(p)")
    assert code == "wrong-kind" and help_.startswith("a text is a column of a dataset")
