"""Another model's weights inside a run."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import Boolean, Integer, Intervention, Model, Part, Site, Tokens
from ...registry import operation
from . import During


@operation(work="intervention", subject="at", source="Nief et al. 2025, arXiv:2506.20746")
def graft(
    donor: Model, *, parts: list[Part | Site], at: Tokens, layers: Integer | list[Integer] | None = None,
    head: Literal["never", "always", "last_token"] = "never", during: During = "prompt", reread: Boolean = False,
) -> Intervention:  # fmt: skip
    """Compute some parts with another model's weights, at some tokens; all else stays the model's own.

    It is what running token by token with the weights exchanged at those tokens would give, in one pass: keys and
    values that are made at grafted tokens are read by later ones, and queries matter for their own token only.

    `parts` are `attn`, `mlp`, their pieces (`attn.q`, `attn.k`, `attn.v`, `attn.o`, `mlp.gate`, `mlp.up`, `mlp.down`),
    `norms` and `embed`; biases go with their weights, also where projections are fused. `layers` names blocks, all if
    it is not given; then `norms` has the final norm too. `head` says for which tokens the donor's unembedding is used:
    for none, for all (also those that are written), or for the last one of the prompt, whether or not it is among
    `at`. `during` is the scope of the parts while a text is written, and when it is read again (see `generate`).

    `graft(donor, parts=[mlp], at=p.subject, layers=layer) … for layer` grafts one block after the other, and
    `layers=[layer, layer + 1]` two at a time.

    The donor has to have the same architecture and sizes, and for `embed` and `head` the same vocabulary.
    """
