"""A row that is first edited at block l starts there, from the hidden state of a row that is equal until then."""

from __future__ import annotations

import numpy as np

from ..physical import PhysicalStage, depth_of_rows
from .ancestry import CLEAN, NOBODY, ancestry
from .sources import attached, if_better, worthwhile


def resume_late(stage: PhysicalStage) -> PhysicalStage:
    """Start rows at the first block that differs from their source's: the prompt's unedited run, or the row whose
    edits are the first of theirs. Unedited runs that nobody asked for are added where they cost less than they save.
    """
    found = ancestry(stage)
    later = np.minimum(found.layer, depth_of_rows(stage))
    chosen = worthwhile(stage, found, later * stage.rows.lengths, later)
    if not chosen.any():
        return stage
    source = np.where(chosen, found.source, NOBODY)
    after = attached(stage, source, np.where(chosen, later, 0), np.zeros(len(source), np.int64))
    clean, shared = int((source == CLEAN).sum()), int((source >= 0).sum())
    parts = [f"{clean:,} rows start from unedited ones"] * (clean > 0)
    parts += [f"{shared:,} from edited ones"] * (shared > 0)
    return if_better(stage, after, "resume-late", ", ".join(parts))
