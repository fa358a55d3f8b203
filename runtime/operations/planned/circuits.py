"""Paths, attribution and attention edges."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import (
    Activation, Integer, Intervention, Number, Paths, Prompts, Site, Tokens,
)  # fmt: skip
from ...registry import operation


@operation(work="run", open_model=True, planned=True)
def paths(
    of: Prompts, *, into: Tokens, top_k: Integer = 1, answer_rank: Integer = 100, map: Literal["exact", "unweighted"] = "exact"
) -> Paths:
    """Token-to-token paths of a locally linear surrogate."""


@operation(planned=True, adds=(("layer", "model"), ("head", "model")))
def head_activity(paths: Paths, *, from_: Tokens) -> Number:
    """Share of path steps that use a head."""


@operation(planned=True)
def completeness(paths: Paths) -> Number:
    """Cosine of the sum over paths with the model's logits."""


@operation(planned=True)
def path_count(paths: Paths, *, from_: Tokens) -> Number:
    """Number of paths that start at tokens."""


@operation(work="run", planned=True)
def attribution(of: Number, site: Site, *, steps: Integer = 1) -> Number:
    """Attribution patching: gradient times difference, as a fast approximation of patching."""


@operation(work="run", planned=True)
def logit_attribution(of: Number, site: Site) -> Number:
    """Direct contribution of a site to a logit, with the final norm's scale frozen."""


@operation(work="intervention", planned=True)
def knockout(*, from_: Tokens, to: Tokens, layer: Integer | None = None, head: Integer | None = None) -> Intervention:
    """Attention edges cut between tokens."""


@operation(work="intervention", planned=True)
def clamp(place: Activation, value: Number) -> Intervention:
    """Hold activations at a value."""


