"""Tokens before the first edited one are not run: their keys and values come from a row that is equal there."""

from __future__ import annotations

import numpy as np

from ..physical import PhysicalStage, depth_of_rows
from .ancestry import ancestry
from .sources import attached, if_better, worthwhile

SHORT = 8  # a prefix below this part of its row is run again: fetching it costs as much


def reuse_prefix(stage: PhysicalStage) -> PhysicalStage:
    """Start rows at the first token that differs from their source's, whether or not they start at a later block."""
    found, starts = ancestry(stage), stage.starts
    long = found.position * SHORT >= stage.rows.lengths
    position = np.where(long, found.position, 0)
    depth = depth_of_rows(stage)
    fresh = worthwhile(stage, found, position * depth, depth) & (starts.source < 0)
    chosen = (fresh | (starts.source >= 0)) & (position > 0)
    if not chosen.any():
        return stage
    fresh &= chosen
    # No row begins before its source: a longer path parts later, and short prefixes are short for all rows of a prompt.
    source = np.where(fresh, found.source, starts.source)
    after = attached(stage, source, np.where(fresh, 0, starts.layer), np.where(chosen, position, 0))
    return if_better(stage, after, "reuse-prefix", f"{int(chosen.sum()):,} rows run without their first tokens")
