"""Parsing: the shipped table, spans, values, recovery, and that no text makes the parser raise."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probelang.grammar import tree as t
from probelang.grammar.diagnostics import Source
from probelang.grammar.parse import DEEPEST, declared_names, parse, string_value
from probelang.grammar.render import render_github, render_json, render_text
from probelang.grammar.table import shipped_text

ROOT = Path(__file__).parent.parent
SPECS = sorted([*(ROOT / "tests" / "samples").glob("*.probe"), *(ROOT / "specs").rglob("*.probe")])
SIGNS = [*"()[]{}\"'=:,.;#!\\\n\t -é漢٣\x00", "for ", " where ", '"""', "\r\n", "..", "**"]
TEXTS = [path.read_text("utf-8") for path in SPECS]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs_parse(path: Path) -> None:
    spec, problems = parse(path.read_text("utf-8"))
    assert not problems
    assert spec.statements


def test_the_shipped_table_is_the_grammar() -> None:
    shipped = (ROOT / "grammar" / "table.json").read_text("utf-8")
    assert shipped == shipped_text(), "run `python -m probelang.grammar.table`"


def test_spans_cut_out_the_source() -> None:
    text = "# é\nlet x = f(a, b=[1..2]) for y\n\n  claim  c = not true"
    spec, _ = parse(text)
    let, claim = spec.statements
    assert text[let.span.start : let.span.end] == "let x = f(a, b=[1..2]) for y"
    assert (let.span.line, let.span.column, claim.span.line, claim.span.column) == (2, 1, 4, 3)
    argument = let.value.arguments[1]
    assert text[argument.span.start : argument.span.end] == "b=[1..2]"
    assert text[claim.value.operand.span.start : claim.value.operand.span.end] == "true"


def test_spans_are_right_after_recovery() -> None:
    text = "let x = (\n\nlet y = abc\n"
    spec, _ = parse(text)
    value = spec.statements[0].value
    assert text[value.span.start : value.span.end] == "abc"
    assert (value.span.line, value.span.column) == (3, 9)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (r'"a\n\t\"b\""', 'a\n\t"b"'),
        (r"'it\'s'", "it's"),
        (r'"\x41\u00e9"', "Aé"),
        (r'"[0-9]+\d\\"', "[0-9]+\\d\\"),
        ('"""a\n"b"\n"""', 'a\n"b"\n'),
        ('""', ""),
    ],
)
def test_texts(raw: str, value: str) -> None:
    assert string_value(raw) == value
    assert parse(f"let x = {raw}")[0].statements[0].value == t.String(value=value, raw=raw)


@pytest.mark.parametrize(("raw", "value"), [("007", 7), ("1_000", 1000), ("2.50", 2.5), ("5e-3", 0.005), ("1E2", 1e2)])
def test_numbers(raw: str, value: float) -> None:
    found = parse(f"let x = {raw}")[0].statements[0].value
    assert found == t.Number(value=value, raw=raw)
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("-a ** b", "-(a ** b)"),
        ("not a == b and c", "(not (a == b)) and c"),
        ("a or b and c", "a or (b and c)"),
        ("x at y on m + z", "((x at y) on m) + z"),
        ("a.b(c)[d] at e.f", "(a.b(c)[d]) at (e.f)"),
        ("1 + 2..3 * n by 2", "(1 + 2)..(3 * n) by 2"),
        ("a ** b ** c", "a ** (b ** c)"),
    ],
)
def test_precedence(text: str, same: str) -> None:
    assert shape(text) == shape(same)


def shape(text: str) -> object:
    """The tree of an expression without its parentheses, as nested tuples."""

    def strip(node):
        if isinstance(node, t.Paren):
            return strip(node.inner)
        if isinstance(node, t.Node):
            names = [n for n in node.__dataclass_fields__ if n not in ("span", "raw")]
            return (type(node).__name__, *(strip(getattr(node, n)) for n in names))
        return tuple(map(strip, node)) if isinstance(node, tuple) else node

    return strip(parse(f"let x = {text}")[0].statements[0].value)


@pytest.mark.parametrize("word", "order forest android atom inner lettuce true_rate notes byte".split())
def test_a_keyword_ends_at_the_words_end(word: str) -> None:
    spec, problems = parse(f"let {word} = {word} + f({word}=1).{word} for {word}")
    assert not problems and spec.statements[0].name.text == word
    assert parse(f"let x = a {word}")[1]


def test_any_word_can_be_an_argument_a_column_a_segment_or_a_field() -> None:
    text = "let x = f(for=1, model = 2).from dataset d = x with in = 1 prompts p { where: 1 user.by : 2 }"
    assert not parse(text)[1]


def test_recovery_keeps_whole_statements_and_finds_every_broken_one() -> None:
    text = 'let a = 1\nmodle b = 2\nlet c = (\nlet d = """\nlet e\n"""\nlet f = &\n# note\nlet g = 3\n'
    spec, problems = parse(text)
    assert [s.name.text for s in spec.statements] == ["a", "d", "g"]
    assert [p.primary.span.line for p in problems] == [2, 3, 7]
    assert [c.text for c in spec.comments] == ["# note"]
    assert declared_names(text) >= {"a", "c", "d", "f", "g"}


def test_nesting_has_a_limit() -> None:
    assert not parse("let x = " + "(" * 100 + "1" + ")" * 100)[1]
    spec, problems = parse("let x = " + "[" * 5000 + "]" * 5000 + "\nlet y = 1")
    assert [s.name.text for s in spec.statements] == ["y"]
    assert problems[0].code == "too-deep" and str(DEEPEST) in problems[0].message


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(TEXTS), st.integers(0, 2**32))
def test_no_mutation_raises(text: str, seed: int) -> None:
    """Texts with pieces cut, doubled, moved and replaced give trees or diagnostics that can be shown."""
    random = Random(seed)
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.choice([0, 1, 1, 3, 20]))
        new = random.choice(["", "", text[start:end] * 2, *SIGNS])
        text = text[:start] + new + text[end:]
    shows(text)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_no_text_raises(text: str) -> None:
    shows(text)


def shows(text: str) -> None:
    _, problems = parse(text)
    source = Source("a.probe", text)
    for problem in problems:
        assert 0 <= problem.primary.span.start <= len(text)
        assert problem.message and not problem.message.startswith("Unexpected")
    for render in (render_text, render_json, render_github):
        render(problems, source)
