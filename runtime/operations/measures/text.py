"""How well a model predicts a text."""

from __future__ import annotations

from ....compiler.kinds import Number, Prompts, Tokens
from ...registry import operation


@operation(work="run", open_model=True, nonlinear=True)
def cross_entropy(of: Prompts | Tokens) -> Number:
    """Mean negative log-probability of tokens, each given all that stands before it, in nats per token.

    Of prompts these are all tokens that were written, the response of generated ones included. Tokens name a part of
    it: `cross_entropy(reply.response)` is how surprising the reply is behind its question, `cross_entropy(p.segment)`
    a segment behind those before it. The first token of the sequence has nothing before it and is left out; template
    and special tokens are not counted unless they are named (`p.template`).
    """
