"""Rows are sorted by the tokens that they run and packed to a token budget; in a batch each begins at its own block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..physical import PhysicalStage, depth_of_rows, remembered
from ..sizes import counted
from ..tails import pays, places_of

KEYS = 4  # a token that is not run, but whose keys and values are held, counts as one of this many


def pack_batches(stage: PhysicalStage) -> PhysicalStage:
    """Batch rows so that rows x longest row stays within the budget of tokens; a row beyond the budget runs alone.

    Rows of one length and first token are neighbours, sorted by their first block: a batch walks the blocks, rows join
    at their first one and leave behind their last. Rows of other lengths or first tokens join as long as the tokens
    that are then run in vain cost less than one more batch. Where the last block runs for measured tokens alone, rows
    with few of them keep together by the same rule. The order is a function of the rows alone, so that two plans of
    one spec are equal.
    """
    batches = batches_of(stage)
    if not batches:
        return stage.with_(batches=())
    words = f"{counted(len(stage.rows), 'row')} in {counted(len(batches), 'batch')}"
    return stage.with_(batches=batches).note("pack-batches", words)


@remembered("rows", "requests", "edits", "stops", "begins", "layers", "tails", "budget", "prices")
def batches_of(stage: PhysicalStage) -> tuple[np.ndarray, ...]:
    """The rows of each batch."""
    if not len(stage.rows):
        return ()
    lengths, starts, depth = stage.rows.lengths, stage.starts, depth_of_rows(stage)
    # What is asked of a row that enters no block is read before the first one, and no other row waits for it.
    home = code(starts.group, depth == 0)
    need, rank = needs(stage)
    bucket = code(home, starts.position, lengths, rank)
    order = np.argsort(code(bucket, starts.layer, starts.generation), kind="stable")
    edges = np.flatnonzero(np.r_[True, np.diff(bucket[order]) != 0, True]).tolist()
    found: list[Batch] = []
    for batch in cut_batches(stage, order, edges, home, need):
        joined = found[-1].joined(batch) if found else None
        if joined is not None and joined.fits(stage.budget) and joined.pays(found[-1], batch, stage):
            found[-1] = joined
        else:
            found.append(batch)
    return tuple(order[batch.begin : batch.end] for batch in found)


def cut_batches(
    stage: PhysicalStage, order: np.ndarray, edges: list[int], home: np.ndarray, need: np.ndarray
) -> Iterator[Batch]:
    """The rows between two `edges` of an order are alike: yield them as batches within the budget."""
    lengths, starts, depth = stage.rows.lengths, stage.starts, depth_of_rows(stage)
    cuts = []
    for first, last in zip(edges[:-1], edges[1:], strict=True):
        each = weight(int(lengths[order[first]]), int(starts.position[order[first]]))
        cuts += pieces(first, last, KEYS * stage.budget // each)
    begins = np.array([begin for begin, _ in cuts])
    layer, deep = starts.layer[order], depth[order]
    deepest = np.maximum.reduceat(deep, begins)
    here = deep == np.repeat(deepest, np.diff(np.r_[begins, len(order)]))
    ends = here & (layer < deep)
    columns = (
        home[order[begins]],
        lengths[order[begins]],
        starts.position[order[begins]],
        np.add.reduceat(np.maximum(deep - layer, 0), begins),
        np.minimum.reduceat(layer, begins),
        deepest,
        np.maximum.reduceat(np.where(here, need[order], 0), begins),
        np.add.reduceat(ends.astype(np.int64), begins),
    )
    for (begin, end), (at, length, position, blocks, first, last, tokens, many) in zip(
        cuts, zip(*(c.tolist() for c in columns), strict=True), strict=True
    ):
        yield Batch(at, begin, end, length, position, blocks, first, last, tokens, many)


def one_by_one(stage: PhysicalStage) -> PhysicalStage:
    """Make every row a batch of its own, after the row that it starts from."""
    order = np.lexsort((stage.starts.generation, stage.starts.group))
    return stage.with_(batches=tuple(np.array([i]) for i in order))


@dataclass(frozen=True)
class Batch:
    """Rows `begin` to `end` of the order. `blocks` adds up the blocks that its rows enter, of `first` to `last`.

    `ends` rows run the last block, where they need `need` tokens each.
    """

    home: int
    begin: int
    end: int
    length: int
    position: int
    blocks: int
    first: int
    last: int
    need: int
    ends: int

    def joined(self, other: Batch) -> Batch | None:
        """This batch and the one behind it in the order as one, or None when they cannot run together."""
        if self.home != other.home:
            return None
        last = max(self.last, other.last)
        there = [batch for batch in (self, other) if batch.last == last]
        return replace(
            self,
            end=other.end,
            length=max(self.length, other.length),
            position=min(self.position, other.position),
            blocks=self.blocks + other.blocks,
            first=min(self.first, other.first),
            last=last,
            need=max(batch.need for batch in there),
            ends=sum(batch.ends for batch in there),
        )

    def fits(self, budget: int) -> bool:
        return (self.end - self.begin) * weight(self.length, self.position) <= KEYS * budget

    def pays(self, one: Batch, other: Batch, stage: PhysicalStage) -> bool:
        """Whether this batch takes no longer than the two that it is made of."""
        return self.price(stage) <= one.price(stage) + other.price(stage)

    def price(self, stage: PhysicalStage) -> float:
        prices, tokens = stage.prices, self.length - self.position
        found = prices.forward + prices.call * max(self.last - self.first, 0) + tokens * self.blocks
        if stage.tails and pays(stage, self.ends, tokens, self.need):
            found += prices.call - self.ends * (tokens - self.need)
        return found


def needs(stage: PhysicalStage) -> tuple[np.ndarray, np.ndarray]:
    """Per row, the tokens that its last block must run, and a rank by which rows that need few lie beside each other.

    A row has a rank that is no lower than that of the row it starts from, which must not run behind it.
    """
    lengths, rank = stage.rows.lengths, np.zeros(len(stage.rows), np.int64)
    if not stage.tails:
        return lengths, rank
    places, starts = places_of(stage), stage.starts
    need = np.where(places.able, np.maximum(places.need, 1), lengths)
    few = need * 2 <= lengths - starts.position
    for number in range(int(starts.generation.max(initial=0)) + 1):
        rows = np.flatnonzero(starts.generation == number)
        least = rank[starts.source[rows]] if number else 0
        rank[rows] = least + ((least % 2 == 0) == few[rows])
    return need, rank


def weight(length: int, position: int) -> int:
    """Parts of a token, `KEYS` to one, that a row holds."""
    return KEYS * (length - position) + position


def pieces(first: int, last: int, most: int) -> list[tuple[int, int]]:
    """Cut a range into equal parts of at most `most`, and at least one."""
    count = -(-(last - first) // max(most, 1))
    edges = np.linspace(first, last, count + 1).astype(int).tolist()
    return list(zip(edges[:-1], edges[1:], strict=True))


def code(*columns: np.ndarray) -> np.ndarray:
    """One number [rows] for each combination of numbers that are not negative, in their order."""
    found = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        found = found * (int(column.max(initial=0)) + 1) + column
    return found
