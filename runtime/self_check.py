"""Every run checks itself once per model: a no-op edit must change nothing, and batching has a noise floor."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .counts import Counts
from .engine import Batch, Edit, Engine, Read, pad
from .errors import ProbeError
from .sites import SiteRef

MOST_ROWS = 8


@dataclass(frozen=True)
class SelfCheck:
    """What the check found. `noise_floor` is max|a - b| / max|a| of logits, a row alone against it in a batch."""

    rows: int
    noise_floor: float


def self_check(engine: Engine, prompts: list[tuple[int, ...]]) -> SelfCheck:
    """Patch a run with itself, and compare a batch with single rows. Its forwards are not counted.

    Raises `self-check-failed` when the no-op edit changes a bit: then no number of this run could be trusted.
    """
    own = Engine(engine.model, Counts())
    rows = sorted(set(prompts), key=lambda p: (len(p), p))
    rows = rows[:: max(1, len(rows) // MOST_ROWS)][:MOST_ROWS]
    ids, lengths = pad(rows)
    last = lengths - 1
    index = torch.arange(len(rows))
    middle = SiteRef("resid_post", engine.model.n_layers // 2, None)
    logits, kept = Read("logits", SiteRef("logits", None, None), index, last), Read("kept", middle, index, last)
    plain = own.run(Batch(ids, lengths, (), (logits, kept)))
    again = own.run(Batch(ids, lengths, (Edit(middle, "set", index, last, plain["kept"]),), (logits,)))
    # What overflows is no number either way: its cells are missing, and say so.
    found, repeated = (run["logits"].nan_to_num(posinf=0, neginf=0) for run in (plain, again))
    if not torch.equal(found, repeated):
        raise ProbeError(
            "self-check-failed", f"patching a run of {engine.model.source} with itself changed its logits",
            "this is a bug, or faulty hardware: please report it with `probe run` in float32 on the CPU",
        )  # fmt: skip
    floor = 0.0
    scale = float(found.abs().max()) or 1.0
    for i, row in enumerate(rows):
        one_ids, one_length = pad([row])
        read = Read("logits", SiteRef("logits", None, None), torch.zeros(1, dtype=torch.long), one_length - 1)
        alone = own.run(Batch(one_ids, one_length, (), (read,)))["logits"][0]
        floor = max(floor, float((alone.nan_to_num(posinf=0, neginf=0) - found[i]).abs().max()) / scale)
    return SelfCheck(len(rows), floor)
