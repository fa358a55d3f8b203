"""Diagnostics as the terminal, JSON and GitHub show them."""

from __future__ import annotations

import json
from dataclasses import replace

from probelang.grammar.diagnostics import Diagnostic, Label, Source
from probelang.grammar.parse import parse
from probelang.grammar.render import render_github, render_json, render_text, summary
from probelang.grammar.tree import Span

TEXT = """probe 1
model base = hub("gpt2")
\tstatistic 漢字 = norm(resid_pots[layer] at pair.last) on bse
let a = f(
  b,
  c)
prompts ask { user: "Hi" user: "there" }
let z = base
"""
SOURCE = Source("spec.probe", TEXT)


def at(text: str, nth: int = 0, within: str = TEXT) -> Span:
    start = -1
    for _ in range(nth + 1):
        start = within.index(text, start + 1)
    return Span(start, start + len(text), within.count("\n", 0, start) + 1, start - within.rfind("\n", 0, start))


def shown(*diagnostics: Diagnostic, others: tuple[Source, ...] = ()) -> str:
    text = render_text(diagnostics, SOURCE, False, others)
    assert not any(line != line.rstrip() for line in text.splitlines())
    return text


SITE = Diagnostic("unknown-site", "error", "no site is called `resid_pots`", Label(at("resid_pots"), "not a site"),
                  help="did you mean `resid_post`?", replacement="resid_post")  # fmt: skip


def test_a_line_with_tabs_and_wide_characters() -> None:
    assert (
        shown(SITE)
        == """\
error[unknown-site]: no site is called `resid_pots`
 --> spec.probe:3:22
  |
3 |     statistic 漢字 = norm(resid_pots[layer] at pair.last) on bse
  |                           ^^^^^^^^^^ not a site
  |
  = help: did you mean `resid_post`?
3 +     statistic 漢字 = norm(resid_post[layer] at pair.last) on bse

1 error
"""
    )


def test_two_places_on_one_line() -> None:
    twice = Diagnostic("segment-twice", "warning", "`user` stands twice", Label(at("user", 1), "again"),
                       (Label(at("user"), "first here"),))  # fmt: skip
    assert (
        shown(twice)
        == """\
warning[segment-twice]: `user` stands twice
 --> spec.probe:7:26
  |
7 | prompts ask { user: "Hi" user: "there" }
  |               ----       ^^^^ again
  |               |
  |               first here

1 warning
"""
    )


def test_places_on_several_lines_and_overlapping() -> None:
    far = Diagnostic("x", "error", "far", Label(at("base", 1), "used"), (Label(at("base"), "declared"),))
    assert "2 | model base" in shown(far) and "\n...\n8 | let z = base\n" in shown(far)
    near = Diagnostic("x", "error", "near", Label(at("bse"), ""), (Label(at("base"), "declared"),))
    assert "..." not in shown(near)
    over = Diagnostic("x", "error", "over", Label(at("let z = base"), "all"), (Label(at("z"), "part"),))
    assert "  | ^^^^^^^^^^^^ all\n  |     - part\n" in shown(over)


def test_a_span_of_several_lines() -> None:
    call = Diagnostic("long", "note", "a call", Label(at("f(\n  b,\n  c)"), "this call"), (Label(at("z"), "here"),))
    assert (
        shown(call)
        == """\
note[long]: a call
 --> spec.probe:4:9
  |
4 | / let a = f(
5 | |   b,
6 | |   c)
  | |____^ this call
  |
 ::: spec.probe:8:5
  |
8 | let z = base
  |     - here

1 note
"""
    )


def test_a_long_span_is_cut() -> None:
    text = "let a = [\n" + "  1,\n" * 20 + "]\n"
    cut = render_text([Diagnostic("x", "error", "m", Label(Span(8, len(text) - 1, 1, 9)))], Source("a", text))
    assert len(cut.splitlines()) < 16
    assert " 1 | / let a = [\n" in cut and "\n...  |\n" in cut and "22 | | ]\n" in cut


def test_another_file() -> None:
    other = Source("lib/framing.probe", "probe 1\nlet framing = 3\n")
    span = at("framing", within=other.text)
    twice = Diagnostic("x", "error", "m", Label(at("base")), (Label(span, "here", "lib/framing.probe"),))
    assert """\
 ::: lib/framing.probe:2:5
  |
2 | let framing = 3
  |     ------- here
""" in shown(twice, others=(other,))
    assert " ::: lib/framing.probe:2:5\n  | here\n" in shown(twice)


def test_the_end_of_a_file_and_a_nowhere() -> None:
    end = Span(len(TEXT), len(TEXT), 9, 1)
    assert "9 |\n  | ^ here\n" in shown(Diagnostic("x", "error", "m", Label(end, "here")))
    nowhere = Diagnostic("x", "error", "m", Label(Span(0, 0, 1, 1)))
    assert render_text([nowhere], SOURCE) == "error[x]: m\n\n1 error\n"
    helped = replace(nowhere, help="h")
    assert render_text([helped], SOURCE) == "error[x]: m\n  = help: h\n\n1 error\n"
    assert json.loads(render_json([nowhere], SOURCE))["diagnostics"][0]["range"] is None
    assert render_github([nowhere], SOURCE) == f"::error file={SOURCE.path},title=x::m\n"


def test_order_and_summary() -> None:
    late = Diagnostic("b", "warning", "late", Label(at("z")))
    elsewhere = Diagnostic("c", "error", "elsewhere", Label(Span(0, 1, 1, 1), path="a.probe"))
    text = shown(late, elsewhere, SITE, SITE)
    assert text.index("unknown-site") < text.index("late") < text.index("elsewhere")
    assert text.endswith("\n\n3 errors, 1 warning\n")
    assert summary([]) == "" and render_text([], SOURCE) == ""


def test_colour_changes_nothing_but_colour() -> None:
    import re

    coloured = render_text([SITE], SOURCE, True)
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == shown(SITE)


def test_control_characters_do_not_reach_the_terminal() -> None:
    text = 'let x = "\x1b[31m" y\n'
    _, problems = parse(text)
    assert "\x1b" not in render_text(problems, Source("a\x07", text)).replace("a\x07", "")


def test_json() -> None:
    second = Label(at("f(\n  b,\n  c)"), "there")
    made = json.loads(render_json([Diagnostic("x", "warning", "m", SITE.primary, (second,), "do", "new")], SOURCE))
    assert made["format_version"] == 1
    (item,) = made["diagnostics"]
    assert {k: item[k] for k in ("code", "severity", "message", "path", "label", "help", "replacement")} == {
        "code": "x", "severity": "warning", "message": "m", "path": "spec.probe", "label": "not a site", "help": "do",
        "replacement": "new",
    }  # fmt: skip
    start = TEXT.index("resid_pots")
    assert item["range"] == {
        "start": {"line": 3, "column": 22, "offset": start},
        "end": {"line": 3, "column": 32, "offset": start + 10},
    }
    assert item["secondary"][0]["range"]["end"] == {"line": 6, "column": 5, "offset": second.span.end}


def test_github() -> None:
    odd = Diagnostic("x", "note", "100%\nsure", Label(at("base")), help="do: it, now")
    assert render_github([odd], Source("a,b:c.probe", TEXT)) == (
        "::notice file=a%2Cb%3Ac.probe,line=2,col=7,endLine=2,endColumn=11,title=x::100%25%0Asure%0Ahelp: do: it, now\n"
    )
