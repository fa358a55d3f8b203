"""How a run is carried out: what may change between machines without changing what a spec means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..compiler.cost import CostModel


@dataclass(frozen=True)
class RunOptions:
    """Hold the options of the command line; a spec never sees them.

    `dtype` is used by models whose declaration names none (None: float32). `batch_tokens` caps the tokens of a batch
    (None: what memory allows), `memory` is the number of free bytes to plan with (None: measured). `seed` is the root
    of every derived seed. `store` is the folder of results to reuse. `allow_outside` lets a spec read files outside its
    folder, `offline` forbids downloads. `passes_off` names planner passes to skip. `replicates` is the number of
    bootstrap draws behind an interval. `prices` are what the planner weighs plans with (None: the defaults).
    `calibration` is the folder with what was measured on this machine, for estimates, and for the prices too where
    `calibrated` is set. `tf32` lets a GPU round products of float32, `deterministic` asks torch for kernels that give
    the same bits again.
    """

    device: str = "cpu"
    dtype: str | None = None
    batch_tokens: int | None = None
    seed: int = 0
    store: Path | None = None
    allow_outside: bool = False
    trust_remote_code: bool = False
    device_map: str | None = None
    offline: bool = False
    passes_off: tuple[str, ...] = ()
    replicates: int = 1000
    attention: str = "sdpa"
    record: Path | None = None
    prices: CostModel | None = None
    memory: int | None = None
    calibration: Path | None = None
    calibrated: bool = False
    tf32: bool = False
    deterministic: bool = True
