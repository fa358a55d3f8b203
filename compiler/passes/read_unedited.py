"""What is read of a row before its first edit is read of an unedited row; a row of which nothing is left is gone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..physical import PhysicalStage, Rows, block_of, blocks_entered, depth_of_rows
from .sources import unedited


def read_unedited(stage: PhysicalStage) -> PhysicalStage:
    """Move reads that no edit precedes, in blocks or in tokens, to the prompt's unedited row.

    A row is added where none is there and two rows or more are read like this. One row's reads are moved only to a row
    that goes through as many blocks anyway.
    """
    if not stage.edits:
        return stage
    block, position = (np.full(len(stage.rows), 1 << 31) for _ in range(2))
    for group in stage.edits:
        np.minimum.at(block, group.rows, min(block_of(group.site), stage.layers))
        np.minimum.at(position, group.rows, group.positions)
    edited = position < 1 << 31
    early = [
        edited[r.rows] & ((block_of(r.site) < block[r.rows]) | (r.positions < position[r.rows])) for r in stage.requests
    ]
    prompt, own = stage.rows.prompt, unedited(stage)
    some = np.zeros(len(stage.rows), dtype=bool)
    for request, moves in zip(stage.requests, early, strict=True):
        some[request.rows[moves]] = True
    many = np.bincount(prompt[some], minlength=len(stage.rows.prompts)) > 1
    deep = np.where(own >= 0, depth_of_rows(stage)[own], 0)
    for request, moves in zip(stage.requests, early, strict=True):
        of = prompt[request.rows]
        moves &= many[of] | (own[of] >= 0) & (deep[of] >= blocks_entered(request.site, stage.layers))
    if not any(moves.any() for moves in early):
        return stage
    wanted = np.unique(np.concatenate([prompt[r.rows[m]] for r, m in zip(stage.requests, early, strict=True)]))
    added = wanted[own[wanted] < 0]
    own[added] = len(stage.rows) + np.arange(len(added))
    requests = tuple(
        replace(r, rows=np.where(m, own[prompt[r.rows]], r.rows)) for r, m in zip(stage.requests, early, strict=True)
    )
    rows = Rows(np.concatenate([prompt, added]), stage.rows.prompts)
    after, gone = without_idle_rows(stage.with_(rows=rows, requests=requests), some)
    count = sum(int(moves.sum()) for moves in early)
    return after.note("read-unedited", f"{count:,} reads before any edit are of unedited rows, {gone:,} rows are gone")


def without_idle_rows(stage: PhysicalStage, some: np.ndarray) -> tuple[PhysicalStage, int]:
    """Drop those of `some` rows [bool] of which nothing is asked any more; says how many these are."""
    asked = np.zeros(len(stage.rows), dtype=bool)
    for request in stage.requests:
        asked[request.rows] = True
    alive = asked.copy()
    alive[: len(some)] |= ~some
    place = np.cumsum(alive) - 1
    edits = []
    for group in stage.edits:
        keep = alive[group.rows]
        cut = {k: v[keep] for k, v in vars(group).items() if isinstance(v, np.ndarray)}
        edits += [replace(group, **cut | {"rows": place[group.rows[keep]]})] * bool(keep.any())
    requests = tuple(replace(r, rows=place[r.rows]) for r in stage.requests)
    rows = Rows(stage.rows.prompt[alive], stage.rows.prompts)
    return stage.with_(rows=rows, requests=requests, edits=tuple(edits)), int((~alive).sum())
