"""Syntax errors in the reader's words: each slip, what is said, what to do, and the place underlined."""

from __future__ import annotations

import pytest

from probelang.grammar.diagnostics import Diagnostic
from probelang.grammar.parse import parse

# The broken text, with the place that is underlined between ‹ and ›; words of the message; words of the help.
SLIPS = [
    # brackets
    ("let x = f‹(›a", "`(` is never closed", "add `)`"),
    ("let x = a‹[›layer=3", "`[` is never closed", "add `]`"),
    ('prompts p ‹{› user: "a"', "`{` is never closed", "add `}`"),
    ("let x = (a‹]›", "`(` is not closed before `]`", "add `)`"),
    ("let x = f(a ‹for› layer", "`(` is not closed before `for`", "add `)`"),
    ("let x = f(a, [b, c‹)›", "`[` is not closed before `)`", "add `]`"),
    ("let x = a‹)›", "`)` closes nothing", "remove it"),
    ("prompts p { } ‹}›", "`}` closes nothing", "remove it"),
    ("let x = [a ‹for› a in b]", "no `for` stands inside brackets", "at the end"),
    ("let x = f(a ‹b›)", "a comma is missing before `b`", "comma"),
    ('model m = hub("x" ‹revision›="y")', "a comma is missing before `revision`", "comma"),
    ("let x = f(a,‹,› b)", "a value is missing before `,`", None),
    ("let x = a[‹]›", "nothing stands in the brackets", "x[layer=3]"),
    ("let x = (a‹,› b)", "`,` cannot stand here", "[a, b]"),
    # quotes
    ('let x = hub(‹"›abc)', "this text is never closed", 'add `"`'),
    ("let x = ‹'›abc", "this text is never closed", "add `'`"),
    ('let x = ‹"""›abc\n\n', "this text is never closed", 'add `"""`'),
    ('let x = hub(a‹"›)', "no partner", "two of them"),
    ('prompts p { user: "say "‹hi›" to" }', "the text ends before `hi`", "other kind of quotes"),
    ("let x = ‹“›a”", "not a quotation mark", "straight"),
    ("let x = ‹'''›abc'''", "does not open a text", "three double quotes"),
    ('let x = ‹f›"abc"', "takes no `f`", "{column}"),
    ("use ‹framing›", "stands in quotes", 'use "framing"'),
    ('let ‹"x"› = 3', "without quotes", None),
    ("prompts p { user: hello ‹world› }", "`world` follows a value", "in quotes"),
    # equals
    ("let x ‹==› 3", "a single `=`", "write `=`"),
    ("claim c = a ‹=› 3", "`=` does not compare", "write `==`"),
    ("let x = y for a in b where a ‹=› 3", "`=` does not compare", "write `==`"),
    ("let x = y for a ‹=› [1]", "follow `in`", "write `in`"),
    ("let x ‹3›", "`=` is missing before `3`", None),
    ('model base ‹hub›("x")', "`=` is missing before `hub`", None),
    ("let ‹x›", "`=` and a value are missing after `x`", None),
    ("let x ‹=›", "a value is missing after `=`", None),
    ("let x ‹:=› 3", "`:=` does not exist", "single `=`"),
    ("let x ‹+=› 3", "`+=` does not exist", "new name"),
    ("prompts p ‹=› 3", "takes braces", "prompts p {"),
    ("let x = f(a.b‹=›3)", "a single word", "=="),
    # names
    ("let ‹for› = 3", "keyword and cannot be a name", "another name"),
    ("model ‹axis›(t) = 3", "keyword and cannot be a name", "another name"),
    ("let x = ‹model›", "keyword and cannot stand for a value", "another name"),
    ("let ‹=› 3", "a name is missing before `=`", None),
    ("let ‹3x› = 4", "cannot start with a digit", "letter"),
    ("let my‹-›name = 3", "letters, digits and `_`", "write `_`"),
    ("let mean ‹acc› = 3", "a name is a single word", "mean_acc"),
    ("let ‹é› = 3", "not a name", "a to z"),
    ("model a‹,› b = 3", "only `dataset`", "one name per statement"),
    ("statistic s‹[›layer] = 3", "takes no brackets", "for layer"),
    ("let x = ‹5abc›", "neither a number nor a name", None),
    ("let x = a.‹+› b", "a name is missing after `.`", None),
    # statements
    ('‹modle› base = hub("x")', "cannot start with `modle`", "did you mean `model`?"),
    ("let x = 1 ‹lte› y = 2", "cannot start with `lte`", "did you mean `let`?"),
    ("‹x› = 3", "the declaration of `x` needs a keyword", "let x = …"),
    ("‹(›a)", "cannot start with `(`", "statistic"),
    ("let x = a‹;› let y = b", "no `;`", "remove it"),
    ("‹probe›", "version of the language", "probe 1"),
    # clauses
    ("let x = y ‹for›", "a name is missing after `for`", None),
    ("let x = y for a ‹in›", "a value is missing after `in`", None),
    ("let x = y for a in ‹for› b", "a value is missing before `for`", None),
    ("let x = a ‹where› b for c", "`where` stands after `for`", "for name in values where"),
    ("let x = a for b where c ‹for› d", "`for` stands before `where`", "for name in values where"),
    ("let x = y for a in b ‹for› c", "one `for`", "with commas"),
    ("let x = y ‹fro› layer in z", "cannot stand here", "did you mean `for`?"),
    ("let x = a ‹from› b", "only in `prompts` and `contrast`", None),
    ("let x = a ‹in› b", "only after `for name`", "`or`"),
    ("let x = a ‹not› in b", "stands before a value", "!="),
    ("let x = a for ‹(›b, c) in d", "without parentheses", "for a, b in"),
    # values and operators
    ("let x = a ‹b›", "`b` follows a value", "operator"),
    ('let x = "a" ‹"b"›', '`"…"` follows a value', "operator"),
    ("let x = 3 ‹+›", "a value is missing after `+`", None),
    ("let x = a or ‹or› b", "a value is missing before `or`", None),
    ("let x = a ‹&&› b", "`&&` is not an operator", "write `and`"),
    ("let x = a ‹||› b", "`||` is not an operator", "write `or`"),
    ("let x = ‹!›a", "`!` is not an operator", "write `not`"),
    ("let x = a ‹^› b", "`^` is not an operator", "`**`"),
    ("let x = a ‹<>› b", "`<>` does not exist", "`!=`"),
    ("let x = a ‹≤› b", "not an operator", "`<=`"),
    ("let x = 0 < y ‹<› 1", "cannot be chained", "0 < x and x < 1"),
    ("let x = 1‹...›5", "two dots", "`..`"),
    ("let x = y[1‹:›2]", "two dots, not `:`", "both ends"),
    ("let x = a..b‹..›c", "a range has two ends", "by 2"),
    ("let x = ‹.›5", "starts with a digit", "`0`"),
    ("let x = a at ‹-›1", "`at` is followed by", "parentheses"),
    # blocks
    ('contrast c { positive: ‹"x"› }', "holds its segments in braces", "positive: {"),
    ("contrast c { ‹}›", "at least one side", "positive: {"),
    ('prompts p { ‹user› "x" }', "`:` is missing after `user`", 'user: "…"'),
    ('prompts p { ‹user› = "x" }', "`:`, not `=`", "user: …"),
    ('prompts p { ‹"x"› }', "starts with its name", "user:"),
    ('prompts p { a: "x"‹,› b: "y" }', "not separated by commas", "remove it"),
    ('prompts p { a: ‹{› b: "y" } }', "only in a `contrast`", "user: …"),
    ('prompts p ‹fro› q { a: "y" }', "`{` is missing before `fro`", "did you mean `from`?"),
    ("dataset d = x with ‹a›", "`=` is missing after `a`", "name = value"),
    # Python, and others
    ("‹def› f(x): return x", "cannot start with `def`", "let f(x) = …"),
    ("let f = ‹lambda› x: x", "no `lambda`", "let f(x) = …"),
    ("‹if› x:\n  let y = 3", "cannot start with `if`", "if(condition, a, b)"),
    ("let x = a ‹if› b else c", "no `if`", "if(condition, a, b)"),
    ("let x‹:› int = 3", "states no type", "remove it"),
    ("let x = f(‹**›kwargs)", "cannot be unpacked", "f(name=value)"),
    ("let f(x‹=›1) = x", "no default value", "where it is used"),
    ('let x = ‹{›"a": 1}', "`{` cannot stand here", "f(name=value)"),
    ("let x = f(a‹:› 3)", "`=`, not `:`", "name=value"),
    ("let x = a ‹is› b", "no `is`", "`==`"),
    ("‹import› torch", "cannot start with `import`", 'use "'),
    ("‹for› x in y", "cannot start with `for`", "end of a statement"),
    ("‹@›cached", "no decorators", "`at`"),
    ("let x = a ‹\\›\n  + b", "needs no `\\`", "line breaks never matter"),
    ("‹//› a comment\nlet x = 3", "`//`", "`#`"),
    ('‹"""A docstring."""›\nprobe 1', "cannot start with a text", "`#`"),
]


