"""Patterns and mentions: searching texts in linear time.

Knows google-re2 and word boundaries in any script. Does not know datasets or models.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Literal

from ..errors import ProbeError

Mode = Literal["any", "all", "count"]


@lru_cache(maxsize=512)
def compile(pattern: str, *, ignore_case: bool = False) -> Any:
    """Compile a regular expression of RE2's syntax; raises ProbeError when it is not one."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ProbeError(
            "bad-pattern",
            f"{pattern!r} is not a pattern: {reason}.",
            "Patterns run in linear time, so there are no look-arounds and no back-references.",
        ) from error


def matches(text: str, pattern: str, *, ignore_case: bool = False) -> bool:
    """Say whether the whole text matches a pattern, white space at both ends aside."""
    return compile(pattern, ignore_case=ignore_case).fullmatch(text.strip()) is not None


def mentions(
    text: str,
    words: str | Iterable[str],
    mode: Mode = "any",
    *,
    whole_words: bool = True,
    ignore_case: bool = False,
) -> bool | int:
    """Say whether a text has any or all of some words, or count their occurrences; a possessive counts as a mention.

    With `whole_words`, a letter, digit or underscore next to the word means that it is another word.
    """
    chosen = (words,) if isinstance(words, str) else tuple(words)
    if not chosen or not all(chosen):
        raise ProbeError("no-words", "There is no word to look for, or one is empty.")
    counts = (_count(text, word, whole_words, ignore_case, once=mode != "count") for word in chosen)
    if mode == "any":
        return any(counts)
    return all(counts) if mode == "all" else sum(counts)


def _count(text: str, word: str, whole_words: bool, ignore_case: bool, *, once: bool) -> int:
    count = 0
    for _ in places(text, word, whole_words=whole_words, ignore_case=ignore_case):
        count += 1
        if once:
            break
    return count


def places(text: str, word: str, *, whole_words: bool = True, ignore_case: bool = False) -> Iterator[tuple[int, int]]:
    """The characters (start, end) of every mention of a word, from left to right."""
    pattern, start = re.compile(re.escape(word), re.IGNORECASE if ignore_case else 0), 0
    while match := pattern.search(text, start):
        whole = not whole_words or _is_whole(text, *match.span())
        start = match.end() if whole else match.start() + 1  # a phrase may begin inside one that was none
        if whole:
            yield match.span()


def _is_whole(text: str, start: int, end: int) -> bool:
    return not (_joins(text[start - 1 : start], text[start]) or _joins(text[end - 1], text[end : end + 1]))


def _joins(left: str, right: str) -> bool:
    return all(side != "" and (side.isalnum() or side == "_" or _is_mark(side)) for side in (left, right))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
