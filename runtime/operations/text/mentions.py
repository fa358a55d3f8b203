"""Whether texts mention words."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from ....compiler.kinds import Boolean, Text, WordList
from ...cells import as_cube, literal
from ...cube import Cube, scalar
from ...registry import operation
from ...text import regex
from ...text_cells import each, texts


@dataclass(frozen=True)
class Words:
    """The words of a list, and whether a text has to have any or all of them."""

    words: tuple[str, ...]
    mode: regex.Mode

    def __str__(self) -> str:
        return f"{self.mode} of {', '.join(self.words)}"


def word_list(words: list, mode: regex.Mode) -> Cube:
    spelled = (unicodedata.normalize("NFC", str(literal(w, "a word of the list"))) for w in words)
    return scalar(Words(tuple(spelled), mode))


@operation(axes="none")
def any_of(words: list[Text]) -> WordList:
    """Word list for `mentions`: a text mentions it when it mentions any of the words."""
    return word_list(words, "any")


@operation(axes="none")
def all_of(words: list[Text]) -> WordList:
    """Word list for `mentions`: a text mentions it when it mentions every one of the words."""
    return word_list(words, "all")


def words_cube(words: object, what: str) -> Cube:
    """Words as a cube of word lists; a text is a list of one word."""
    cube = as_cube(words)
    listed = all(isinstance(w, Words) for w in cube.values.reshape(-1))
    return cube if listed else each(lambda w: Words((w,), "any"), object, texts(cube, what))


@operation(subject="text", options=("whole_words", "ignore_case"))
def mentions(
    text: Text, words: Text | WordList, *, whole_words: Boolean = True, ignore_case: Boolean = False
) -> Boolean:
    """Whether a text mentions a word, or what `any_of` and `all_of` list; upper and lower case are told apart.

    With `whole_words` a word inside a longer one does not count: a letter, digit or underscore of any script beside it
    makes it another word, an apostrophe does not ("Clara's" mentions "Clara"). Counts texts, not occurrences. Raises
    `no-words` for an empty word.
    """
    whole, folded = bool(literal(whole_words, "whole_words")), bool(literal(ignore_case, "ignore_case"))

    def found(one: str, wanted: Words) -> bool:
        return bool(regex.mentions(one, wanted.words, wanted.mode, whole_words=whole, ignore_case=folded))

    return each(found, bool, texts(text, "mentions"), words_cube(words, "mentions"))
