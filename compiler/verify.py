"""What a physical stage must be, checked after every pass: a pass that breaks a rule is caught at that pass."""

from __future__ import annotations

import numpy as np

from .physical import PhysicalStage


class IllegalStage(AssertionError):
    """A pass made a stage that cannot be run as it is."""


def verify(stage: PhysicalStage) -> PhysicalStage:
    """Return the stage, or raise `IllegalStage` with the rule that it breaks."""
    n, lengths = len(stage.rows), stage.rows.lengths
    for part in (*stage.requests, *stage.edits):
        if not len(part.rows) == len(part.positions):
            raise IllegalStage("rows and positions of a part differ in number")
        if len(part.rows) and (part.rows.min() < 0 or part.rows.max() >= n):
            raise IllegalStage("a part names a row that does not exist")
        if len(part.rows) and ((part.positions < 0) | (part.positions >= lengths[part.rows])).any():
            raise IllegalStage("a part names a position outside its row")
        if part.site[1] is not None and not 0 <= part.site[1] < stage.layers:
            raise IllegalStage(f"a part names layer {part.site[1]} of {stage.layers}")
    if stage.batches:
        rows = np.concatenate(stage.batches)
        if len(rows) != n or (np.bincount(rows, minlength=n) != 1).any():
            raise IllegalStage("batches do not hold every row exactly once")
    return stage
