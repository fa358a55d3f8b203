"""The same tokens under the same edits run once, whatever reads them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..physical import PhysicalStage, Rows


def share_runs(stage: PhysicalStage) -> PhysicalStage:
    """Merge rows without edits that have the same tokens. Edited rows are told apart by their edits, and stay."""
    edited = np.zeros(len(stage.rows), dtype=bool)
    for group in stage.edits:
        edited[group.rows] = True
    plain = np.flatnonzero(~edited)
    first = np.full(len(stage.rows.prompts), -1)
    first[stage.rows.prompt[plain[::-1]]] = plain[::-1]  # the first row of each prompt is written last
    target = np.arange(len(stage.rows))
    target[plain] = first[stage.rows.prompt[plain]]
    alive = np.zeros(len(target), dtype=bool)
    alive[target] = True
    kept = np.flatnonzero(alive)
    if len(kept) == len(target):
        return stage
    place = np.full(len(target), -1)
    place[kept] = np.arange(len(kept))
    moved = place[target]
    requests = tuple(replace(r, rows=moved[r.rows]) for r in stage.requests)
    edits = tuple(replace(g, rows=moved[g.rows]) for g in stage.edits)
    rows = Rows(stage.rows.prompt[kept], stage.rows.prompts)
    merged = stage.with_(rows=rows, requests=requests, edits=edits)
    return merged.note("share-runs", f"{len(target):,} -> {len(kept):,} rows")
