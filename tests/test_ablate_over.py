"""Ablations over prompts of another dataset, by their mean or by one of their items: as the interpreter has it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from probelang.compiler.passes import PASSES
from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

HEAD = '''probe 1
model m = path("m")
dataset d = rows("""q,a
big hot cold,small
up,bad
dark in the light,Rome""")
dataset few = rows("""q
the red cat
a blue dog""")
dataset single = rows("""q
once""")
prompts p from d { lead: "the" body: " {q} is" answer: " {a}" }
prompts other from few { lead: "a" body: " {q} was" answer: " good" }
prompts one from single { lead: "a" body: " {q} was" }
prompts same from d { lead: "an" body: " {q} was" answer: " {a}" }
prompts lone { lead: "the" body: " word is" answer: " good" }
'''


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("over")
    build("llama", folder / "m")
    return folder


@pytest.mark.parametrize("off", [(), tuple(name for name, _ in PASSES)])
def test_over_another_dataset(root: Path, off: tuple[str, ...]) -> None:
    text = (
        HEAD
        + """
statistic mean_of = logit(p) under ablate(mlp[layer] at p.last, "mean", over=other) for layer in [0, 3]
statistic sets    = logit(p) under ablate(resid_post[s] at p.lead, "mean", over=one) for s in choose(all_layers, 2)
statistic drawn   = logit(p) under ablate(attn[2] at p.last, "resample", over=other, seed=k) for k in 1..3
statistic from_one = logit(p) under ablate(mlp[1] at p.last, "resample", over=one)
statistic by_same = logit(p) under ablate(mlp[1] at p.last, "resample", over=same, seed=2)
statistic own     = logit(p) under ablate(mlp[1] at p.last, "resample", seed=2)
statistic to_few  = logit(other) under ablate(mlp[1] at other.last, "resample", over=p, seed=3)
statistic alone   = logit(lone) under ablate(mlp[1] at lone.last, how, over=p, seed=3) for how in ["mean", "resample"]
"""
    )
    spec = checked(text, root)
    assert not spec.errors, [d.message for d in spec.errors]
    run = execute(spec, root=root, options=RunOptions(replicates=5, passes_off=off))
    assert compare_run(interpret(spec.spec, root), run) == []


def test_one_item_has_no_other(root: Path) -> None:
    text = HEAD + 'statistic s = mean(norm(attn[3] at one.last) under ablate(mlp[1] at one.last, "resample"))\n'
    with pytest.raises(ProbeError, match="no other item"):
        execute(checked(text, root), root=root, options=RunOptions(replicates=5))
