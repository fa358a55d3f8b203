"""Edits that put in what is there are dropped, and rows without any other are unedited ones."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from ..physical import EditGroup, PhysicalStage


def drop_idle(stage: PhysicalStage) -> PhysicalStage:
    """Drop edits whose vector is the row's own, where no other edit of the row is at this token or before it."""
    if all(g.idle is None for g in stage.edits):
        return stage
    first = np.full(len(stage.rows), 1 << 30)
    for group in stage.edits:
        moves = np.ones(len(group.rows), dtype=bool) if group.idle is None else ~group.idle
        np.minimum.at(first, group.rows[moves], group.positions[moves])
    left = []
    for group in stage.edits:
        if group.idle is not None:
            group = kept(group, ~(group.idle & (group.positions < first[group.rows])))
        left += [group] * (len(group.rows) > 0)
    before, after = (sum(len(g.rows) for g in groups) for groups in (stage.edits, left))
    if before == after:
        return stage
    return stage.with_(edits=tuple(left)).note(
        "drop-idle", f"{before - after:,} of {before:,} edits put in what is there"
    )


def kept(group: EditGroup, keep: np.ndarray) -> EditGroup:
    """The edits of a group for which `keep` [bool] holds."""
    values = {f.name: getattr(group, f.name) for f in fields(group)}
    return replace(group, **{k: v[keep] for k, v in values.items() if isinstance(v, np.ndarray)})
