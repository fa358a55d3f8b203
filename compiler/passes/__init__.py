"""Named rewrites of a physical stage, one file each: `PASSES` in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from ..physical import PhysicalStage
from ..verify import verify
from .drop_idle import drop_idle
from .measure_late import measure_late
from .narrow_logits import narrow_logits
from .pack_batches import one_by_one, pack_batches
from .read_unedited import read_unedited
from .resume_late import resume_late
from .reuse_prefix import reuse_prefix
from .share_prefixes import share_prefixes
from .share_runs import share_runs
from .stop_early import stop_early

Pass = Callable[[PhysicalStage], PhysicalStage]

# First what makes rows equal, and merges them; where rows start is known before they are packed.
PASSES: tuple[tuple[str, Pass], ...] = (
    ("drop-idle", drop_idle),
    ("share-runs", share_runs),
    ("read-unedited", read_unedited),
    ("stop-early", stop_early),
    ("resume-late", resume_late),
    ("reuse-prefix", reuse_prefix),
    ("share-prefixes", share_prefixes),
    ("pack-batches", pack_batches),
    ("measure-late", measure_late),
    ("narrow-logits", narrow_logits),
)

# Not of one stage: which model runs when, and whether the next one's files are read meanwhile.
SCHEDULING = ("order-models", "overlap-loads")


def optimise(stage: PhysicalStage, off: frozenset[str] = frozenset()) -> PhysicalStage:
    """Run all passes but those named; every result is verified."""
    verify(stage)
    for name, run in PASSES:
        if name not in off:
            stage = verify(run(stage))
    return stage if stage.batches or not len(stage.rows) else verify(one_by_one(stage))
