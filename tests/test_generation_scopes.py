"""Every intervention in every scope while a text is written, against whole passes over its row with plain hooks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

HEAD = '''probe 1
model m = path("{arch}")
model n = path("{arch}-donor")
dataset d = rows("""text
the cat saw a dog and
no
""")
dataset e = rows("""text
he was cold
they went up
""")
prompts p from d {{ head: "{{text}}" tail: " she" }}
prompts q from e {{ body: "{{text}}" }}
direction way = mean(resid_post[1] at q.last) on m
let story(how) = generate(p, max_tokens=3, temperature=how) on m
'''
# Every kind of intervention; what is named is all of the prompt, so that each scope means something.
EVERY = {
    "patch": "patch(resid_post[2] at p.all, from=way, during=w)",
    "zero": 'ablate(mlp[1] at p.all, "zero", during=w)',
    "mean": 'ablate(resid_post[2] at p.all, "mean", during=w)',
    "scale": "scale(head[1, 2] at p.all, -3, during=w)",
    "clamp": "clamp(mlp[2] at p.all, 4, component=3, during=w)",
    "out": "project_out(way, alpha=2, during=w)",
    "raw": "steer(way, scale=2, during=w)",
    "unit": 'steer(way, scale=8, unit="unit", during=w)',
    "normed": 'steer(way, unit="residual_norm", site=resid_post[2], during=w)',
    "cut": "knockout(from=p.head.first + p.head.last, to=p.all, during=w)",
    "cut_some": "knockout(from=p.bos + p.tail, to=p.all, layer=[0, 2], head=1, during=w)",
    "graft": "graft(n, parts=[mlp, attn.v], at=p.all, layers=[1, 2], during=w)",
    "lexical": 'graft(n, parts=[embed, attn, norms], at=p.all, head="always", during=w)',
    "several": "[knockout(from=p.bos, to=p.all, layer=1, during=w), scale(mlp[3] at p.all, 2, during=w), "
    "graft(n, parts=[attn.o], at=p.all, layers=0, during=w), steer(way, during=w)]",
}
SCOPES = '"prompt", "response", "predicting", "all"'


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    for arch in ("gpt2", "olmo2", "gemma2", "olmo3", "gpt_neox", "qwen3"):
        build(arch, root / arch)
        build(arch, root / f"{arch}-donor", seed=1)
    return root


def compared(arch: str, heat: list[float], models: Path) -> dict[str, list[str]]:
    """Write texts under all interventions, in batches and one by one; returns them by intervention."""
    over = f"for w in [{SCOPES}], how in {heat}"
    lines = [f"statistic {k} = story(how).response under {edit} {over}\n" for k, edit in EVERY.items()]
    some = f'for w in ["prompt", "all"], way_of in ["zero", "mean", "resample"], how in {heat}'
    lines.append(
        f"statistic at_some = story(how).response under ablate(mlp[2] at p.tail.last, way_of, during=w) {some}\n"
    )
    lines.append(f"statistic plain = story(how).response for how in {heat}\n")
    text = HEAD.format(arch=arch) + "".join(lines)
    spec = checked(text, models)
    assert not spec.errors, [d.message for d in spec.errors]
    found = execute(spec, root=models, options=RunOptions(replicates=2))
    assert compare_run(interpret(spec.spec, models), found) == []
    return {r.name: r.frame["value"].to_list() for r in found.results if r.name != "way"}


@pytest.mark.parametrize("arch", ["gpt2", "olmo2", "gemma2"])
def test_likeliest_texts_are_those_of_whole_passes_over_each_row(arch: str, models: Path) -> None:
    found = compared(arch, [0], models)
    plain = set(found["plain"])
    changed = {name: len(set(found[name]) - plain) for name in EVERY}
    assert min(changed.values()) > 0 and sum(changed.values()) > 40, changed


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["gpt2", "olmo2", "gemma2", "olmo3", "gpt_neox", "qwen3"])
def test_drawn_texts_are_those_of_whole_passes_over_each_row(arch: str, models: Path) -> None:
    found = compared(arch, [1.5], models)
    assert len(set(found["plain"])) == 2
