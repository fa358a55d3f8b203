"""Scores of single texts, by Python's own regular expressions. Texts here are plain English words."""

from __future__ import annotations

import re

from .relation import Relation, lift
from .values import Tokens, Written

SIDE_OF_WORD = r"(?<![A-Za-z0-9_]){}(?![A-Za-z0-9_])"


def score(name: str, given: dict[str, Relation]) -> Relation:
    """A score for every text; a response is the text that was written."""

    def made(*values: object) -> object:
        plain = [v.prompts.text if isinstance(v, Tokens) and isinstance(v.prompts, Written) else v for v in values]
        return OF_TEXTS[name](**dict(zip(given, plain, strict=True)))

    return lift(made, *given.values())


def mentions(text: str, words: object) -> bool:
    """Whether a text has any, or all, of some words."""
    mode, wanted = words if isinstance(words, tuple) else ("any", (words,))
    found = [re.search(SIDE_OF_WORD.format(re.escape(str(word))), text) is not None for word in wanted]
    return any(found) if mode == "any" else all(found)


OF_TEXTS = {
    "mentions": mentions, "any_of": lambda words: ("any", tuple(words)), "all_of": lambda words: ("all", tuple(words)),
    "word_count": lambda text: len(re.findall(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*", text)),
    "character_count": len, "exact_match": lambda text, answer: text == answer,
}  # fmt: skip
