"""What the planner reckons with: prices of calls and tokens. Knows no machine; a calibration fills in the numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CostModel:
    """Prices, in tokens that pass one block: only their ratios decide what is planned.

    `call`: calling a block once, whatever its rows. `forward`: what a forward costs beside its blocks. `join`: rows
    that join a batch at a later block, per joining. `head`: the unembedding at one position. `seconds` is what one
    such token takes on a machine, None where nothing was measured.
    """

    call: float = 16.0
    forward: float = 0.0
    join: float = 16.0
    head: float = 0.0
    seconds: float | None = None
