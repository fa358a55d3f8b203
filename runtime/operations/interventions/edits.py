"""Edits of activations. Their operands are read in a run without interventions."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import (
    Activation,
    Boolean,
    Direction,
    Intervention,
    Number,
    Place,
    Prompts,
    Site,
    Tokens,
    Vector,
)  # fmt: skip
from ...registry import operation
from . import During


@operation(work="intervention", subject="place")
def patch(
    place: Place, from_: Activation | Vector | Prompts, *, during: During = "prompt", reread: Boolean = False,
    in_order: Boolean = False,
) -> Intervention:  # fmt: skip
    """Replace activations at a place by others.

    `from` is an activation (of other prompts, tokens or layers), a vector, or prompts: then the same site and tokens
    are read on these. For a layer set all of its layers are patched at once, each from its own layer.

    `during` is the scope while a text is written (see `generate`); tokens that are written take one vector for all.
    """


@operation(work="intervention", subject="place", apart=("over",))
def ablate(
    place: Place, method: Literal["zero", "mean", "resample"] = "zero", *, over: Prompts | None = None,
    seed: Number = 0, during: During = "prompt", reread: Boolean = False, in_order: Boolean = False,
) -> Intervention:  # fmt: skip
    """Replace activations at a place by zero, by their mean over items, or by those of another item.

    The mean and the other items are of the run's own prompts, or of `over`, which may be those of another dataset.
    "resample" puts in the activations that one other item has at the same tokens in a run without interventions.
    Each item draws its donor uniformly from the others, never itself, by hash of (`seed`, the item's key): the same
    in every layer, head, model and arm, so that a sweep compares places under the same donors; two items may have
    the same donor. `for s in 1..20` with `seed=s` tells how much hangs on the draw. A donor with another number of
    such tokens makes a missing cell. One item alone raises `no-other-item`.

    `during` is the scope while a text is written (see `generate`); tokens that are written take one vector for all.
    """


@operation("scale", work="intervention", subject="place")
def scale_(
    place: Place, factor: Number, *, during: During = "prompt", reread: Boolean = False, in_order: Boolean = False
) -> Intervention:
    """Multiply activations at a place by a factor; 1 changes nothing, to the bit.

    `during` is the scope while a text is written (see `generate`).
    """


@operation(work="intervention", subject="direction")
def project_out(
    direction: Direction | None, *, alpha: Number = 1.0, site: Site | None = None, tokens: Tokens | None = None,
    during: During = "all", reread: Boolean = False, in_order: Boolean = False,
) -> Intervention:  # fmt: skip
    """Remove the component along a direction: h - alpha (h·d̂) d̂.

    `alpha=1` projects, 2 reflects, larger values over-project. Acts at the direction's own site unless `site` says
    otherwise, at all tokens that were written (no specials, no template) unless `tokens` does. `during` is the scope
    while a text is written, or read again (see `generate`); with `tokens` it is "prompt", and it means nothing
    elsewhere.
    """


@operation(work="intervention", subject="direction")
def steer(
    direction: Direction | None, *, scale: Number = 1.0, unit: Literal["raw", "unit", "residual_norm"] = "raw",
    site: Site | None = None, tokens: Tokens | None = None,
    during: During = "predicting", reread: Boolean = False, in_order: Boolean = False,
) -> Intervention:  # fmt: skip
    """Add a direction: h + scale · d.

    `unit`: "raw" adds the vector with its own norm, "unit" with norm one, "residual_norm" with the mean norm of the
    activations at its place in the clean run, over tokens within an item and then over items. Acts at the direction's
    own site unless `site` says otherwise, at all tokens that were written unless `tokens` does. `during` is the scope
    while a text is written, or read again (see `generate`); with `tokens` it is "prompt", and it means nothing
    elsewhere.
    """
