"""Random well-typed specs run by the executor, with each pass on and off, and by the reference interpreter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from probelang.compiler.passes import PASSES
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from tests.reference import compare_run, interpret
from tests.reference.checked import checked
from tests.strategies_specs import build_subjects, spec_text

torch.set_num_threads(1)
ARCHITECTURES = ("llama", "gpt2", "olmo2", "gpt_neox", "gemma2")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("models")
    return folder, build_subjects(folder, ARCHITECTURES)


def agree(seed: int, folder: Path, subjects, off: tuple[str, ...]) -> None:
    spec = checked(spec_text(seed, subjects), folder)
    options = RunOptions(replicates=10, passes_off=off)
    planned = plan(spec, root=folder, options=options)
    run = execute(spec, root=folder, options=options)
    assert compare_run(interpret(spec.spec, folder), run) == []
    assert not [w for w in run.warnings if isinstance(w, dict)]
    if planned.exact:
        names = ("forwards", "row_layer_tokens", "unembeddings", "loads")
        counts = {name: getattr(planned, name) for name in names}
        assert run.manifest["counts"] == counts


@pytest.mark.parametrize("seed", range(100, 110))
def test_random_specs(seed: int, models) -> None:
    agree(seed, *models, ())


@pytest.mark.parametrize("name", [name for name, _ in PASSES])
def test_random_specs_without_one_pass(name: str, models) -> None:
    for seed in (113, 114):
        agree(seed, *models, (name,))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 260))
def test_many_random_specs(seed: int, models) -> None:
    agree(seed, *models, ())
