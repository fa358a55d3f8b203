"""Rows are sorted by depth and length and packed to a token budget."""

from __future__ import annotations

import numpy as np

from ..physical import PhysicalStage, depth_of_rows


def pack_batches(stage: PhysicalStage) -> PhysicalStage:
    """Batch rows of like depth and length: rows x longest row stays within the budget of tokens.

    A row that is longer than the budget runs alone. The order is a function of the rows alone, so that two plans of
    one spec are equal.
    """
    lengths, depth = stage.rows.lengths, depth_of_rows(stage)
    order = np.lexsort((np.arange(len(lengths)), lengths, depth))
    batches: list[np.ndarray] = []
    start = 0
    while start < len(order):
        stop, longest = start, 0
        while stop < len(order):
            longest = max(longest, int(lengths[order[stop]]))
            if stop > start and (
                longest * (stop - start + 1) > stage.budget or depth[order[stop]] != depth[order[start]]
            ):
                break
            stop += 1
        batches.append(order[start:stop])
        start = stop
    return stage.with_(batches=tuple(batches)).note("pack-batches", f"{len(order):,} rows in {len(batches):,} forwards")
