"""What a stage will count, by the rule by which the engine counts. Runs nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .cost import CostModel
from .physical import PhysicalStage, asked_rows, depth_of_rows, remembered, unembedded
from .tails import tail_widths


@dataclass(frozen=True)
class Cost:
    """What a stage is predicted to count: forwards, rows x padded tokens x blocks entered, calls of blocks, and places
    at which the logits of the whole vocabulary are computed."""

    rows: int
    tokens: int
    forwards: int
    row_layer_tokens: int
    calls: int = 0
    unembeddings: int = 0

    def price(self, prices: CostModel) -> float:
        """What the stage takes, in tokens that pass one block."""
        head = prices.head * self.unembeddings
        return self.row_layer_tokens + prices.call * self.calls + prices.forward * self.forwards + head


@remembered("rows", "requests", "edits", "stops", "begins", "layers", "batches", "tails", "narrow", "prices")
def cost(stage: PhysicalStage) -> Cost:
    """The exact counts of a stage, by the rule by which the engine counts."""
    lengths, depth, asked, starts = stage.rows.lengths, depth_of_rows(stage), asked_rows(stage), stage.starts
    blocks = np.maximum(depth - starts.layer, 0)
    total = forwards = calls = 0
    for batch, width in zip(stage.batches, tail_widths(stage).tolist(), strict=True):
        if not asked[batch].any():
            continue
        forwards += 1
        tokens, last = int(lengths[batch].max()) - starts.first_token(batch), int(depth[batch].max())
        total += int(blocks[batch].sum()) * tokens
        calls += max(last - int(starts.layer[batch].min()), 0)
        if width:
            total -= int((blocks[batch][depth[batch] == last] > 0).sum()) * (tokens - width)
            calls += 1
    return Cost(len(stage.rows), int(lengths.sum()), forwards, total, calls, int(unembedded(stage).sum()))
