"""Models that are trained or merged."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import (
    AdapterSpec,
    Generated,
    Integer,
    Model,
    Number,
    Part,
    Prompts,
    Text,
)
from ...registry import operation


@operation(work="train", axes="none", planned=True)
def finetune(
    model: Model, *, prompts: Prompts | None = None, response: Text | Generated | None = None, text: Text | None = None,
    method: Literal["sft", "dpo"] = "sft", adapter: AdapterSpec | None = None, epochs: Integer = 1, rate: Number = 1e-5,
    seed: Integer = 0,
) -> Model:  # fmt: skip
    """Model trained further: on prompts with responses (loss on the responses only), or on plain texts.

    "dpo" prefers the positive side of a contrast to the negative one, with the model itself as frozen reference. With
    `adapter` only the adapter is trained. The result is pinned by the bytes of its weights.
    """


@operation(axes="broadcast", planned=True)
def lora(rank: Integer, *, alpha: Number | None = None, targets: list[Part] | None = None) -> AdapterSpec:
    """Recipe of a low-rank adapter; `alpha` defaults to the rank, so that its scale is one at every rank."""


@operation(work="model", axes="none", planned=True)
def merge(
    models: list[Model], *,
    method: Literal["linear", "slerp", "ties", "dare_ties", "dare_linear", "task_arithmetic"] | Text,
    weights: list[Number] | None = None, t: Number | None = None, base: Model | None = None, density: Number = 1.0,
    seed: Integer = 0,
) -> Model:  # fmt: skip
    """Model whose weights are those of several, joined by a named method.

    "linear" is their mean by `weights`, "slerp" goes the share `t` along the arc from the first to the second, and the
    others join differences from `base`, of which they keep the share `density`.
    """


@operation(work="train", axes="none", adds=(("generation", "written"),), planned=True)
def chain(first: Model, *, steps: Integer, next: Model) -> Model:
    """Models made one from the other: `next` is a model expression in which `previous` is the one before."""
