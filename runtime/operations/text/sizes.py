"""How long texts are."""

from __future__ import annotations

from ....compiler.kinds import Integer, Text
from ...cube import Cube
from ...registry import operation
from ...text.words import words
from ...text_cells import each, texts


@operation(subject="text")
def word_count(text: Text) -> Integer:
    """Number of words of a text: runs of letters and digits of any script, with apostrophes inside ("don't" is one)."""
    return each(lambda one: len(words(one)), int, texts(text, "word_count"))


@operation(subject="text")
def character_count(text: Text) -> Integer:
    """Number of characters of a text, as Unicode code points of its composed form."""
    return each(len, int, texts(text, "character_count"))


@operation(subject="text", open_model=True)
def token_count(text: Text, tokenizer=None) -> Integer:
    """Number of tokens of a text for the model in force (`token_count(…) on m`), without special ones.

    The text is tokenised by itself: behind a prompt its first token may be another.
    """
    plain: Cube = texts(text, "token_count")
    return each(lambda one: len(tokenizer.encode(one).ids), int, plain)
