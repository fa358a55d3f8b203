"""Generation and what is measured of generated text."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import (
    Boolean,
    Generated,
    Integer,
    Number,
    Prompts,
    Text,
)  # fmt: skip
from ...registry import operation


@operation(work="generate", open_model=True, planned=True)
def generate(
    prompts: Prompts, *, samples: Integer = 1, max_tokens: Integer = 256, temperature: Number = 0.0,
    top_p: Number = 1.0,
    repetition_penalty: Number = 1.0, seed: Integer = 0, stop: list[Text] | None = None,
) -> Generated:  # fmt: skip
    """Prompts with a segment `response`, written by the model in force.

    `samples` above one adds an axis `sample`. `temperature=0` takes the likeliest token. Seeds follow from `seed`, the
    item and the sample, never from the model or the intervention, so that arms share their random numbers.
    """


@operation(work="data", axes="none", planned=True)
def keep_pairs(items: Generated, *, positive: Boolean, negative: Boolean, both: Boolean | None = None) -> Generated:
    """Generated pairs of which the positive side passes one condition, the negative side another, and `both` holds."""


@operation(work="run", open_model=True, planned=True)
def score(of: Prompts) -> Number:
    """Reward that a model with a scalar head (`hub(…, head=\"reward\")`) gives to a dialogue."""


@operation(axes="none", planned=True)
def rate(
    original: Number, *, once: Number, twice: Number, treated: Boolean, estimand: Literal["ATT", "ATU", "ATE"] | Text,
    estimator: Literal["rate", "single", "naive"] | Text = "rate",
) -> Number:  # fmt: skip
    """Effect of an attribute on a score, estimated from texts that were rewritten once and twice.

    `original`, `once` and `twice` are the scores of a text, of its rewrite without (or with) the attribute, and of
    that rewritten back. Comparing `once` with `twice` ("rate") cancels what rewriting itself changes; "single" compares
    `once` with `original`, "naive" compares treated with untreated texts.
    """
