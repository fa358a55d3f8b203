"""Which row's pass another row's begins as. Knows edits as numbers; decides nothing.

A row's edits in the order of blocks are a path, and a row whose path is the beginning of another's has computed what
the other needs first. Every path begins as the unedited run of the same prompt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..physical import PhysicalStage, block_of

CLEAN, NOBODY = -2, -1
MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)


@dataclass(frozen=True, eq=False)
class Ancestry:
    """Per row: the row it begins as (`CLEAN`: its prompt's unedited run, `NOBODY`), and where the two part.

    Before block `layer`, and at tokens before `position`, the two are equal, and nothing is read of the row there.
    """

    source: np.ndarray
    layer: np.ndarray
    position: np.ndarray


@dataclass(frozen=True, eq=False)
class Levels:
    """The blocks at which rows are edited: one entry for each row and block, sorted. `before` and `upto` are names of
    the edits below the block, and with those at it; `position` is the first edited token from this block on."""

    row: np.ndarray
    block: np.ndarray
    before: np.ndarray
    upto: np.ndarray
    position: np.ndarray
    last: np.ndarray  # whether it is the row's last


def ancestry(stage: PhysicalStage) -> Ancestry:
    """Find for every edited row the row that shares most of its path; reads of a row bound where it may begin."""
    n = len(stage.rows)
    source, layer, position = np.full(n, NOBODY), np.zeros(n, np.int64), np.zeros(n, np.int64)
    if not stage.edits or not n:
        return Ancestry(source, layer, position)
    levels = levels_of(stage)
    read_block, read_position = first_reads(stage)
    first = np.flatnonzero(np.r_[True, levels.row[1:] != levels.row[:-1]])
    rows = levels.row[first]
    source[rows] = CLEAN
    layer[rows] = np.minimum(levels.block[first], read_block[rows])
    position[rows] = np.minimum(levels.position[first], read_position[rows])
    parent, entry = parents(levels, n)
    count = np.bincount(levels.row, minlength=n)
    # Fewest blocks first: where a parent begins is known before its children are looked at.
    for number in np.unique(count[parent >= 0]):
        here = np.flatnonzero((parent >= 0) & (count == number))
        of, at = parent[here], entry[here]
        block = np.minimum(levels.block[at], read_block[here])
        token = np.minimum(levels.position[at], read_position[here])
        fits = (block >= layer[of]) & (token >= position[of])
        here = here[fits]
        source[here], layer[here], position[here] = of[fits], block[fits], token[fits]
    idle = (layer == 0) & (position == 0)
    source[idle] = NOBODY
    return Ancestry(source, np.minimum(layer, stage.layers), position)


def first_reads(stage: PhysicalStage) -> tuple[np.ndarray, np.ndarray]:
    """Per row, the first block and the first token that anything asked of it needs."""
    block, position = (np.full(len(stage.rows), 1 << 30) for _ in range(2))
    for request in stage.requests:
        np.minimum.at(block, request.rows, block_of(request.site))
        np.minimum.at(position, request.rows, request.positions)
    return block, position


def levels_of(stage: PhysicalStage) -> Levels:
    """Gather the edits of every row by block, with names of what was edited so far."""
    row = np.concatenate([g.rows for g in stage.edits])
    block = np.concatenate([np.full(len(g.rows), min(block_of(g.site), stage.layers)) for g in stage.edits])
    token = np.concatenate([g.positions for g in stage.edits])
    name = names(stage)
    code = row * (stage.layers + 2) + block
    found, inverse = np.unique(code, return_inverse=True)
    total = np.zeros((len(found), 2), np.uint64)
    np.add.at(total, inverse, name)
    earliest = np.full(len(found), 1 << 30)
    np.minimum.at(earliest, inverse, token)
    rows, blocks = found // (stage.layers + 2), found % (stage.layers + 2)
    starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
    number = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(rows)]))
    running = np.cumsum(total, axis=0, dtype=np.uint64)
    below = np.vstack([np.zeros((1, 2), np.uint64), running])[starts][number]
    upto = running - below
    # From the last block down: the first token that is edited at this block or above.
    backwards = (1 << 31) * (number.max(initial=0) - number[::-1]) - earliest[::-1]
    after = (1 << 31) * (number.max(initial=0) - number[::-1]) - np.maximum.accumulate(backwards)
    prompt = mixed(stage.rows.prompt[rows])
    last = np.r_[rows[1:] != rows[:-1], True]
    return Levels(rows, blocks, upto - total + prompt, upto + prompt, after[::-1], last)


def parents(levels: Levels, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Per row, the row whose whole path is the longest beginning of its own, and the entry at which they part."""
    kind = np.dtype([("a", np.uint64), ("b", np.uint64)])
    whole = levels.upto[levels.last].copy().view(kind).reshape(-1)
    owners, first = np.unique(whole, return_index=True)
    begins = levels.before.copy().view(kind).reshape(-1)
    at = np.minimum(np.searchsorted(owners, begins), len(owners) - 1)
    found = np.flatnonzero(owners[at] == begins)
    parent, entry = np.full(rows, NOBODY), np.zeros(rows, np.int64)
    # Entries are sorted by block: a later one, with the longer beginning, is written last.
    parent[levels.row[found]] = levels.row[levels.last][first[at[found]]]
    entry[levels.row[found]] = found
    return parent, entry


def names(stage: PhysicalStage) -> np.ndarray:
    """Two random-like numbers [edits, 2] for each edit, equal only for equal edits, so that sums name sets of edits."""
    seen: dict[tuple, int] = {}
    parts = []
    for group in stage.edits:
        what = seen.setdefault((group.site, group.kind, group.order, group.operand), len(seen))
        amount = np.ones(len(group.rows)) if group.amount is None else np.asarray(group.amount, np.float64)
        columns = (np.full(len(group.rows), what), group.positions, group.index, amount.view(np.int64))
        name = np.zeros((len(group.rows), 2), np.uint64)
        for column in columns:
            name = mixed(name ^ np.asarray(column).astype(np.int64).view(np.uint64)[:, None])
        parts.append(name)
    return np.concatenate(parts)


def mixed(values: np.ndarray) -> np.ndarray:
    """Scatter 64-bit numbers, each in two ways: [n] or [n, 2] to [n, 2]."""
    x = np.asarray(values)
    x = (x if x.ndim == 2 else x[:, None]).astype(np.uint64) + MIX
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(31))
