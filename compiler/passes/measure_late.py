"""In the last block of a row only the tokens matter that are measured there or behind it."""

from __future__ import annotations

from ..counting import cost
from ..physical import PhysicalStage
from .pack_batches import one_by_one, pack_batches


def measure_late(stage: PhysicalStage) -> PhysicalStage:
    """Let the last block of a batch make keys and values of all tokens, and the rest of those that are measured.

    Batches are packed anew, so that rows with few such tokens are together.
    """
    if not stage.divisible or not len(stage.rows):
        return stage
    others = tuple(note for note in stage.saved if note[0] != "pack-batches")
    late = stage.with_(tails=True, saved=others)
    before, after = (stage, pack_batches(late)) if stage.batches else map(one_by_one, (stage, late))
    old, new = cost(before), cost(after)
    if new.row_layer_tokens >= old.row_layer_tokens or new.price(stage.prices) >= old.price(stage.prices):
        return stage
    text = f"last blocks run what is measured: {old.row_layer_tokens:,} -> {new.row_layer_tokens:,} row-layer-tokens"
    return after.note("measure-late", text)
