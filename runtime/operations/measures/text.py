"""How well a model predicts a text."""

from __future__ import annotations

from ....compiler.kinds import Number, Prompts
from ...registry import operation


@operation(work="run", open_model=True, nonlinear=True)
def cross_entropy(of: Prompts) -> Number:
    """Mean negative log-probability of the tokens of the text that was written, in nats per token.

    The first token of the sequence has nothing before it and is left out; template and special tokens are not counted.
    Kernel: logits [m, vocabulary] at the tokens before, ids [m] -> [m]; the mean is taken for each item.
    """
