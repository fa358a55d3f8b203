"""Measures of a whole distribution."""

from __future__ import annotations

from ....compiler.kinds import Distribution, Number
from ...registry import operation


@operation(work="run", nonlinear=True)
def entropy(of: Distribution) -> Number:
    """Entropy of the next-token distribution, in nats."""
    logs = of.double().log_softmax(-1)
    return -(logs.exp() * logs).sum(-1)


@operation(work="run", nonlinear=True)
def kl(of: Distribution, other: Distribution) -> Number:
    """Kullback-Leibler divergence KL(of ‖ other) of two next-token distributions, in nats.

    `kl(p, p under i)` says how far an intervention moves the distribution. Both need one vocabulary.
    """
    logs, others = of.double().log_softmax(-1), other.double().log_softmax(-1)
    return (logs.exp() * (logs - others)).sum(-1)
