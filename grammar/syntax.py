"""Syntax errors: where they are, and what could stand there. The words for each slip are in `slips`."""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from .diagnostics import Diagnostic, Label
from .place import VALUES, Place, Words
from .scan import blank_out, open_brackets
from .slips import explain
from .tree import OPENERS, Span

# What each terminal is called in a message; terminals of one name are said once, and those that are missing never.
_SPOKEN = {
    "NAME": "a name", "FIELD": "a name", "NUMBER": "a number", "STRING": "a text in quotes", "KWARG": "a column",
    "LABEL": "a segment such as `user:`", "EQUAL": "`=`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`",
    "LBRACE": "`{`", "RBRACE": "`}`", "COMMA": "`,`", "COLON": "`:`", "_IN": "`in`", "_FOR": "`for`",
    "_WHERE": "`where`", "_FROM": "`from`", "_WITH": "`with`", "_AS": "`as`", "_BY": "`by`",
}  # fmt: skip
_OPERATORS = {"OR", "AND", "APPLY", "COMPARE", "PLUS_MINUS", "POWER", "TIMES", "__ANON_0", "DOT", "LPAR", "LSQB"}
_STATEMENTS = {"KIND", "_PROBE", "_USE", "_DATASET", "_PROMPTS", "_CONTRAST", "$END"}
_FOUND = re.compile(r"\w+|\"_*\"|'_*'|==|!=|<=|>=|\*\*|\.\.|\S")
_OPENER = re.compile(rf"(?<![\w.])({'|'.join(sorted(OPENERS))})\b(?!\s*[=:])")


def syntax_error(error: UnexpectedInput, text: str, offset: int, stop: int) -> Diagnostic:
    """Make the diagnostic of a parse error found in the piece of `text` from `offset` to `stop`."""
    place = _place(error, text[offset:stop])
    words = explain(place) or Words(f"`{place.found}` cannot stand here", label=_expected(place.allowed))
    at = place.at if words.at is None else words.at
    length = len(place.found) if words.length is None else words.length
    second = ()
    if words.second is not None:
        second = (Label(_span(text, offset + words.second, 1), "opened here"),)
    primary = Label(_span(text, offset + at, max(1, length)), words.label)
    return Diagnostic("syntax", "error", words.message, primary, second, words.help, words.replacement)


def too_deep(text: str, at: int, deepest: int) -> Diagnostic:
    """Make the diagnostic of a statement that is nested too deeply to be worked on."""
    message = f"this is nested more than {deepest} levels deep"
    return Diagnostic("too-deep", "error", message, Label(_span(text, at, 1)), help="name parts of it with `let`")


def _span(text: str, start: int, length: int) -> Span:
    return Span(start, start + length, text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))


def _place(error: UnexpectedInput, piece: str) -> Place:
    bare = blank_out(piece)
    if isinstance(error, UnexpectedToken):
        at = len(piece) if error.token.type == "$END" else error.token.start_pos
        allowed = frozenset(error.accepts or error.expected)
    elif isinstance(error, UnexpectedCharacters):
        at, allowed = error.pos_in_stream, frozenset(error.allowed or ())
    else:
        at, allowed = len(piece), frozenset()
    found = _FOUND.match(bare, at)
    before = bare[:at].rstrip()
    if found is None:  # the end: the last word is underlined
        last = re.search(r"\w+$|\S$", before)
        start = last.start() if last else 0
        return Place(piece, bare, start, before[start:], before, "", allowed, _opener(before), _open(before), True)
    opened = _open(before)
    return Place(piece, bare, at, found.group(), before, bare[found.end() :], allowed, _opener(before), opened, False)


def _open(before: str) -> int | None:
    brackets = open_brackets(before)
    return brackets[-1] if brackets else None


def _opener(before: str) -> str:
    found = _OPENER.findall(before)
    return found[-1] if found else ""


def _expected(allowed: frozenset[str]) -> str:
    parts: list[str] = []
    rest = allowed
    if allowed >= VALUES:
        parts.append("a value")
        rest = rest - VALUES - {"NOT", "PLUS_MINUS", "KWARG", "_TRUE", "_FALSE"}
    elif allowed & {"PLUS_MINUS", "COMPARE", "OR"}:
        parts.append("an operator")
        rest = rest - _OPERATORS
    parts += sorted({_SPOKEN[name] for name in rest if name in _SPOKEN})
    if allowed & (_STATEMENTS - {"$END"}):
        parts.append("the next statement")
    return "expected " + ", ".join(parts[:-1]) + (" or " if parts[1:] else "") + parts[-1] if parts else ""
