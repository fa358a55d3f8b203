"""Rows are sorted by depth and length and packed to a token budget."""

from __future__ import annotations

import numpy as np

from ..physical import PhysicalStage, depth_of_rows


def pack_batches(stage: PhysicalStage) -> PhysicalStage:
    """Batch rows of one depth and like length: rows x longest row stays within the budget of tokens.

    A row that is longer than the budget runs alone. The order is a function of the rows alone, so that two plans of
    one spec are equal.
    """
    lengths, depth = stage.rows.lengths, depth_of_rows(stage)
    order = np.lexsort((lengths, depth))  # stable: equal rows keep their order
    batches = [order[start:stop] for start, stop in cuts(depth[order], lengths[order], stage.budget)]
    return stage.with_(batches=tuple(batches)).note("pack-batches", f"{len(order):,} rows in {len(batches):,} batches")


def cuts(depth: np.ndarray, lengths: np.ndarray, budget: int) -> list[tuple[int, int]]:
    """Where to cut sorted rows. Lengths rise within a depth, so a batch's longest row is its last."""
    found: list[tuple[int, int]] = []
    edges = np.flatnonzero(np.diff(depth)) + 1
    for first, end in zip([0, *edges.tolist()], [*edges.tolist(), len(depth)], strict=True):
        start = first
        while start < end:
            # rows x longest row rises along the batch: the last row that still fits is found by bisection
            low, high = start + 1, end
            while low < high:
                middle = (low + high + 1) // 2
                if (middle - start) * int(lengths[middle - 1]) <= budget:
                    low = middle
                else:
                    high = middle - 1
            found.append((start, low))
            start = low
    return found
