"""Edits that change nothing are dropped, and rows without any other are unedited ones.

They put in what is there, or are of strength nothing: the dose 0 of a sweep is the unedited row of its stage.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from ..physical import EditGroup, PhysicalStage

# The amount at which a kind of edit leaves every vector as it is.
NOTHING = {"add": 0.0, "blend": 0.0, "project_out": 0.0, "scale": 1.0}


def drop_idle(stage: PhysicalStage) -> PhysicalStage:
    """Drop edits of an amount that changes nothing, and those whose vector is the row's own, where no other edit of the
    row is at this token or before it."""
    before = sum(len(g.rows) for g in stage.edits)
    stage = stage.with_(edits=tuple(kept(g, ~without_effect(g)) for g in stage.edits))
    first = np.full(len(stage.rows), 1 << 30)
    for group in stage.edits:
        moves = np.ones(len(group.rows), dtype=bool) if group.idle is None else ~group.idle
        np.minimum.at(first, group.rows[moves], group.positions[moves])
    left = []
    for group in stage.edits:
        if group.idle is not None:
            group = kept(group, ~(group.idle & (group.positions < first[group.rows])))
        left += [group] * (len(group.rows) > 0)
    gone = before - sum(len(group.rows) for group in left)
    if not gone:
        return stage
    return stage.with_(edits=tuple(left)).note("drop-idle", f"{gone:,} of {before:,} edits change nothing")


def without_effect(group: EditGroup) -> np.ndarray:
    """Per edit [bool], whether it is of an amount that changes no vector."""
    if group.amount is None or group.kind not in NOTHING:
        return np.zeros(len(group.rows), dtype=bool)
    return group.amount == NOTHING[group.kind]


def kept(group: EditGroup, keep: np.ndarray) -> EditGroup:
    """The edits of a group for which `keep` [bool] holds."""
    values = {f.name: getattr(group, f.name) for f in fields(group)}
    return replace(group, **{k: v[keep] for k, v in values.items() if isinstance(v, np.ndarray)})
