"""Patterns and mentions: searching texts in linear time.

Knows google-re2 and word boundaries in any script. Does not know datasets or models.
"""

from collections.abc import Iterable
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
    for match in compile(_escape(word), ignore_case=ignore_case).finditer(text):
        if whole_words and not _is_whole(text, *match.span()):
            continue
        count += 1
        if once:
            break
    return count


def _escape(word: str) -> str:
    import re2

    return re2.escape(word)


def _is_whole(text: str, start: int, end: int) -> bool:
    return not (_joins(text[start - 1 : start], text[start]) or _joins(text[end - 1], text[end : end + 1]))


def _joins(left: str, right: str) -> bool:
    return all(side != "" and (side.isalnum() or side == "_") for side in (left, right))
