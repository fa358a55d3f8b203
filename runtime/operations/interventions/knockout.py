"""Cut edges of attention."""

from __future__ import annotations

from ....compiler.kinds import Boolean, Integer, Intervention, Tokens
from ...registry import operation
from . import During


@operation(work="intervention", subject="to", source="Geva et al. 2023, arXiv:2304.14767")
def knockout(
    *, from_: Tokens, to: Tokens, layer: Integer | list[Integer] | None = None, head: Integer | None = None,
    during: During = "prompt", reread: Boolean = False,
) -> Intervention:  # fmt: skip
    """Cut attention edges: the tokens `to` no longer see the tokens `from`, and the other edges are renormalised.

    In all layers and heads, or in those that `layer` and `head` name. Scores of cut edges are set to minus infinity
    before the softmax. Tokens see only what stands before them, and themselves: edges that are not there are not cut. A
    token that would be left without any edge is an error (`no-edge-left`), said before anything runs.

    `during` is the scope while a text is written, and when it is read again (see `generate`): it says which tokens no
    longer see `from`, and `from` are tokens of the prompt. Tokens that are written see each other.
    """
