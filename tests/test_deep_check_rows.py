"""Rows of data: columns and labels that are not there, files and conditions that leave none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers_deep import GAP, HEAD, only, place


def test_columns_that_are_not_there(deep) -> None:
    text = HEAD.replace("{are}", "{ar}", 1) + GAP
    found = only(deep(text), "unknown-column")
    assert found.help == "did you mean `are`?" and place(text, found) == '"{ar}"'


def test_promised_columns_are_held(deep) -> None:
    text = HEAD.replace("limit=6", 'limit=6, columns=["singular", "plural", "is", "are", "were"]') + GAP
    assert "`were`" in only(deep(text), "unknown-column").message


def test_keys_are_unique(deep) -> None:
    text = HEAD.replace("limit=6", "limit=6, key=other_number") + GAP
    only(deep(text), "duplicate-key")


def test_labels_that_are_all_the_same(deep, tmp_path) -> None:
    (tmp_path / "rows.csv").write_text("word,kind\na,x\nb,x\nc,x\n")
    text = 'model base = zoo("base")\ndataset d = file("rows.csv")\nprompts p from d { text: "The {word}" }\n'
    text += 'let c = classifier("logistic", x=resid_post[1] at p.last, y=d.kind, folds=2)\n'
    text += "statistic s = c.accuracy()\n"
    assert "'x' in all 3 rows" in next(d for d in deep(text) if d.code == "constant-labels").message


@pytest.mark.parametrize(
    ("treated", "told"),
    [('d.kind == "z"', "all 3 items have the same attribute (false)"), ("d.long > 1", None), ('d.kind == "x"', None),
     ("d.long > 0", "all 3 items have the same attribute (true)")],
)  # fmt: skip
def test_an_attribute_that_the_data_make_constant(deep, tmp_path: Path, treated: str, told: str | None) -> None:
    (tmp_path / "rows.csv").write_text("word,kind,long,r0,r1,r2\na,x,1,1,2,3\nb,x,2,1,2,3\nc,y,3,1,2,3\n")
    text = 'dataset d = file("rows.csv")\n'
    text += f'statistic s = rate(d.r0, once=d.r1, twice=d.r2, treated={treated}, estimand="ATE")\n'
    found = deep(text)
    if told is None:
        assert not found
    else:
        warned = only(found, "constant-attribute", "warning")
        assert warned.message == told and place(text, warned) == treated


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [("e.jsonl", "", "empty-file"), ("e.json", "[]", "empty-file"), ("e.csv", "", "empty-file"),
     ("e.csv", "singular,plural,is,are\n", "empty-dataset")],
)  # fmt: skip
def test_a_file_without_rows_is_one_error_at_its_place(deep, tmp_path: Path, name: str, text: str, code: str) -> None:
    (tmp_path / name).write_text(text)
    spec = HEAD.replace('file("zoo/agreement.jsonl", limit=6)', f'file("{name}")') + GAP
    assert place(spec, only(deep(spec), code)) == f'file("{name}")'


NONE = 'singular == "nothing"'
LEFT = HEAD.partition("contrast")[0] + "dataset some = keep(items, {})\n"


@pytest.mark.parametrize(
    ("condition", "end", "code", "severity"),
    [
        (NONE, 'prompts q from some { text: "{singular}" }\nstatistic s = entropy(q)', "no-items", "error"),
        (NONE, "statistic s = mean(word_count(some.singular))", "no-items", "warning"),
        ("singular", "statistic s = mean(word_count(some.singular))", "not-a-condition", "error"),
        ("singular > 3", "statistic s = mean(word_count(some.singular))", "not-numbers", "error"),
        ('singular != "nothing"', "statistic s = mean(word_count(some.singular))", None, None),
    ],
)  # fmt: skip
def test_a_keep_that_leaves_nothing_is_told_at_its_place(deep, condition: str, end: str, code, severity) -> None:
    text = LEFT.replace("{}", condition) + end
    found = deep(text)
    if code is None:
        assert not found
    else:
        told = condition if code == "not-numbers" else f"keep(items, {condition})"
        assert place(text, only(found, code, severity)) == told


def test_only_the_keep_that_leaves_nothing_is_told(deep) -> None:
    text = LEFT.replace("{}", NONE) + 'dataset none_of_it = keep(some, plural == "x")\n'
    text += "dataset part, rest = split(none_of_it, 0.5)\nstatistic s = mean(word_count(rest.singular))"
    assert "6 items" in only(deep(text), "no-items", "warning").message


def test_a_part_of_a_split_without_items_is_told_at_the_split(deep) -> None:
    text = HEAD.partition("contrast")[0].replace("limit=6", "limit=1")
    text += "dataset fit, test = split(items, 0.5)\nstatistic s = mean(word_count(test.singular))"
    assert place(text, only(deep(text), "empty-split")) == "split(items, 0.5)"


@pytest.mark.parametrize(
    "condition", ["singular == 3", "3 != plural", "singular < 3", 'count == "2"', 'flag == "true"']
)
def test_texts_compared_with_numbers_are_told_at_their_place(deep, condition: str) -> None:
    rows = 'dataset d = rows("""singular,plural,count,flag\nkey,keys,1,true\ncat,cats,2,false""")\n'
    for text in (
        f"dataset some = keep(d, {condition})\nstatistic s = mean(word_count(some.singular))\n",
        f"dataset some = d with holds = {condition}\nstatistic s = mean(some.holds)\n",
    ):
        found = only(deep(rows + text), "not-numbers" if "<" in condition else "kinds-differ")
        assert place(rows + text, found) == condition


def test_what_a_column_holds_is_compared_in_silence(deep) -> None:
    rows = 'dataset d = rows("""singular,count,flag\nkey,1,true\ncat,2,false""")\n'
    same = "keep(keep(d, count > 1), flag != true)"
    assert deep(f'{rows}dataset some = keep({same}, singular != "key")\nstatistic s = mean(some.count)\n') == []
