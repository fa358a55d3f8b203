"""Generation and what is measured of generated text."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import (
    Boolean, Dataset, File, Generated, Integer, Number, Prompts, Table, Text, WordList,
)  # fmt: skip
from ...registry import operation


@operation(work="generate", open_model=True, planned=True)
def generate(
    prompts: Prompts, *, samples: Integer = 1, max_tokens: Integer = 256, temperature: Number = 0.0, top_p: Number = 1.0,
    repetition_penalty: Number = 1.0, seed: Integer = 0, stop: list[Text] | None = None,
) -> Generated:  # fmt: skip
    """Prompts with a segment `response`, written by the model."""


@operation(planned=True)
def mentions(text: Text, words: Text | WordList, *, whole_words: Boolean = True) -> Boolean:
    """Whether a text mentions a word."""


@operation(axes="none", planned=True)
def any_of(words: list[Text]) -> WordList:
    """Words of which any counts."""


@operation(axes="none", planned=True)
def log_odds_words(of: Text, against: Text, *, k: Integer = 25, prior: Number = 0.01) -> Table:
    """Words that rose between two sets of texts: log-odds with an informative prior."""


@operation(planned=True)
def matches(text: Text, pattern: Text, *, whole: Boolean = True) -> Boolean:
    """Whether a text matches a regular expression (linear time)."""


@operation(work="judge", open_model=True, planned=True)
def judge(answers: Generated | Text, *, rubric: File | Dataset | Text, scale: Literal["0..10", "0..100"] = "0..100") -> Number:
    """Score that a judge model gives, expected over its integer tokens."""


@operation(work="data", axes="none", planned=True)
def keep_pairs(items: Generated, *, positive: Boolean, negative: Boolean, both: Boolean | None = None) -> Generated:
    """Items of a contrast of which both sides pass."""


@operation(work="run", open_model=True, planned=True)
def score(of: Prompts) -> Number:
    """Scalar that a reward model gives to a dialogue."""


@operation(axes="none", planned=True)
def rate(
    original: Number, *, once: Number, twice: Number, treated: Boolean, estimand: Literal["ATT", "ATU", "ATE"] | Text,
    estimator: Literal["rate", "single", "naive"] | Text = "rate",
) -> Number:  # fmt: skip
    """Effect of an attribute on a score, corrected by rewriting twice."""
