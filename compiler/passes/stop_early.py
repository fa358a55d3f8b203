"""A run ends after the last site that is read."""

from __future__ import annotations

import numpy as np

from ..physical import PhysicalStage, depth_of_rows


def stop_early(stage: PhysicalStage) -> PhysicalStage:
    """Let each row enter only the blocks that its reads need; without it, it runs to the last block."""
    whole, after = depth_of_rows(stage), stage.with_(stops=True)
    depth = depth_of_rows(after)
    shorter = int((depth < whole).sum())
    if not shorter:
        return after
    share = 1 - float((depth * stage.rows.lengths).sum() / np.maximum((whole * stage.rows.lengths).sum(), 1))
    return after.note("stop-early", f"{shorter:,} of {len(depth):,} rows end before the last block: {share:.0%} less")
