"""A prompt as a model reads it: one text, its tokens, and which token belongs to what.

Knows which token belongs to which segment. Does not know how the text came about, nor token expressions.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from .layout import Mark

TokenKind = Literal["special", "template", "text"]


@dataclass(frozen=True)
class Rendered:
    """One prompt for one row and one model; the tuples `ids`, `offsets`, `pieces`, `token_kinds` run in parallel.

    `segments` are in order and never overlap; `spans` gives characters of `text` per segment, and per column that is
    not a segment's name (its first use). `targets` are the texts of the segments `answer` and `wrong`. A token that
    stands for no character has the offset (0, 0). `start_id` is what marks the start of a text for this tokenizer,
    `response_start` the index of the first token that a model wrote, where one did.
    """

    text: str
    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    pieces: tuple[str, ...]
    token_kinds: tuple[TokenKind, ...]
    segments: tuple[Mark, ...]
    spans: dict[str, tuple[int, int]]
    targets: dict[str, str]
    notes: tuple[str, ...]
    start_id: int | None
    response_start: int | None = None

    @cached_property
    def cores(self) -> tuple[tuple[int, int], ...]:
        """The characters of each token without its leading white space, unless it is nothing else."""
        return tuple(core(self.text, offset) for offset in self.offsets)

    @cached_property
    def token_segments(self) -> tuple[str | None, ...]:
        """The segment each token belongs to: the one that holds its first character that is not white space."""
        return tuple(
            next((mark.name for mark in self.segments if first < end and mark.start <= first < mark.end), None)
            for first, end in self.cores
        )


def core(text: str, offset: tuple[int, int]) -> tuple[int, int]:
    """Drop the leading white space of a token's characters, unless there is nothing else."""
    start, end = offset
    stripped = text[start:end].lstrip()
    return (end - len(stripped) if stripped else start, end)
