"""Norms of weights with adapters merged in, tied unembeddings, and parts that a model does not have: against torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import probelang
from probelang.runtime.errors import ProbeError
from probelang.runtime.weights import part_diff_norms, part_norms
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

SPEC = """probe 1
model base  = path("{arch}")
model tuned = adapter(base, "lora")
statistic whole = norm(weights[part] on tuned - weights[part] on base) for part in [attn, mlp, embed, norms, unembed]
statistic each  = norm(weights[attn.v, layer] on tuned) for layer
statistic moved = norm(weights[attn.v, layer] on tuned - weights[attn.v, layer] on base) for layer
"""


def write(folder: Path, text: str) -> Path:
    (folder / "s.probe").write_text(text)
    return folder / "s.probe"


@pytest.mark.parametrize("arch", ["llama", "gpt2", "qwen3", "gpt_neox"])
def test_norms_with_an_adapter_are_those_of_the_merged_model(arch: str, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    from tests.test_interventions_adapters import lora

    spec = write(lora(arch, tmp_path), SPEC.format(arch=arch))
    found = probelang.run(spec, store=False)
    assert compare_run(interpret(checked(spec.read_text(), tmp_path).spec, tmp_path), found.run) == []
    moved = dict(zip(found.tables["whole"]["part"], found.tables["whole"]["value"]))
    assert moved["attn"] > 1 and moved["norms"] == 0
    assert (moved["embed"] > 1) == (arch in ("gpt2", "qwen3"))


def test_what_an_adapter_holds_whole_is_taken_whole(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    import transformers

    from tests.test_interventions_adapters import lora

    root = lora("llama", tmp_path, modules_to_save=["lm_head"])
    hf = transformers.AutoModelForCausalLM.from_pretrained(root / "llama")
    merged = peft.PeftModel.from_pretrained(hf, root / "lora").merge_and_unload()
    found = part_norms(root / "llama", [root / "lora"])
    for key, name in ((("unembed", None), "lm_head"), (("attn.q", 2), "model.layers.2.self_attn.q_proj")):
        wanted = float(merged.get_submodule(name).weight.double().square().sum())
        assert found[key] == pytest.approx(wanted, rel=1e-6)
    apart = part_diff_norms(root / "llama", root / "llama", [root / "lora"], [root / "lora"])
    assert all(difference == 0 for difference, _ in apart.values())


def test_a_tied_unembedding_has_the_norm_of_the_embedding(tmp_path: Path) -> None:
    build("gpt2", tmp_path / "a")
    build("gpt2", tmp_path / "b", 1)
    text = """probe 1
model a = path("a")
model b = path("b")
statistic size  = norm(weights[part] on a) for part in [embed, unembed]
statistic moved = norm(weights[part] on b - weights[part] on a) for part in [embed, unembed]
"""
    found = probelang.run(write(tmp_path, text), store=False).tables
    for name in ("size", "moved"):
        embed, unembed = found[name]["value"]
        assert unembed == embed > 0


def test_a_part_that_a_model_lacks_is_missing_and_not_zero(tmp_path: Path) -> None:
    build("gpt2", tmp_path / "a")
    text = """probe 1
model a = path("a")
statistic gate   = norm(weights[part, layer] on a) for part in [mlp.gate, mlp.up], layer in [0, 1]
statistic placed = norm(weights[embed, 1] on a)
"""
    found = probelang.run(write(tmp_path, text), store=False).tables
    gate, up = found["gate"]["value"].to_numpy().reshape(2, 2)
    assert np.isnan(gate.astype(float)).all() and (up > 0).all()
    assert "mlp.gate in layer 0" in found["gate"]["reason"][0]
    assert found["placed"]["value"][0] is None and "embed in layer 1" in found["placed"]["reason"][0]


@pytest.mark.parametrize("other", ["weights[attn.q, 2] on m", "weights[attn.q] on m"])
def test_different_layers_are_not_subtracted(other: str, tmp_path: Path) -> None:
    spec = write(tmp_path, f'probe 1\nmodel m = zoo("base")\nstatistic d = norm(weights[attn.q, 3] on m - {other})\n')
    with pytest.raises(ProbeError) as caught:
        probelang.run(spec, store=False)
    assert caught.value.code == "weights-only" and caught.value.line == 3
