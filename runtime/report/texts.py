"""Scored texts for the page: pieces that are marked or not, cut where they are long. Escaping is the template's."""

from __future__ import annotations

from dataclasses import dataclass

from ..results import ScoredText, Texts

LONGEST = 1200  # characters of a text that are shown


@dataclass(frozen=True)
class Shown:
    """A text as (piece, marked), its labels and score, and how many of its characters are left out."""

    labels: tuple[tuple[str, str], ...]
    pieces: tuple[tuple[str, bool], ...]
    score: str
    left_out: int


def shown(row: ScoredText) -> Shown:
    """Cut a text into pieces at its marks."""
    text, at, pieces = row.text[:LONGEST], 0, []
    for start, end in row.marks:
        if start >= len(text):
            break
        pieces += [(text[at:start], False), (text[start:end], True)]
        at = end
    pieces.append((text[at:], False))
    return Shown(row.labels, tuple(p for p in pieces if p[0]), row.score, len(row.text) - len(text))


def sections(texts: tuple[Texts, ...]) -> list[tuple[Texts, list[Shown]]]:
    """The statements that scored texts, with the texts to show."""
    return [(one, [shown(row) for row in one.rows]) for one in texts]
