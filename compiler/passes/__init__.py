"""Named rewrites of a physical stage, one file each: `PASSES` in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from ..physical import PhysicalStage
from ..verify import verify
from .pack_batches import pack_batches
from .share_runs import share_runs

Pass = Callable[[PhysicalStage], PhysicalStage]

# share-runs first: rows that are gone need no place in a batch.
PASSES: tuple[tuple[str, Pass], ...] = (("share-runs", share_runs), ("pack-batches", pack_batches))


def one_by_one(stage: PhysicalStage) -> PhysicalStage:
    """The naive plan: every row is a batch of its own."""
    import numpy as np

    return stage.with_(batches=tuple(np.array([i]) for i in range(len(stage.rows))))


def optimise(stage: PhysicalStage, off: frozenset[str] = frozenset()) -> PhysicalStage:
    """Run all passes but those named; every result is verified."""
    verify(stage)
    for name, run in PASSES:
        if name in off:
            continue
        stage = verify(run(stage))
    return stage if stage.batches or not len(stage.rows) else verify(one_by_one(stage))
