"""Seconds that a stage takes on a machine whose speed was measured. Knows shapes and rates; measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .cost import CostModel
from .sizes import Shape

RATES = ("forward", "call", "token", "pair", "visit", "head")


@dataclass(frozen=True)
class Speed:
    """Seconds: of a forward, of calling a block, of a token in a block, of a token that attends to another in a block,
    of visiting a site, and of the unembedding at one position; and of loading the model."""

    forward: float
    call: float
    token: float
    pair: float
    visit: float
    head: float
    load: float = 0.0

    def seconds(self, batches: Sequence[Shape]) -> float:
        """How long batches take together."""
        return sum(sum(getattr(self, name) * n for name, n in zip(RATES, terms(b), strict=True)) for b in batches)

    def prices(self) -> CostModel:
        """What the planner reckons with, in tokens that pass a block."""
        token = max(self.token, 1e-9)
        call = self.call / token
        return CostModel(call=call, forward=self.forward / token, join=call, head=self.head / token, seconds=self.token)


def terms(batch: Shape) -> tuple[int, ...]:
    """How often each of `RATES` falls due in a batch."""
    tokens = batch.block_tokens
    return 1, batch.calls, tokens, tokens * batch.keys, batch.visits, batch.logits
