"""A spec on hub models: a list of revisions is an axis, numbers as from plain folders, a clear word offline."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from tests.reference.checked import checked
from tests.test_models import hub_cache  # noqa: F401  (a fixture)

torch.set_num_threads(1)

SPEC = """probe 1
model ladder = hub("org/tiny", revision=["step-200", "main"])
model early  = path("built-1")
model late   = path("built-0")
prompts p {{ text: "the cold is" }}
statistic spread  = entropy(p) on ladder
statistic again   = entropy(p) on m for m in [early, late]
statistic changed = {changed}
"""


def rows(run, name: str) -> list[float]:
    return next(r.frame for r in run.results if r.name == name)["value"].to_list()


def test_revisions_are_an_axis_and_come_through_the_hubs_own_cache(hub_cache: Path) -> None:  # noqa: F811
    changed = "norm(weights[mlp] on late - weights[mlp] on early)"
    spec = checked(SPEC.format(changed=changed), hub_cache)
    assert not spec.errors
    run = execute(spec, root=hub_cache, options=RunOptions(replicates=20))
    spread = next(r.frame for r in run.results if r.name == "spread")
    assert spread["revision"].to_list() == ["step-200", "main"]
    assert rows(run, "spread") == rows(run, "again")
    assert rows(run, "spread")[0] != rows(run, "spread")[1]
    assert rows(run, "changed")[0] > 0


def test_a_model_that_is_not_there_is_said_before_any_work(hub_cache: Path) -> None:  # noqa: F811
    text = SPEC.format(changed="entropy(p) on late").replace("org/tiny", "org/absent")
    with pytest.raises(ProbeError, match="org/absent at revision step-200 is not in the local cache") as found:
        execute(checked(text, hub_cache), root=hub_cache, options=RunOptions(replicates=20))
    assert found.value.code == "model-not-found" and found.value.help
