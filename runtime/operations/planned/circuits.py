"""Paths and attribution."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import (
    Integer,
    Number,
    Paths,
    Prompts,
    Site,
    Tokens,
)  # fmt: skip
from ...registry import operation


@operation(work="run", open_model=True, planned=True)
def paths(
    of: Prompts,
    *,
    into: Tokens,
    top_k: Integer = 1,
    answer_rank: Integer = 100,
    map: Literal["exact", "unweighted"] = "exact",
) -> Paths:
    """Token-to-token paths of a locally linear surrogate of the model.

    A path leads from a token of the prompt through heads and residual connections to the tokens `into`. The `top_k`
    strongest are kept, for answers of rank `answer_rank` at most. `map` says whether a step is weighed by the attention
    and value maps of its head ("exact") or counted ("unweighted").
    """


@operation(planned=True, adds=(("layer", "model"), ("head", "model")))
def head_activity(paths: Paths, *, from_: Tokens) -> Number:
    """Share of the steps of paths from some tokens that go through each head, of 0 to 1.

    The result has the axes `layer` and `head`.
    """


@operation(planned=True)
def completeness(paths: Paths) -> Number:
    """Cosine of the sum over all paths with the model's own logits: 1 when the paths tell the whole of them."""


@operation(planned=True)
def path_count(paths: Paths, *, from_: Tokens) -> Number:
    """Number of kept paths that start at some tokens, per item."""


@operation(work="run", planned=True)
def attribution(of: Number, site: Site, *, steps: Integer = 1) -> Number:
    """Attribution patching: gradient times difference of the two sides, a first-order approximation of patching.

    One backward pass stands for a forward pass per place. `steps` above one integrates the gradient along the line
    between the sides.
    """


@operation(work="run", planned=True)
def logit_attribution(of: Number, site: Site) -> Number:
    """Direct contribution of a site to a logit or a logit difference, in logits.

    What the site adds to the residual stream is read off the unembedding, with the scale of the final norm held at
    that of the run. The contributions of all sites add up to the measure.
    """
