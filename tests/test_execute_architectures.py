"""The executor against the reference interpreter, on seven architectures: mixed lengths, edits, directions, layer sets.

The interpreter runs one item at a time with plain hooks; the executor batches, shares and stops early.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from tests.helpers_models import ARCHITECTURES
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

SPEC = '''probe 1
model m = path("{arch}")
dataset d = rows("""q,a,b
big hot cold,small,good
up,down,bad
dark in the light,bad,Rome""")
contrast c from d {{
  positive: {{ lead: "the" body: " {{q}} is" answer: " {{a}}" wrong: " {{b}}" }}
  negative: {{ lead: "an" body: " {{q}} is" answer: " {{a}}" wrong: " {{b}}" }}
}}
statistic probability = log_prob(c[side=positive])
statistic denoise     = shift(logit_diff(c) under patch(resid_pre[layer] at token, from=c.positive))
  for layer, token in c.tokens
statistic by_head     = shift(logit_diff(c) under patch(head[layer, h] at c.last, from=c.positive))
  for layer, h in all_heads
statistic several     = logit(c) under [ablate(attn[layer] at c.body), scale(mlp[layer] at c.body.last, 0.5)]
  for layer in [0, 2]
statistic through     = log_prob(lens(resid_post[layer] at c.last), " small") for layer
statistic loss        = cross_entropy(c)
direction apart       = mean_diff(resid_post[layer] at c.all.mean) for layer
statistic steered     = entropy(c) under steer(apart[layer=1], scale=2)
statistic removed     = entropy(c) under project_out(apart[layer=l], alpha=a) for l in 0..2, a in [1, 3]
statistic lengths     = norm(s at c.last)
  for s in [embed, resid_pre[1], attn[2], mlp[1], attn_raw[1], mlp_raw[2], neurons[1], final_norm]
statistic heads       = norm(s at c.last) for s in [q[1, 0], k[1, 0], v[2, 0], head[1, 1]]
intervention swap(set) = patch(resid_post[set] at c.positive.first, from=resid_post[set] at c.negative.first)
statistic pairs       = logit(c[side=positive]) under swap(set) for set in choose(all_layers, 1..2)
intervention mix(l)   = patch(mlp[l] at c.positive.last, from=mlp[l] at c.negative.last)
statistic moved       = kl(c[side=positive], c[side=positive] under mix(layer)) for layer
'''


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_numbers_are_those_of_the_interpreter(arch: str, models: Path) -> None:
    spec = checked(SPEC.format(arch=arch), models)
    assert not spec.errors
    run = execute(spec, root=models, options=RunOptions(replicates=20))
    assert compare_run(interpret(spec.spec, models), run) == []


@pytest.mark.parametrize("arch", ["olmo2", "gpt2", "gemma2"])
def test_batches_change_no_number(arch: str, models: Path) -> None:
    """Mixed lengths in one batch, and one row at a time: within 1e-5 of the largest value of the statistic."""
    spec = checked(SPEC.format(arch=arch), models)
    batched = execute(spec, root=models, options=RunOptions(replicates=20))
    single = execute(spec, root=models, options=RunOptions(replicates=20, passes_off=("share-runs", "pack-batches")))
    assert single.manifest["counts"]["forwards"] > 10 * batched.manifest["counts"]["forwards"]
    for one, other in zip(batched.results, single.results, strict=True):
        a, b = (np.array(values(r), dtype=float) for r in (one, other))
        assert np.array_equal(np.isnan(a), np.isnan(b)), one.name
        assert np.nanmax(np.abs(a - b)) <= 1e-5 * np.nanmax(np.abs(a)), one.name


def values(result) -> list:
    frame = result.items if result.items is not None else result.frame
    return frame["value" if "value" in frame.columns else "norm"].to_list()


@pytest.mark.parametrize("arch", ["olmo2", "gpt_neox"])
def test_counts_are_those_of_the_plan(arch: str, models: Path) -> None:
    spec = checked(SPEC.format(arch=arch), models)
    for options in (RunOptions(replicates=20), RunOptions(replicates=20, batch_tokens=40)):
        planned = plan(spec, root=models, options=options)
        counts = execute(spec, root=models, options=options).manifest["counts"]
        assert planned.exact
        expected = (planned.forwards, planned.row_layer_tokens, planned.loads)
        assert (counts["forwards"], counts["row_layer_tokens"], counts["loads"]) == expected


NOTHING = '''probe 1
model m = path("olmo2")
dataset d = rows("""q,a
big hot cold,small
up down the,bad
it is hot,dark""")
prompts p from d {{ body: "the {{q}} is" answer: " {{a}}" }}
direction apart = unit(mean(resid_post[1] at p.last) - mean(resid_post[1] at p.first))
statistic plain = logit(p) under {nothing}
statistic clean = logit(p) under scale(resid_post[0] at p.last, 1)
'''


@pytest.mark.parametrize(
    "nothing",
    [
        "patch(resid_post[2] at p.last, from=resid_post[2] at p.last)",
        "patch(head[1, 2] at p.all, from=p)",
        "steer(apart, scale=0)",
        "project_out(apart, alpha=0)",
        "scale(mlp[3] at p.all, 1)",
    ],
)
def test_edits_that_change_nothing_change_no_bit(nothing: str, models: Path) -> None:
    """Within one batch layout: rows of both statistics have one length, and run in one batch, from the beginning."""
    spec = checked(NOTHING.format(nothing=nothing), models)
    assert not spec.errors
    run = execute(spec, root=models, options=RunOptions(replicates=20, passes_off=("resume-late", "reuse-prefix")))
    plain, clean = (r.items["value"].to_list() for r in run.results if r.statement == "statistic")
    assert plain == clean


def test_cells_without_the_token_say_so(models: Path) -> None:
    """An item that has no such token is not measured unedited: its cell is missing, with the reason."""
    run = execute(checked(SPEC.format(arch="olmo2"), models), root=models, options=RunOptions(replicates=20))
    items = next(r.items for r in run.results if r.name == "denoise")
    gone = items.filter(items["value"].is_null())
    assert len(gone) and all("no token" in reason for reason in gone["reason"])
