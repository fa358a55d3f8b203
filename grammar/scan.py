"""Strings, comments and brackets found without parsing, for texts that do not parse."""

from __future__ import annotations

import re

COMMENT_OR_STRING = re.compile(r'"""(?:[^\\]|\\[\s\S])*?"""|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|#[^\n]*')
PAIRS = {"(": ")", "[": "]", "{": "}"}


def blank_out(text: str) -> str:
    """Replace what stands in quotes by `_` and comments by spaces; offsets and line breaks of the code stay."""
    return COMMENT_OR_STRING.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    whole = match.group()
    if whole.startswith("#"):
        return " " * len(whole)
    return whole[0] + "_" * (len(whole) - 2) + whole[-1]


def open_brackets(bare: str) -> list[int]:
    """Offsets of the brackets still open at the end of `bare` (from `blank_out`), outermost first."""
    stack: list[int] = []
    for at, char in enumerate(bare):
        if char in PAIRS:
            stack.append(at)
        elif stack and char == PAIRS[bare[stack[-1]]]:
            stack.pop()
    return stack
