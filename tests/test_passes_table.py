# ruff: noqa: E501
"""Every pass on every architecture: with it, without it, and the interpreter agree, and counters fall as promised.

One spec in which each pass has something to do. Between batches of 1 to 24 rows of one length, plain transformers gives
the same bits at this size (12 tokens, residuals and logits of all seven architectures); rows that begin late run other
numbers of tokens at a time, which moves the last bits.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probelang.compiler.cost import CostModel
from probelang.compiler.passes import PASSES
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from tests.helpers_models import ARCHITECTURES, build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

SPEC = '''probe 1
model m = path("{arch}")
dataset d = rows("""q,a
{items}""")
prompts other {{ text: "the red cat" }}
contrast c from d {{
  positive: {{ lead: "an answer : big" body: " yes {{q}} is" answer: " {{a}}" }}
  negative: {{ lead: "an answer : big" body: " no {{q}} is" answer: " {{a}}" }}
}}
statistic denoise = logit(c) under patch(resid_pre[layer] at token, from=c.positive) for layer in [1, 3], token in c.body.tokens
statistic sets    = logit(c.negative) under patch(resid_post[set] at c.negative.body.first, from=resid_post[set] at c.positive.body.first) for set in [[0], [0, 2]]
statistic middle  = norm(resid_post[layer] at c.last) under scale(mlp[3] at c.body.first, 3) for layer in [1, 3]
statistic stopped = norm(resid_post[1] at other.last)
'''
MIXED, EQUAL = "hot cold dark,small\nin,bad", "hot cold,small\nthe light,bad"
NAMES = [name for name, _ in PASSES]
COUNTERS = {"pack-batches": "forwards", "narrow-logits": "unembeddings"}
FREE = CostModel(call=0.0, join=0.0)
NOISE = 1e-6  # of the largest value of a statistic


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory):
    """A function that gives the spec of an architecture and items, and its run and plan without some passes."""
    root, specs, done = tmp_path_factory.mktemp("models"), {}, {}

    def get(arch: str, items: str, *off: str):
        if not (root / arch).exists():
            build(arch, root / arch)
        if (arch, items) not in specs:
            specs[arch, items] = checked(SPEC.format(arch=arch, items=items), root)
            assert not specs[arch, items].errors, [d.message for d in specs[arch, items].errors]
        key, spec = (arch, items, *off), specs[arch, items]
        if key not in done:
            options = RunOptions(replicates=1, passes_off=off, prices=FREE)
            planned, run = plan(spec, root=root, options=options), execute(spec, root=root, options=options)
            counts = {name: getattr(planned, name) for name in run.manifest["counts"]}
            assert planned.exact and run.manifest["counts"] == counts
            done[key] = run, planned
        return done[key]

    get.root, get.specs = root, specs
    return get


def values(run) -> list[np.ndarray]:
    return [r.items["value"].to_numpy().astype(float) for r in run.results if r.items is not None]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_numbers_are_the_interpreters_with_all_passes_without_one_and_without_any(arch: str, runs) -> None:
    whole, planned = runs(arch, MIXED)
    wanted = interpret(runs.specs[arch, MIXED].spec, runs.root)
    assert compare_run(wanted, whole) == []
    for off in [*((name,) for name in NAMES), tuple(NAMES)]:
        run, other = runs(arch, MIXED, *off)
        assert compare_run(wanted, run) == [], off
        if len(off) == 1:
            name = off[0]
            assert f"{name}:" in planned.text() and f"{name}:" not in other.text()
            counter = COUNTERS.get(name, "row_layer_tokens")
            assert getattr(planned, counter) < getattr(other, counter), name


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_rows_of_one_length_agree_to_the_noise(arch: str, runs) -> None:
    number = ARCHITECTURES.index(arch)
    whole = values(runs(arch, EQUAL)[0])
    for off in (tuple(NAMES), (NAMES[number % len(NAMES)],), (NAMES[(number + len(ARCHITECTURES)) % len(NAMES)],)):
        for a, b in zip(whole, values(runs(arch, EQUAL, *off)[0]), strict=True):
            assert np.abs(a - b).max() <= NOISE * np.abs(b).max(), off
