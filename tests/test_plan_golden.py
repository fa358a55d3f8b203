"""The text of plans: golden, so that a change of the planner is seen. `PROBE_ACCEPT=1` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from tests.reference.checked import checked

PLANS = Path(__file__).parent / "plans"


@pytest.mark.parametrize("name", sorted(p.stem for p in PLANS.glob("*.probe")))
def test_plan_text_is_the_golden_one(name: str) -> None:
    spec = checked((PLANS / f"{name}.probe").read_text(), PLANS)
    assert not spec.errors, [(d.code, d.message) for d in spec.errors]
    text = plan(spec, root=PLANS, options=RunOptions(offline=True)).text()
    golden = PLANS / f"{name}.plan"
    if os.environ.get("PROBE_ACCEPT"):
        golden.write_text(text)
    assert text == golden.read_text()
