"""What is measured of generated text by other models."""

from __future__ import annotations

from ....compiler.kinds import Number, Prompts
from ...registry import operation


@operation(work="run", open_model=True, planned=True)
def score(of: Prompts) -> Number:
    """Reward that a model with a scalar head (`hub(…, head=\"reward\")`) gives to a dialogue."""
