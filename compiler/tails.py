"""Which tokens the last block of each row must run: those that are measured in it or behind it.

Keys and values of the block are made of all tokens before; no row that is measured needs the rest of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .physical import PhysicalStage, blocks_entered, depth_of_rows, remembered

BEFORE = ("q", "k", "v", "pattern")  # what is made of all tokens, or by attention itself


@dataclass(frozen=True, eq=False)
class Places:
    """The tokens measured in or behind each row's last block: `row` and `position` [n], sorted, each place once.

    `able` [rows] tells which rows can do with them: nothing asked of the block, and no edit, needs more.
    """

    row: np.ndarray
    position: np.ndarray
    able: np.ndarray

    @property
    def need(self) -> np.ndarray:
        """Per row, the number of its places."""
        return np.bincount(self.row, minlength=len(self.able))

    def table(self, rows: np.ndarray, width: int, lengths: np.ndarray) -> np.ndarray:
        """The positions of some rows [rows, width], filled up with the last; its last token where a row has none."""
        first = np.searchsorted(self.row, rows)
        count = np.searchsorted(self.row, rows, "right") - first
        at = first[:, None] + np.minimum(np.arange(width), np.maximum(count - 1, 0)[:, None])
        known = np.r_[self.position, 0]
        return np.where(count[:, None] > 0, known[np.minimum(at, len(self.position))], lengths[:, None] - 1)


@remembered("rows", "requests", "edits", "stops", "begins", "layers")
def places_of(stage: PhysicalStage) -> Places:
    """Find them. A row from which others start behind its last block also has the places of these."""
    depth, starts, tokens = depth_of_rows(stage), stage.starts, int(stage.rows.lengths.max(initial=1))
    able, found = np.ones(len(depth), dtype=bool), []
    for request in stage.requests:
        here = blocks_entered(request.site, stage.layers) == depth[request.rows]
        if request.site[0] in BEFORE:
            able[request.rows[here]] = False
        else:
            found.append((request.rows * tokens + request.positions)[here])
    for group in stage.edits:
        if group.site[0] in BEFORE or group.kind == "graft":
            able[group.rows[blocks_entered(group.site, stage.layers) == depth[group.rows]]] = False
    code = unique(np.concatenate(found) if found else np.zeros(0, np.int64))
    source = starts.source
    late = (source >= 0) & (starts.layer > 0) & (starts.layer == depth[source])
    able[source[late & (depth > starts.layer)]] = False
    ends = late & (depth == starts.layer)
    for number in range(int(starts.generation.max(initial=0)), 0, -1):
        row, position = np.divmod(code, tokens)
        passed = (ends & (starts.generation == number))[row]
        if passed.any():
            code = unique(np.r_[code, source[row[passed]] * tokens + position[passed]])
    return Places(*np.divmod(code, tokens), able)


def unique(code: np.ndarray) -> np.ndarray:
    """Sorted numbers, each once; those that are sorted already take no more than a look."""
    if (code[1:] > code[:-1]).all():
        return code
    code = np.sort(code)  # faster than `np.unique`, which hashes
    return code[np.r_[True, code[1:] > code[:-1]]]


@remembered("rows", "requests", "edits", "stops", "begins", "layers", "batches", "tails", "prices")
def tail_widths(stage: PhysicalStage) -> np.ndarray:
    """Per batch, the tokens that its last block runs of each row; 0 where it runs all of them."""
    widths = np.zeros(len(stage.batches), np.int64)
    if not stage.tails:
        return widths
    places, depth, starts, lengths = places_of(stage), depth_of_rows(stage), stage.starts, stage.rows.lengths
    need = places.need
    for number, batch in enumerate(stage.batches):
        end = depth[batch] == depth[batch].max()
        here = batch[end]
        run = int((starts.layer[here] < depth[here]).sum())
        width, whole = max(int(need[here].max()), 1), int(lengths[batch].max()) - starts.first_token(batch)
        if pays(stage, run, whole, width) and places.able[here].all():
            widths[number] = width
    return widths


def pays(stage: PhysicalStage, rows: int, whole: int, width: int) -> bool:
    """Whether `rows` that run `width` tokens of `whole` save more than calling the block once more."""
    return rows * (whole - width) > stage.prices.call
