"""The formatter keeps meaning and comments, and formatting twice changes nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from probelang.grammar.format import NotFormatted, format
from probelang.grammar.layout import Fill, Group, HardLine, Line, Nest, WhenBroken, cat, join, lay_out
from probelang.grammar.parse import parse

from .strategies import PROGRAMS, PROGRAMS_WITH_COMMENTS

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "tests" / "samples"
SPECS = sorted([*SAMPLES.glob("*.probe"), *(ROOT / "specs").rglob("*.probe")])
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def holds(text: str, width: int = 100) -> str:
    tree, problems = parse(text)
    assert not problems, problems[0].message
    formatted = format(text, width)
    again, problems = parse(formatted)
    assert not problems, problems[0].message
    assert again == tree
    assert Counter(c.text for c in again.comments) == Counter(c.text for c in tree.comments)
    assert format(formatted, width) == formatted
    assert "\n\n\n" not in formatted.replace('"""over', "") and not formatted.startswith("\n")
    return formatted


@QUICK
@given(PROGRAMS)
def test_meaning_is_kept_and_twice_is_once(text: str) -> None:
    holds(text)


@QUICK
@given(PROGRAMS_WITH_COMMENTS)
def test_comments_survive_anywhere(text: str) -> None:
    holds(text)


@pytest.mark.parametrize("width", [40, 100, 400])
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs_keep_their_meaning(path: Path, width: int) -> None:
    holds(path.read_text("utf-8"), width)


def test_the_canonical_style_is_left_alone() -> None:
    text = (SAMPLES / "formatted.probe").read_text("utf-8")
    assert format(text) == text


def test_lines_fit() -> None:
    text = (SAMPLES / "formatted.probe").read_text("utf-8")
    for width in (90, 100):
        assert all(len(line.split("  #")[0]) <= width for line in format(text, width).splitlines() if line[:1] != "#")


CASES = {
    "one line when it fits": (
        "let x=f( a,\n  b = [1 ,2,] )",
        "let x = f(a, b=[1, 2])\n",
    ),
    "a clause goes to the next line": (
        f"statistic s = f({'a' * 40}, {'b' * 40}) for layer in all_layers",
        f"statistic s = f({'a' * 40}, {'b' * 40})\n  for layer in all_layers\n",
    ),
    "names of a loop one below the other": (
        f"let s = f(a) for aa, b in [{'x' * 60}], cccccc in [{'y' * 40}], d where a < b",
        f"let s = f(a)\n  for aa, b  in [{'x' * 60}],\n      cccccc in [{'y' * 40}],\n      d\n  where a < b\n",
    ),
    "operators of one level break together": (
        f"let s = {'a' * 40} + {'b' * 40} - {'c' * 40} * d",
        f"let s = {'a' * 40}\n  + {'b' * 40}\n  - {'c' * 40} * d\n",
    ),
    "models and axes share columns": (
        'model a=hub("x")\naxis stages=[a]\nmodel between(t) = x',
        'model a      = hub("x")\naxis  stages = [a]\nmodel between(t) = x\n',
    ),
    "another keyword or a blank line ends a block": (
        "let a = 1\nlet bb = 2\n\nlet ccc = 3\nclaim d = 4",
        "let a  = 1\nlet bb = 2\n\nlet ccc = 3\nclaim d = 4\n",
    ),
    "prompts share columns": (
        'prompts a from rows { user: "x" system: "y" }\nprompts longer {user:"xyz"  system: "y"}',
        'prompts a      from rows { user: "x"   system: "y" }\nprompts longer           { user: "xyz" system: "y" }\n',
    ),
    "quotes": (
        'let x = [\'a\', \'say "a"\', "it\'s", \'it\\\'s "a"\', "\\"\\d"]',
        'let x = ["a", \'say "a"\', "it\'s", "it\'s \\"a\\"", \'"\\d\']\n',
    ),
    "numbers and parentheses stay": ("let x = ((1_000)) + 5E-3", "let x = ((1_000)) + 5E-3\n"),
    "blank lines": ("\n\n# a\n\n\n\n# b\nlet x = 1\n\n\n\nlet y = 2\n\n", "# a\n\n# b\nlet x = 1\n\nlet y = 2\n"),
    "a comment inside an expression goes above": ("let x = a # why\n  + b", "# why\nlet x = a + b\n"),
    "a comment in a list stays": ("let x = [1, # one\n 2]", f"let x = [\n{'  1,':57}# one\n  2,\n]\n"),
    "a comment before a clause stays": (
        "dataset d = x # why\n with a = 1",
        f"{'dataset d = x':57}# why\n  with a = 1\n",
    ),
    "two statements on a line": ("let x = 1 let y = 2 # both", f"let x = 1\n{'let y = 2':57}# both\n"),
    "Windows line ends": ("let x = 1 # a\r\nlet y = 2\r\n", f"{'let x = 1':57}# a\nlet y = 2\n"),
    "a text over several lines is not touched": (
        'let x = f(a, text="""\n  b   \n\n\n""")',
        'let x = f(a, text="""\n  b   \n\n\n""")\n',
    ),
    "nothing": ("", ""),
    "only comments": ("# a\n\n\n# b", "# a\n\n# b\n"),
}


@pytest.mark.parametrize("case", CASES)
def test_style(case: str) -> None:
    text, expected = CASES[case]
    assert format(text) == expected
    assert format(expected) == expected


def test_comments_of_the_untidy_sample_stay_beside_what_they_say() -> None:
    formatted = format((SAMPLES / "untidy.probe").read_text("utf-8"))
    lines = [" ".join(line.split()) for line in formatted.splitlines()]
    for line in ("let bee = [1, 2, 3] # trailing", "b=a, # beside b", ") # after all", 'user: "x" # beside user',
                 'dataset rows = file("x.csv") # what it holds'):  # fmt: skip
        assert line in lines
    assert lines[lines.index("# above b") + 1] == "b=a, # beside b"
    assert lines[lines.index("# in the middle") + 1] == "let d = a + bee"


def test_a_file_with_errors_is_refused() -> None:
    with pytest.raises(NotFormatted) as refused:
        format("let x = (\nlet y = 1")
    assert [d.code for d in refused.value.diagnostics] == ["syntax"]


def test_layout() -> None:
    def rows(doc, width):
        return [row.code for row in lay_out(doc, width)]

    words = Fill(("aa", "bb", "cc"), by=2)
    assert rows(words, 8) == ["aa bb cc"]
    assert rows(words, 5) == ["aa bb", "  cc"]
    block = Group(cat("{", Nest(cat(Line(""), join(Line(), ["a", cat("b", WhenBroken("!"))]))), Line(""), "}"))
    assert rows(block, 5) == ["{a b}"]
    assert rows(block, 4) == ["{", "  a", "  b!", "}"]
    assert rows(Group(cat("a", HardLine(), "b", Line(), "c")), 80) == ["a", "b", "c"]
