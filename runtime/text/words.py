"""Words of a text, and texts in forms that are compared. Does not know what words are counted for."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

ARTICLES = frozenset({"a", "an", "the"})


@lru_cache(maxsize=1)
def _pattern() -> Any:
    import re2

    letters = r"[\pL\pM\pN_]+"
    return re2.compile(rf"{letters}(?:['’]{letters})*")


def words(text: str, *, ignore_case: bool = False) -> list[str]:
    """The words of a text in order: letters, marks, digits and underscores of any script, with apostrophes inside.

    The possessive ending is dropped, so that "Clara's" is the word "Clara"; scripts without spaces give long words.
    """
    found = (match.group() for match in _pattern().finditer(text.casefold() if ignore_case else text))
    return [word[:-2] if word[-2:] in ("'s", "’s") else word for word in found]


def ngrams(items: list[str], n: int) -> list[tuple[str, ...]]:
    """Runs of n words."""
    return [tuple(items[i : i + n]) for i in range(len(items) - n + 1)]


def one_space(text: str) -> str:
    """The text trimmed, with one space for every run of white space."""
    return " ".join(text.split())


def as_answer(text: str) -> str:
    """The text without case, punctuation, English articles and surplus white space."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(c for c in folded if not unicodedata.category(c).startswith("P"))
    return " ".join(word for word in bare.split() if word not in ARTICLES)
