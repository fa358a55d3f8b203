"""Syntax errors in the reader's words: what was found, what could stand there, and the likely slip."""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from .diagnostics import Diagnostic, Label
from .tree import KEYWORDS, Span

# What each terminal is called in a message; terminals of one name are said once.
SPOKEN = {
    "NAME": "a name", "NUMBER": "a number", "STRING": "a text in quotes", "KIND": "a statement", "KWARG": "an argument",
    "LABEL": "a segment such as `user:`", "EQUAL": "`=`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`",
    "LBRACE": "`{`", "RBRACE": "`}`", "COMMA": "`,`", "COLON": "`:`", "DOT": "`.`", "IN": "`in`", "FOR": "`for`",
    "WHERE": "`where`", "FROM": "`from`", "WITH": "`with`", "AS": "`as`", "BY": "`by`", "__ANON_0": "`..`",
    "TRUE": "a value", "FALSE": "a value", "NOT": "a value", "$END": "the end of the file",
}  # fmt: skip
_STATEMENTS = {"KIND", "PROBE", "USE", "DATASET", "PROMPTS", "CONTRAST", "$END"}
_OPERATORS = {"OR", "AND", "APPLY", "COMPARE", "PLUS_MINUS", "POWER", "TIMES", "__ANON_0", "DOT", "LPAR", "LSQB"}
_VALUES = {"NAME", "NUMBER", "STRING", "LPAR", "LSQB", "TRUE", "FALSE"}


def too_deep(text: str, at: int, deepest: int) -> Diagnostic:
    """Make the diagnostic of a statement that is nested too deeply to be worked on."""
    span = Span(at, at + 1, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
    help_ = "name parts of it with `let`"
    return Diagnostic("too-deep", "error", f"this is nested more than {deepest} levels deep", Label(span), help=help_)


def syntax_error(error: UnexpectedInput, text: str, offset: int, stop: int) -> Diagnostic:
    """Make the diagnostic of a parse error found in the piece of `text` from `offset` to `stop`."""
    piece = text[offset:stop]
    at, length = _place(error, piece)
    before = text.rfind("\n", 0, offset + at)
    span = Span(offset + at, offset + at + length, text.count("\n", 0, offset + at) + 1, offset + at - before)
    found = piece[at : at + length]
    message, help_ = _explain(error, found, piece, at)
    return Diagnostic("syntax", "error", message, Label(span, _expected(error)), help=help_)


def _place(error: UnexpectedInput, piece: str) -> tuple[int, int]:
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        return error.token.start_pos, max(1, len(error.token))
    if isinstance(error, UnexpectedCharacters):
        word = re.match(r"[A-Za-z_]\w*", piece[error.pos_in_stream :])
        return error.pos_in_stream, len(word.group()) if word else 1
    return max(0, len(piece.rstrip()) - 1), 1


def _allowed(error: UnexpectedInput) -> set[str]:
    if isinstance(error, UnexpectedToken):
        return set(error.accepts or error.expected)
    return set(getattr(error, "allowed", None) or ())


def _expected(error: UnexpectedInput) -> str:
    allowed = _allowed(error)
    parts: list[str] = []
    if allowed >= _VALUES:
        parts.append("a value")
        allowed = allowed - _VALUES - {"NOT", "PLUS_MINUS", "KWARG"}
    if allowed & _OPERATORS and not parts:
        parts.append("an operator")
    if allowed & _STATEMENTS - {"$END"}:
        parts.append("the next statement")
    rest = allowed - _OPERATORS - _STATEMENTS
    parts += sorted({SPOKEN.get(name, f"`{name.lower()}`") for name in rest})
    return "expected " + " or ".join(parts) if parts else ""


def _explain(error: UnexpectedInput, found: str, piece: str, at: int) -> tuple[str, str | None]:
    """The message and, for the commonest slips, the fix."""
    before = piece[:at].rstrip()
    ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    first = re.match(r"\w+", piece.lstrip())
    if ended or found == "":
        closing = _unclosed(piece)
        if closing:
            return f"`{closing[0]}` is never closed", f"add `{closing[1]}`"
        return "the statement ends too early", None
    if found in ('"', "'"):
        return "this text is never closed", "add the closing quote; a text over several lines takes three quotes"
    if found == "=" and before.endswith("="):
        return "`==` compares; a single `=` names an argument or declares", None
    if found == "=" and re.search(r"\b(where|and|or|if)\b[^,()]*$", before):
        return "`=` declares; to compare, write `==`", "write `==`"
    if found == "&" or found == "|":
        word = "and" if found == "&" else "or"
        return f"`{found}` is not an operator here", f"write `{word}`"
    if found == "!" and not piece[at:].startswith("!="):
        return "`!` is not an operator here", "write `not`"
    if found == ";":
        return "statements need no `;`", "remove it: each statement starts with its keyword"
    if found in KEYWORDS and re.search(r"(statistic|let|model|axis|param|direction|claim|plot|prompts|dataset)$", before):
        return f"`{found}` is a keyword and cannot be a name", "choose another name"
    if first and first.group() not in KEYWORDS and at <= piece.find(first.group()):
        return f"a statement cannot start with `{found}`", _nearest_keyword(found)
    closing = _unclosed(before)
    if closing and found in KEYWORDS:
        return f"`{closing[0]}` is not closed before `{found}`", f"add `{closing[1]}` before it"
    return f"`{found}` cannot stand here", None


def _nearest_keyword(word: str) -> str | None:
    from difflib import get_close_matches

    from .tree import OPENERS

    near = get_close_matches(word, sorted(OPENERS), 1, 0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    return "it starts with one of " + ", ".join(sorted(OPENERS))


def _unclosed(text: str) -> tuple[str, str] | None:
    """The last bracket that is open at the end of `text`, outside strings and comments."""
    bare = re.sub(r'"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|#[^\n]*', "", text)
    pairs = {"(": ")", "[": "]", "{": "}"}
    stack: list[str] = []
    for char in bare:
        if char in pairs:
            stack.append(char)
        elif char in pairs.values() and stack:
            stack.pop()
    return (stack[-1], pairs[stack[-1]]) if stack else None