def only(text: str) -> Diagnostic:
    _, problems = parse(text)
    assert len(problems) == 1, [p.message for p in problems]
    return problems[0]


@pytest.mark.parametrize(("marked", "message", "help_"), SLIPS, ids=[s[0].replace("\n", "~") for s in SLIPS])
def test_slips(marked: str, message: str, help_: str | None) -> None:
    text = marked.replace("‹", "").replace("›", "")
    problem = only(text)
    assert message in problem.message
    assert (help_ is None) == (problem.help is None)
    assert help_ is None or help_ in problem.help
    span = problem.primary.span
    assert text[: span.start] + "‹" + text[span.start : span.end] + "›" + text[span.end :] == marked


@pytest.mark.parametrize("fine", ["let x = a != b", "\tlet\tx\t=\ta", "let x = -a ** -b", "claim c = a == b"])
def test_these_are_no_slips(fine: str) -> None:
    assert not parse(fine)[1]


def test_replacements_repair() -> None:
    repaired = 0
    for marked, *_ in SLIPS:
        text = marked.replace("‹", "").replace("›", "")
        problem = only(text)
        if problem.replacement is None:
            continue
        span = problem.primary.span
        better = text[: span.start] + problem.replacement + text[span.end :]
        left = parse(better)[1]
        assert not left or left[0].primary.span.start > span.start or left[0].message != problem.message, better
        repaired += not left
    assert repaired >= 20


def test_two_broken_statements_give_two_errors() -> None:
    spec, problems = parse("let a = (\nlet b = 2\nmodle c = 3\nlet d = 4\nstatistic e = f(x y)\n")
    assert [s.name.text for s in spec.statements] == ["b", "d"]
    assert [p.primary.span.line for p in problems] == [1, 3, 5]
    assert {p.code for p in problems} == {"syntax"}


def test_the_open_bracket_is_the_second_place() -> None:
    problem = only("let x = f(a, [b, c)")
    assert problem.secondary[0].span.column == 14


def test_what_was_expected_is_said_where_no_slip_is_known() -> None:
    problem = only("probe 1.0.0")
    assert problem.message == "`.` cannot stand here"
    assert problem.primary.text == "expected the next statement"
