"""Texts written by a model."""

from __future__ import annotations

from ....compiler.kinds import Generated, Integer, Number, Prompts, Text
from ...registry import operation


@operation(
    work="generate", open_model=True,
    options=("samples", "max_tokens", "temperature", "top_p", "repetition_penalty", "seed"),
)  # fmt: skip
def generate(
    prompts: Prompts, *, samples: Integer = 1, max_tokens: Integer = 256, temperature: Number = 0.0,
    top_p: Number = 1.0, repetition_penalty: Number = 1.0, seed: Integer = 0, stop: list[Text] | None = None,
) -> Generated:  # fmt: skip
    """Prompts with a segment `response`, written by the model in force.

    `samples` above one adds an axis `sample`. `temperature=0` takes the likeliest token; else tokens are drawn by the
    inverse of the cumulative distribution, in float64, from one random number for each token. These follow from
    `seed`, the item and the sample, never from the model or the intervention, so that arms share their random numbers.
    `top_p` leaves the likeliest tokens that together reach it (Holtzman et al. 2020, arXiv:1904.09751).
    `repetition_penalty` divides the positive logits, and multiplies the negative ones, of tokens that stand in the
    prompt or the text (Keskar et al. 2019, arXiv:1909.05858). A text ends with an end token of the model, behind one of
    the texts in `stop`, which stay in it, after `max_tokens`, or where the model's context ends.

    An intervention acts in its scope `during`: "prompt" is its tokens of the prompt, "response" every token that was
    written, "predicting" the last token of the prompt and every written one but the last, "all" its tokens of the
    prompt and every one that was written. "response" and "predicting" stand for tokens that are named: these are
    `p.all` then, or none.
    """
