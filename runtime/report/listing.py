"""The spec as numbered, lightly coloured lines, for a page whose numbers point back to them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from .safe import clean

KEYWORDS = (
    "probe use param let axis model dataset prompts contrast direction intervention statistic claim plot "
    "for in at on under with from as where not and or to by"
)
TOKEN = re.compile(
    r"(?P<comment>#.*)|(?P<string>\"(?:[^\"\\\n]|\\.)*\"?)|(?P<number>\b\d[\w.]*)|(?P<word>[A-Za-z_]\w*)|(?P<rest>.)"
)
STATEMENTS = frozenset(KEYWORDS.split(" for ")[0].split())
WORDS = frozenset(KEYWORDS.split())


@dataclass(frozen=True)
class SpecLine:
    """One line: its number, its coloured text, and the anchors and names of what it produced."""

    number: int
    html: Markup
    made: tuple[tuple[str, str], ...]


def spec_lines(text: str, made: dict[int, list[tuple[str, str]]]) -> list[SpecLine]:
    """Number and colour the lines of a spec; `made` maps line numbers to (anchor, name) pairs."""
    lines = text.rstrip("\n").split("\n")
    return [SpecLine(n, _coloured(line), tuple(made.get(n, ()))) for n, line in enumerate(lines, 1)]


def _coloured(line: str) -> Markup:
    return Markup("").join(_token(match) for match in TOKEN.finditer(clean(line)))


def _token(match: re.Match[str]) -> Markup:
    kind, text = match.lastgroup, match.group()
    if kind == "word":
        starts = match.start() == len(match.string) - len(match.string.lstrip())
        kind = "statement" if text in STATEMENTS and starts else "keyword" if text in WORDS - STATEMENTS else None
    if kind in (None, "rest"):
        return escape(text)
    return Markup('<span class="{}">{}</span>').format(kind[0:3], text)
