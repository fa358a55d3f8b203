"""How often words come among all words of a set of texts."""

from __future__ import annotations

from ....compiler.kinds import AxisName, Boolean, Number, Text, WordList
from ...cells import literal, mark
from ...cube import Cube
from ...reduction import reduced, weighted_sum
from ...registry import operation
from ...text import regex
from ...text.words import words as split_words
from ...text_cells import each, texts
from .mentions import words_cube


@operation(axes="reduce", subject="text", nonlinear=True, options=("per", "whole_words", "ignore_case"))
def word_rate(
    text: Text, words: Text | WordList, *, per: Number = 1000, whole_words: Boolean = True,
    ignore_case: Boolean = False, over: AxisName | None = None, ctx=None,
) -> Number:  # fmt: skip
    """Occurrences of a word, or of the words of a list together, per `per` words of all texts.

    Every occurrence counts, as `mentions` tells them, and long texts count for more; the share of texts that mention a
    word is `mean(mentions(…))`. The rate against a corpus is a quotient: `word_rate(story.response, name) /
    word_rate(corpus.text, name)`, with the interval of the whole. Missing where the texts have no words.
    """
    whole, folded = bool(literal(whole_words, "whole_words")), bool(literal(ignore_case, "ignore_case"))
    text, names = texts(text, "word_rate"), reduced(text, over)

    def occurrences(one: str, wanted) -> int:
        return regex.mentions(one, wanted.words, "count", whole_words=whole, ignore_case=folded)

    hits = weighted_sum(each(occurrences, float, text, words_cube(words, "word_rate")), names, ctx)
    total = weighted_sum(each(lambda one: len(split_words(one)), float, text), names, ctx)
    total = total.expand(hits.axes)
    value = float(literal(per, "per")) * hits.values / (total.values + (total.values == 0))
    return mark(Cube(hits.axes, value, hits.missing), total.values == 0, "the texts have no words")
