"""In the last block of a row only the tokens matter that are measured there or behind it."""

from __future__ import annotations

from ..counting import cost
from ..physical import PhysicalStage
from .pack_batches import pack_batches


def measure_late(stage: PhysicalStage) -> PhysicalStage:
    """Let the last block of a batch make keys and values of all tokens, and the rest of those that are measured."""
    if not stage.divisible:
        return stage
    after = stage.with_(tails=True)
    old, new = (cost(pack_batches(s)) for s in (stage, after))
    if new.row_layer_tokens >= old.row_layer_tokens or new.price(stage.prices) >= old.price(stage.prices):
        return stage
    text = f"last blocks run what is measured: {old.row_layer_tokens:,} -> {new.row_layer_tokens:,} row-layer-tokens"
    return after.note("measure-late", text)
