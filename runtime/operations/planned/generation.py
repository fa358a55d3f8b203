"""What is measured of generated text by other models."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import (
    Boolean,
    Number,
    Prompts,
    Text,
)  # fmt: skip
from ...registry import operation


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
