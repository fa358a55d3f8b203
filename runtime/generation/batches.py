"""Batches of texts: as many as memory holds, prompts of like lengths together. Knows shapes; runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...compiler.shape import ModelShape
from .lower import Writing
from .sizes import bytes_of


@dataclass(frozen=True)
class Room:
    """What a batch may take: `bytes` of memory, `texts`, and, where an option says so, `tokens` that it holds."""

    bytes: int
    texts: int
    tokens: int | None = None

    def holds(self, texts: int, prompt: int, limit: int, shape: ModelShape) -> bool:
        """Whether so many texts of up to `limit` tokens behind prompts of up to `prompt` tokens fit."""
        if texts > self.texts or self.tokens is not None and texts * (prompt + limit) > self.tokens:
            return False
        return bytes_of(shape, texts, texts, prompt, limit) <= self.bytes


def in_batches(writing: Writing, shape: ModelShape, room: Room, wanted: np.ndarray | None = None) -> Writing:
    """The writing with its texts in batches: those that can be written and that are `wanted` [texts] (None: all)."""
    chosen = np.equal(writing.reasons, None)
    texts = np.flatnonzero(chosen if wanted is None else chosen & wanted)
    length, limit = writing.rows.lengths[writing.row], writing.limit
    order = texts[np.lexsort((texts, writing.head[writing.row[texts]], length[texts], limit[texts]))]
    batches, start = [], 0
    for stop in range(1, len(order) + 1):
        following = order[stop] if stop < len(order) else None
        if (
            following is None
            or limit[following] != limit[order[start]]
            or not room.holds(stop - start + 1, int(length[following]), int(limit[following]), shape)
        ):
            batches.append(order[start:stop])
            start = stop
    return replace(writing, batches=tuple(batches))
