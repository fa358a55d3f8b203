# ruff: noqa: E501
"""Edits that change nothing are dropped, and only those: the interpreter's numbers, with fewer rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.compiler.cost import CostModel
from probelang.compiler.passes import optimise
from probelang.compiler.passes.drop_idle import drop_idle
from probelang.compiler.physical import EditGroup, PhysicalStage, Rows
from probelang.runtime.execute import execute, lowered_stages
from probelang.runtime.options import RunOptions
from probelang.runtime.prepared import prepare
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

HEAD = '''probe 1
model m = path("{arch}")
dataset d = rows("""q,r,a
big hot cold,big cold hot,small
dark in the light,dark is the light,bad
big,hot,good""")
prompts short from d {{ text: "the word said {{q}}" answer: " {{a}}" }}
contrast c from d {{
  positive: {{ lead: "the word said" body: " {{q}} is" answer: " {{a}}" }}
  negative: {{ lead: "the word said" body: " {{r}} is" answer: " {{a}}" }}
}}
'''
HEAD += "direction r = random_unit(like=mean(resid_post[2] at c.positive.last) on m, seed=1)\n"
# Beside each: whether some of its patches change nothing. A prompt has BOS, three tokens of `lead`, then its own.
CASES = {
    "denoise": ("logit(c.negative) under patch(resid_pre[layer] at token, from=c.positive) for layer in [0, 2], token in c.negative.tokens", True),
    "itself": ("logit(c.positive) under patch(head[layer, h] at c.positive.last, from=c.positive) for layer in [1, 3], h in 0..1", True),
    "sets": ("logit(c.negative) under patch(resid_post[set] at c.negative.lead.last, from=resid_post[set] at c.positive.lead.last) for set in choose(all_layers, 2)", True),
    "whole": ("logit(c.negative) under patch(resid_post[1] at c.negative.tokens, from=c.positive)", True),
    "restored": ("logit(c.negative) under [scale(mlp[0] at c.negative.lead.first, 3), patch(resid_post[2] at c.negative.lead.last, from=c.positive)]", False),
    "elsewhere": ("logit(c.negative) under patch(resid_post[2] at c.negative.lead.last, from=resid_post[1] at c.positive.lead.last)", False),
    "shifted": ("logit(c.negative) under patch(resid_post[2] at c.negative.lead.last, from=resid_post[2] at c.positive.lead.first)", False),
    "edited": ("logit(c.negative) under patch(resid_post[2] at c.negative.lead.last, from=resid_post[2] at c.positive.lead.last under scale(mlp[0] at c.positive.lead.first, 3))", False),
    "other": ("logit(c.negative) on m under patch(resid_post[2] at c.negative.lead.last, from=resid_post[2] at c.positive.lead.last on other)", False),
    "pooled": ("logit(c.negative) under patch(resid_post[2] at c.negative.lead.last, from=resid_post[2] at c.positive.lead.mean)", False),
    "strengthless": ("logit(c.negative) under [scale(mlp[0] at c.negative.lead.first, s), steer(r, scale=s - 1)] for s in [1, 3]", True),
    "weighed": ("logit(c.negative) under [scale(mlp[0] at c.negative.lead.first, 3), project_out(r, alpha=s)] for s in [0, 1]", True),
    "strong": ("logit(c.negative) under [scale(mlp[0] at c.negative.lead.first, 0), steer(r, scale=1), project_out(r, alpha=2, in_order=true)]", False),
    "longer": ("logit(short) under patch(resid_post[2] at short.last, from=resid_post[2] at c.positive.last)", False),
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    for arch in ("llama", "gpt2"):
        build(arch, root / arch)
    build("llama", root / "other", seed=7)
    return root


@pytest.mark.parametrize("arch", ["llama", "gpt2"])
def test_the_numbers_are_the_interpreters(arch: str, models: Path) -> None:
    lines = "".join(f"statistic {name} = {text}\n" for name, (text, _) in CASES.items() if name != "other")
    spec = checked(HEAD.format(arch=arch) + lines, models)
    assert not spec.errors, [d.message for d in spec.errors]
    # Which tokens a block runs beside others is seen in the last bit.
    options = [RunOptions(replicates=5, passes_off=("measure-late", *off)) for off in ((), ("drop-idle",))]
    runs = [execute(spec, root=models, options=o) for o in options]
    wanted = interpret(spec.spec, models)
    assert compare_run(wanted, runs[0]) == [] == compare_run(wanted, runs[1])
    used = [run.manifest["counts"]["row_layer_tokens"] for run in runs]
    assert used[0] < used[1]
    # A patched row that is an unedited one has its numbers to the bit.
    plain = execute(
        checked(HEAD.format(arch=arch) + "statistic plain = logit(c.negative)", models),
        root=models,
        options=options[0],
    )
    for run, equal in zip(runs, (True, False), strict=True):
        items = next(r for r in run.results if r.name == "denoise").items
        first = items.filter((items["layer"] == 2) & (items["token"].cast(str).str.starts_with("lead[2]")))
        assert not equal or first["value"].to_list() == plain.results[-1].items["value"].to_list()


@pytest.mark.parametrize("name", CASES)
def test_only_what_is_there_already_is_dropped(name: str, models: Path) -> None:
    text, some = CASES[name]
    more = 'model other = path("other")\n' if name == "other" else ""
    spec = checked(HEAD.format(arch="llama") + more + f"statistic x = {text}\n", models)
    assert not spec.errors, [d.message for d in spec.errors]
    prepared = prepare(spec, models, RunOptions(prices=CostModel(call=0.0, join=0.0)))
    lowered = [p for s in prepared.stages for p, _ in lowered_stages(prepared, s, planning=True)]
    stages = [optimise(p) for p in lowered]
    assert any(p.edits for p in stages) or some
    assert any(n == "drop-idle" for p in stages for n, _ in p.saved) == some


def stage_of(*edits: tuple[int, int, bool]) -> PhysicalStage:
    """One row of ten tokens, with edits (block, position, idle)."""
    one = np.ones(1, np.int64)
    groups = tuple(
        EditGroup(("resid_post", b, None), "set", 0, 0 * one, p * one, "v", 0 * one, None, one == i)
        for b, p, i in edits
    )
    return PhysicalStage(0, None, 8, (), Rows(0 * one, (tuple(range(10)),)), (), groups)


def test_an_edit_at_an_earlier_token_or_the_same_keeps_those_behind_it() -> None:
    def left(*edits: tuple[int, int, bool]) -> list[int]:
        return [int(g.positions[0]) for g in drop_idle(stage_of(*edits)).edits]

    assert left((1, 3, True), (2, 5, True)) == []
    assert left((1, 3, True), (2, 5, False)) == [5]
    assert left((1, 6, True), (2, 5, False)) == [6, 5]
    assert left((1, 5, True), (2, 5, False)) == [5, 5]
