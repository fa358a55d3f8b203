"""Rows that begin and end alike are sorted by length and packed to a token budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..physical import PhysicalStage, depth_of_rows

KEYS = 4  # a token that is not run, but whose keys and values are held, counts as one of this many


def pack_batches(stage: PhysicalStage) -> PhysicalStage:
    """Batch rows so that rows x longest row stays within the budget of tokens; a row beyond the budget runs alone.

    A batch has rows of one depth, and begins where its earliest row does: rows that could begin later join it as long
    as that costs less than one more batch. The order is a function of the rows alone, so that two plans of one spec
    are equal.
    """
    if not len(stage.rows):
        return stage.with_(batches=())
    lengths, starts = stage.rows.lengths, stage.starts
    parent = np.maximum(starts.source, 0)
    sourced = starts.source >= 0
    columns = np.stack(
        [
            starts.group,
            starts.generation,
            depth_of_rows(stage),
            starts.layer,
            np.where(sourced, starts.layer[parent], 0),
            starts.position,
            np.where(sourced, starts.position[parent], 0),
            lengths,
        ]
    )
    order = np.lexsort(columns[::-1])  # stable: equal rows keep their order
    sorted_columns = columns[:, order]
    edges = np.flatnonzero(np.r_[True, (np.diff(sorted_columns, axis=1) != 0).any(axis=0)])
    counts = np.diff(np.r_[edges, len(order)])
    kinds = [Kind(*map(int, sorted_columns[:, edge])) for edge in edges]
    batches, start = [], 0
    for size in sizes(kinds, counts.tolist(), stage.budget, stage.prices.call):
        batches.append(order[start : start + size])
        start += size
    return stage.with_(batches=tuple(batches)).note("pack-batches", f"{len(order):,} rows in {len(batches):,} batches")


@dataclass(frozen=True)
class Kind:
    """What rows have in common; `above` and `behind` are the layer and position that their source starts at."""

    group: int
    generation: int
    depth: int
    layer: int
    above: int
    position: int
    behind: int
    length: int


@dataclass
class Open:
    """A batch that still takes rows."""

    rows: int
    kind: Kind
    length: int
    layer: int
    position: int
    above: int
    behind: int

    @staticmethod
    def of(rows: int, kind: Kind) -> Open:
        return Open(rows, kind, kind.length, kind.layer, kind.position, kind.above, kind.behind)

    def with_rows(self, rows: int, kind: Kind) -> Open | None:
        """This batch with more rows, or None when they cannot run together."""
        mine = self.kind
        if (mine.group, mine.generation, mine.depth) != (kind.group, kind.generation, kind.depth):
            return None
        joined = Open(
            self.rows + rows,
            mine,
            max(self.length, kind.length),
            min(self.layer, kind.layer),
            min(self.position, kind.position),
            max(self.above, kind.above),
            max(self.behind, kind.behind),
        )
        return joined if joined.above <= joined.layer and joined.behind <= joined.position else None

    def time(self, call: float) -> float:
        """What the batch takes, in tokens that pass a block, when calling one takes as long as `call` tokens."""
        return (call + self.rows * (self.length - self.position)) * max(self.kind.depth - self.layer, 0)

    @property
    def per_row(self) -> int:
        """Quarters of tokens held for a row."""
        return KEYS * (self.length - self.position) + self.position


def sizes(kinds: list[Kind], counts: list[int], budget: int, call: float) -> list[int]:
    """How many of the sorted rows each batch takes."""
    found: list[int] = []
    batch: Open | None = None
    for kind, count in zip(kinds, counts, strict=True):
        left = count
        if batch is not None:
            joined = batch.with_rows(left, kind)
            if joined is not None and joined.time(call) <= batch.time(call) + Open.of(left, kind).time(call):
                take = min(left, max(KEYS * budget // joined.per_row - batch.rows, 0))
                if take:
                    batch = batch.with_rows(take, kind)
                    left -= take
        if left:
            if batch is not None:
                found.append(batch.rows)
            whole = max(KEYS * budget // Open.of(1, kind).per_row, 1)
            found += [whole] * ((left - 1) // whole)
            batch = Open.of(left - (left - 1) // whole * whole, kind)
    return [*found, batch.rows] if batch is not None else found
