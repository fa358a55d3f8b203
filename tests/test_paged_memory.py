"""Memory does not grow with the vectors of the items, of which only reductions are asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MB_PER_ITEM = 2 * 6 * 4096 * 4 / 2**20  # vectors of two prompts, as `memory_child` says


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks of memory are measured on Linux")
@pytest.mark.parametrize("store", ["no store", "store"])
def test_memory_is_flat_in_the_number_of_items(store: str, tmp_path: Path) -> None:
    few, many = 100, 500
    child = [sys.executable, "-m", "tests.memory_child", str(tmp_path), store, str(few), str(many)]
    done = subprocess.run(child, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-2000:]
    peaks = [line.split() for line in done.stdout.splitlines()]
    at = {items: [float(mb) for n, mb in peaks if int(n) == items] for items in (few, many)}
    for less, more in zip(at[few], at[many], strict=True):
        assert more - less < 0.25 * (many - few) * MB_PER_ITEM, peaks
