"""Whether texts are what is looked for: patterns, and answers."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import Boolean, Text
from ...cells import literal
from ...registry import operation
from ...text import regex
from ...text.words import as_answer, one_space
from ...text_cells import each, texts

NORMALISE = {"none": lambda text: text, "space": one_space, "answer": as_answer}


@operation(subject="text", version=2, options=("whole", "ignore_case"))
def matches(text: Text, pattern: Text, *, whole: Boolean = False, ignore_case: Boolean = False) -> Boolean:
    """Whether a regular expression is found anywhere in a text or, with `whole=true`, matches the whole of it.

    `^` and `$` are the ends of the text. White space at both ends does not count when the whole has to match. Patterns
    are those of RE2 and run in linear time; look-around and back-references are not part of them. Raises `bad-pattern`.
    """
    whole, folded = bool(literal(whole, "whole")), bool(literal(ignore_case, "ignore_case"))

    def found(one: str, wanted: str) -> bool:
        if whole:
            return regex.matches(one, wanted, ignore_case=folded)
        return regex.compile(wanted, ignore_case=folded).search(one) is not None

    return each(found, bool, texts(text, "matches"), texts(pattern, "matches"))


@operation(subject="text", source="answer: Rajpurkar et al. 2016, arXiv:1606.05250")
def exact_match(text: Text, answer: Text, *, normalise: Literal["none", "space", "answer"] = "none") -> Boolean:
    """Whether a text is the answer, letter by letter.

    `normalise="space"` trims both and makes every run of white space one space; "answer" also drops case, punctuation
    and the English articles, as question answering is usually scored. `answer` may be a column: `test.answer`.
    """
    change = NORMALISE[literal(normalise, "normalise")]
    return each(lambda a, b: change(a) == change(b), bool, texts(text, "exact_match"), texts(answer, "exact_match"))
