"""Which row's pass another row's begins as. Knows edits as numbers; decides nothing.

A row's edits in the order of blocks are a path, and a row whose path is the beginning of another's has computed what
the other needs first. Every path begins as the unedited run of the same prompt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..physical import PhysicalStage, block_of

CLEAN, NOBODY = -2, -1
ODD = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], np.uint64
)


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
    before: tuple[np.ndarray, np.ndarray]
    upto: tuple[np.ndarray, np.ndarray]
    position: np.ndarray
    last: np.ndarray  # whether it is the row's last


def ancestry(stage: PhysicalStage) -> Ancestry:
    """Find for every edited row the row that shares most of its path; reads of a row bound where it may begin."""
    known = stage.extra.get("ancestry")
    if known is None or known[0] is not stage.edits or known[1] is not stage.requests:
        known = stage.extra["ancestry"] = (stage.edits, stage.requests, found_in(stage))
    found, more = known[2], len(stage.rows) - len(known[2].source)  # rows that a pass has added are not edited
    zero = np.zeros(more, np.int64)
    return Ancestry(
        *(np.r_[old, new] for old, new in ((found.source, zero + NOBODY), (found.layer, zero), (found.position, zero)))
    )


def found_in(stage: PhysicalStage) -> Ancestry:
    """Find them anew."""
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
    for number in np.flatnonzero(np.bincount(count[parent >= 0])):
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
    code = row * (stage.layers + 2) + block
    order = np.argsort(code, kind="stable")
    found = code[order]
    edges = np.flatnonzero(np.r_[True, found[1:] != found[:-1]])
    found = found[edges]
    earliest = np.minimum.reduceat(np.concatenate([g.positions for g in stage.edits])[order], edges)
    rows, blocks = np.divmod(found, stage.layers + 2)
    new = np.r_[True, rows[1:] != rows[:-1]]
    starts = np.flatnonzero(new)
    counts = np.diff(np.r_[starts, len(rows)])
    prompt = stage.rows.prompt[rows[starts]]
    before, upto = [], []
    for lane, name in enumerate(names(stage)):
        total = np.add.reduceat(name[order], edges)
        running = np.cumsum(total, dtype=np.uint64)
        mine = running + np.repeat(mixed(prompt, lane) - (running[starts] - total[starts]), counts)
        before.append(mine - total)
        upto.append(mine)
    # From the last block down: the first token that is edited at this block or above.
    backwards = (1 << 31) * np.repeat(np.arange(len(starts)), counts[::-1])
    after = backwards - np.maximum.accumulate(backwards - earliest[::-1])
    return Levels(rows, blocks, tuple(before), tuple(upto), after[::-1], np.r_[new[1:], True])


def parents(levels: Levels, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Per row, the row whose whole path is the longest beginning of its own, and the entry at which they part."""
    parent, entry = np.full(rows, NOBODY), np.zeros(rows, np.int64)
    ends = np.flatnonzero(levels.last)
    owners = ends[np.argsort(levels.upto[0][ends], kind="stable")]
    whole = levels.upto[0][owners]
    # The longest beginning is tried first; the first entry of a row has nothing before it but the prompt.
    at = ends
    while len(at := at[(at > 0) & (levels.row[at - 1] == levels.row[at])]):
        order = np.argsort(levels.before[0][at])  # looked up in their order: memory is then read in its order
        at = at[order]
        found = owners[np.minimum(np.searchsorted(whole, levels.before[0][at]), len(owners) - 1)]
        same = (levels.upto[0][found] == levels.before[0][at]) & (levels.upto[1][found] == levels.before[1][at])
        parent[levels.row[at[same]]] = levels.row[found[same]]
        entry[levels.row[at[same]]] = at[same]
        at = at[~same] - 1
    return parent, entry


def names(stage: PhysicalStage) -> list[np.ndarray]:
    """Two random-like numbers [edits] for each edit, equal only for equal edits, so that sums name sets of edits."""
    seen: dict[tuple, int] = {}
    parts: list[list[np.ndarray]] = [[], []]
    for group in stage.edits:
        what = seen.setdefault((group.site, group.kind, group.order, group.operand), len(seen) + 1)
        for lane, found in enumerate(parts):
            a, b, c, d = ODD[lane : lane + 4]
            name = group.positions.astype(np.uint64) * a + group.index.astype(np.uint64) * b
            name += np.array([what], np.uint64) * c
            if group.amount is not None:
                name += np.asarray(group.amount, np.float64).view(np.uint64) * d
            found.append(mixed(name, lane))
    return [np.concatenate(found) for found in parts]


def mixed(values: np.ndarray, lane: int) -> np.ndarray:
    """Scatter 64-bit numbers [n], in one of two ways."""
    x = values.astype(np.uint64) + ODD[lane]
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x ^= x >> np.uint64(shift)
        x *= np.uint64(factor)
    return x ^ (x >> np.uint64(31))
