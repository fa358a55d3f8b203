"""Numbers of other precisions against float32, and that the precision of a run is recorded and part of its keys."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.cli import main
from probelang.runtime import execute as execute_module
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from tests.helpers_models import build
from tests.reference.checked import checked

torch.set_num_threads(1)

SPEC = '''probe 1
model m = path("{arch}"{more})
dataset d = rows("""q,a
big hot cold,small
dark in the light is red,bad
a dog,good""")
prompts p from d {{ text: "the {{q}} is" answer: " {{a}}" }}
direction way = mean(resid_post[2] at p.last)
statistic plain = logit(p)
statistic moved = logit(p) under [scale(resid_mid[1] at p.last, 2), ablate(attn[2] at p.last)]
'''
# Unit roundoff of each type; what four blocks make of it stays within some thirty of them.
ROUNDOFF = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "float64": 2.0**-24}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("precisions")
    for arch in ("llama", "gpt2", "gemma2", "olmo2"):
        build(arch, root / arch)
    return root


def ran(models: Path, arch: str, more: str = "", **options):
    spec = checked(SPEC.format(arch=arch, more=more), models)
    assert not spec.errors, [d.message for d in spec.errors]
    return execute(spec, root=models, options=RunOptions(replicates=5, **options))


def values(run) -> list[np.ndarray]:
    vectors = [r.vectors for r in run.results if r.vectors is not None]
    return [*vectors, *(r.items["value"].to_numpy() for r in run.results if r.items is not None)]


@pytest.mark.parametrize("arch", ["llama", "gpt2", "gemma2", "olmo2"])
@pytest.mark.parametrize("dtype", ROUNDOFF)
def test_other_precisions_are_near_float32_and_are_what_they_say(arch: str, dtype: str, models: Path) -> None:
    whole, other = ran(models, arch), ran(models, arch, dtype=dtype)
    errors = [np.abs(a - b).max() / np.abs(a).max() for a, b in zip(values(whole), values(other), strict=True)]
    assert len(errors) == 3
    assert max(errors) < 30 * ROUNDOFF[dtype]
    if dtype != "float64":
        assert max(errors) > ROUNDOFF[dtype] / 30, "it ran in float32"
    assert other.manifest["numerics"]["dtype"] == dtype
    assert other.manifest["loaded"][f"path({models / arch})"]["dtype"] == dtype
    assert other.manifest["counts"]["loads"] == 1


def test_a_models_own_dtype_wins_and_is_recorded(models: Path) -> None:
    own, option = ran(models, "llama", ', dtype="bfloat16"'), ran(models, "llama", dtype="bfloat16")
    both = ran(models, "llama", ', dtype="bfloat16"', dtype="float16")
    for a, b, c in zip(values(own), values(option), values(both), strict=True):
        assert np.array_equal(a, b) and np.array_equal(a, c)
    (loaded,) = both.manifest["loaded"].values()
    assert loaded["dtype"] == "bfloat16" and {"device", "attention", "torch"} <= set(loaded)


def test_every_choice_of_numerics_has_keys_of_its_own(models: Path) -> None:
    options = ({}, {"dtype": "bfloat16"}, {"tf32": True}, {"deterministic": False}, {"attention": "eager"})
    runs = [ran(models, "llama", **o) for o in options]
    keys = [run.manifest["keys"]["plain"]["recipe"] for run in runs]
    assert len(set(keys)) == len(keys)
    assert [r.manifest["numerics"]["tf32"] for r in runs] == ["False", "False", "True", "False", "False"]
    again = ran(models, "llama", batch_tokens=16, memory=10**9, passes_off=("resume-late",))
    assert again.manifest["keys"]["plain"]["recipe"] == keys[0], "how a plan is carried out is no part of it"


@pytest.mark.parametrize("tf32", [False, True])
def test_products_are_rounded_as_asked_for_the_run_alone(tf32: bool, models: Path, monkeypatch) -> None:
    seen, run_stage = [], execute_module.run_stage
    before = torch.get_float32_matmul_precision(), torch.are_deterministic_algorithms_enabled()

    def watched(*args):
        seen.append((torch.get_float32_matmul_precision(), torch.are_deterministic_algorithms_enabled()))
        return run_stage(*args)

    monkeypatch.setattr(execute_module, "run_stage", watched)
    ran(models, "llama", tf32=tf32)
    assert set(seen) == {("high" if tf32 else "highest", False)}, "kernels of the CPU need no choosing"
    assert (torch.get_float32_matmul_precision(), torch.are_deterministic_algorithms_enabled()) == before


def test_the_command_line_says_them(models: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    spec = models / "s.probe"
    spec.write_text(SPEC.format(arch="llama", more=""))
    flags = ["--dtype", "bfloat16", "--tf32", "--no-deterministic", "--memory", "2GB", "--replicates", "40", "--quiet"]
    assert main(["run", str(spec), "--out", str(tmp_path), "--no-store", *flags]) == 0
    found = json.loads((tmp_path / "manifest.json").read_text())
    wanted = {"dtype": "bfloat16", "tf32": "True", "deterministic": "False", "device": "cpu"}
    assert {k: found["numerics"][k] for k in wanted} == wanted
    assert found["memory"]["free"] == 2 * 10**9
    capsys.readouterr()
    assert main(["run", str(spec), "--no-out", "--no-store", "--device", "cuda:7"]) == 1
    assert "device" in capsys.readouterr().err
