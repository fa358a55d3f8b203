"""The logit lens."""

from __future__ import annotations

from ....compiler.kinds import Activation, Distribution
from ...registry import operation


@operation(work="run", source="nostalgebraist 2020, interpreting GPT: the logit lens")
def lens(activation: Activation) -> Distribution:
    """Next-token distribution that the model's head reads off a residual-stream activation.

    The final norm is applied once and then the unembedding (with the soft cap of models that have one), also at
    `resid_post` of the last layer, where the result is the model's own distribution.
    """
