"""Weights of other models that a plan tells: those that a run takes, and adapters beside what they change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from probelang.runtime.engine.donor import Donor
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from tests.helpers_models import build
from tests.reference.checked import checked

torch.set_num_threads(1)

SPEC = """probe 1
model m = path("{arch}")
model n = path("{arch}-2")
prompts p {{ lead: "the red" body: " cat is" answer: " small" }}
statistic some  = logit(p) under graft(n, parts=[mlp, attn.v, norms], at=p.body, layers=[1, 3]) on m
statistic other = logit(p) under graft(n, parts=[mlp.up, attn.q, embed], at=p.lead, head="last_token") on m
"""


@pytest.mark.parametrize("arch", ["llama", "gpt_neox"])
def test_a_plan_tells_the_weights_that_grafts_take(arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, name in ((0, arch), (3, f"{arch}-2")):
        build(arch, tmp_path / name, seed)
    spec, taken, make = checked(SPEC.format(arch=arch), tmp_path), [], Donor._module
    assert not spec.errors, [d.message for d in spec.errors]

    def watched(self, path: str):
        made = make(self, path)
        taken.extend(p.nbytes for p in made.parameters() if p.ndim > 1)
        return made

    monkeypatch.setattr(Donor, "_module", watched)
    planned = plan(spec, root=tmp_path, options=RunOptions())
    execute(spec, root=tmp_path, options=RunOptions(replicates=1))
    assert [m.donated for m in planned.parts] == [sum(taken)]
    assert "weights beside: " in planned.text() and " beside)" in planned.text()


def test_an_adapter_is_held_beside_what_it_changes(tmp_path: Path) -> None:
    pytest.importorskip("peft")
    from tests.test_interventions_adapters import lora

    text = (
        'probe 1\nmodel base = path("llama")\nmodel tuned = adapter(base, "lora")\nprompts p { body: "the red cat" }\n'
    )
    folder = lora("llama", tmp_path) / "lora"
    sizes = []
    for model in ("base", "tuned"):
        spec = checked(f"{text}statistic s = norm(resid_post[1] at p.last) on {model}\n", tmp_path)
        assert not spec.errors, [d.message for d in spec.errors]
        sizes.append(plan(spec, root=tmp_path, options=RunOptions()).schedule.load_bytes)
    assert sizes[1] - sizes[0] == (folder / "adapter_model.safetensors").stat().st_size > 0
