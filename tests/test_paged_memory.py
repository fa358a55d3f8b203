"""Memory does not grow with the vectors of the items, of which only reductions are asked."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from probelang.runtime.engine import Batch, Engine, Read
from probelang.runtime.models import load
from probelang.runtime.sites import SiteRef
from probelang.runtime.sources import ModelSource
from tests.helpers_models import build

ROOT = Path(__file__).parent.parent
MB_PER_ITEM = 2 * 6 * 4096 * 4 / 2**20  # vectors of two prompts, as `memory_child` says
# The C library gives back what is freed: else what it holds for later is measured, which depends on chance.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks of memory are measured on Linux")
@pytest.mark.parametrize("store", ["store", pytest.param("no store", marks=pytest.mark.slow)])
def test_memory_is_flat_in_the_number_of_items(store: str, tmp_path: Path) -> None:
    """While they are computed, and when they come from the store."""
    few, many = 100, 400
    child = [sys.executable, "-m", "tests.memory_child", str(tmp_path), store, str(few), str(many)]
    done = subprocess.run(child, capture_output=True, text=True, cwd=ROOT, env=os.environ | ENVIRONMENT)
    assert done.returncode == 0, done.stderr[-2000:]
    peaks = [line.split() for line in done.stdout.splitlines()]
    at = {items: [float(mb) for n, mb in peaks if int(n) == items] for items in (few, many)}
    assert len(at[few]) == len(at[many]) == 1 + (store == "store")
    for less, more in zip(at[few], at[many], strict=True):
        assert more - less < 0.5 * (many - few) * MB_PER_ITEM, peaks


def test_a_pass_lets_go_of_its_tensors(tmp_path: Path) -> None:
    """Without waiting for the collector, which comes when many small objects are there, not when large ones are."""
    engine = Engine(load(ModelSource("path", str(build("llama", tmp_path / "m")))))
    rows, ids = torch.arange(3), torch.randint(3, 9, (3, 5))
    batch = Batch(ids, torch.full((3,), 5), reads=(Read(0, SiteRef("resid_post", 1), rows, rows),))
    engine.run(batch)
    gc.collect()
    before = tensors()
    gc.disable()
    try:
        for _ in range(3):
            engine.run(batch)
        assert tensors() == before
    finally:
        gc.enable()


def tensors() -> int:
    return sum(issubclass(type(x), torch.Tensor) for x in gc.get_objects())
