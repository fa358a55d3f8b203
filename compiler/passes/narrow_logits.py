"""Where only the logits of some tokens are measured, only these are computed."""

from __future__ import annotations

from ..physical import PhysicalStage, unembedded


def narrow_logits(stage: PhysicalStage) -> PhysicalStage:
    """Let measures that look at the logits of their answers alone have no others; without it, all are computed."""
    before, after = unembedded(stage).sum(), unembedded(stage.with_(narrow=True)).sum()
    if before == after:
        return stage
    text = f"logits of the whole vocabulary at {after:,} of {before:,} places"
    return stage.with_(narrow=True).note("narrow-logits", text)
