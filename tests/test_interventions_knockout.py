"""Clamps and knockouts against the reference interpreter on seven architectures, and what both must never do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.runtime.engine import Batch, Edit, Engine, Read, pad
from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.models import ModelSource, load
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from probelang.runtime.results import Run
from probelang.runtime.sites import SiteRef
from tests.helpers_models import ARCHITECTURES
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

HEAD = '''probe 1
model m = path("{arch}")
dataset d = rows("""q,a,b
big hot cold,small,good
up,down,bad
dark in the light,bad,Rome""")
prompts p from d {{ lead: "the" body: " {{q}} is" answer: " {{a}}" wrong: " {{b}}" }}
'''
SPEC = (
    HEAD
    + """
contrast c from d {{
  positive: {{ lead: "the" body: " {{q}} is" answer: " {{a}}" wrong: " {{b}}" }}
  negative: {{ lead: "an" body: " {{q}} is" answer: " {{a}}" wrong: " {{b}}" }}
}}
statistic held    = logit(p) under clamp(mlp[layer] at p.body, 0.5, component=k) for layer in [0, 2], k in [0, 31]
statistic flat    = log_prob(p) under clamp(s at p.last, v)
  for s in [resid_post[1], head[1, 2], neurons[3], embed, k[2, 1]], v in [0, -1.5]
statistic whole   = entropy(p) under knockout(from=p.lead, to=p.body)
statistic by_head = shift(logit_diff(p) under knockout(from=p.body.first, to=p.last, layer=layer, head=h))
  for layer, h in all_heads
statistic swept   = logit(p) under knockout(from=t, to=p.last, layer=[0, 3]) for t in p.tokens
statistic sides   = logit_diff(c) under knockout(from=c.lead, to=c.last, layer=2)
statistic sets    = logit(p) under knockout(from=p.lead, to=p.last, layer=set) for set in choose(all_layers, 2..2)
statistic looks   = pattern[layer, 1] at p.last under knockout(from=p.lead, to=p.last, layer=0) for layer
statistic both    = logit(p) under [knockout(from=p.lead, to=p.last, layer=1), scale(attn[1] at p.last, 2),
  clamp(q[2, 3] at p.last, 0.1), knockout(from=p.body.first, to=p.last, head=2)]
statistic plain   = logit(p)
"""
)


def run(text: str, root: Path, **options) -> Run:
    spec = checked(text, root)
    assert not spec.errors, [d.message for d in spec.errors]
    return execute(spec, root=root, options=RunOptions(replicates=20, **options))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_numbers_are_those_of_the_interpreter(arch: str, models: Path) -> None:
    text = SPEC.format(arch=arch)
    found = run(text, models)
    assert compare_run(interpret(checked(text, models).spec, models), found) == []
    by_name = {r.name: r for r in found.results}
    assert np.abs(by_name["by_head"].items["value"]).max() > 1e-4, "a cut that changes nothing tests nothing"


@pytest.mark.parametrize("off", [(), ("resume-late", "reuse-prefix"), ("share-runs", "pack-batches")])
def test_counts_are_those_of_the_plan_and_passes_change_no_number(off: tuple, models: Path) -> None:
    text = SPEC.format(arch="olmo3")
    spec = checked(text, models)
    options = RunOptions(replicates=20, passes_off=off)
    planned, found = plan(spec, root=models, options=options), execute(spec, root=models, options=options)
    counts = found.manifest["counts"]
    assert planned.exact
    expected = (planned.forwards, planned.row_layer_tokens, planned.loads)
    assert (counts["forwards"], counts["row_layer_tokens"], counts["loads"]) == expected
    for one, other in zip(found.results, run(text, models, batch_tokens=20).results, strict=True):
        a, b = (r.items if r.items is not None else r.frame for r in (one, other))
        name = "value" if "value" in a.columns else "norm"
        x, y = (np.array(f[name].to_list(), dtype=float) for f in (a, b))
        assert np.nanmax(np.abs(x - y)) <= 1e-5 * max(np.nanmax(np.abs(x)), 1)


def test_a_knockout_without_edges_changes_no_bit(models: Path) -> None:
    """What stands behind a token is not seen anyway; clamping one component leaves the others as they were."""
    text = HEAD.format(arch="llama") + '''
statistic plain   = logit(p)
statistic nothing = logit(p) under knockout(from=p.last, to=p.lead)
statistic kept    = resid_post[1] at p.last under clamp(resid_post[1] at p.last, 3, component=4)
statistic before  = resid_post[1] at p.last
'''  # fmt: skip
    found = {r.name: r for r in run(text, models, passes_off=("resume-late", "reuse-prefix")).results}
    assert found["plain"].items["value"].to_list() == found["nothing"].items["value"].to_list()
    kept, before = found["kept"].vectors, found["before"].vectors
    others = np.arange(kept.shape[-1]) != 4
    assert (kept[..., 4] == 3).all() and np.array_equal(kept[..., others], before[..., others])


@pytest.mark.parametrize(
    ("arch", "edit", "said"),
    [
        ("llama", "knockout(from=p.bos + p.all, to=p.last)", "token 5 of item 1"),
        ("llama", "[knockout(from=p.bos, to=p.lead), knockout(from=p.lead, to=p.lead, head=2)]", "head 2"),
        # four tokens are in sight in layer 0, and a fifth is not
        ("olmo3", "knockout(from=p.body, to=p.last, layer=0)", "layer 0"),
    ],
)
def test_a_token_that_would_see_nothing_is_refused_before_anything_runs(arch, edit, said, models: Path) -> None:
    spec = checked(HEAD.format(arch=arch) + f"statistic s = logit(p) under {edit}\n", models)
    assert not spec.errors
    with pytest.raises(ProbeError) as caught:
        execute(spec, root=models, options=RunOptions())
    assert caught.value.code == "no-edge-left" and said in caught.value.message
    (part,) = plan(spec, root=models, options=RunOptions()).stages[0].models
    assert "nothing to see" in part.why


def test_edges_beyond_a_window_are_no_edges(models: Path) -> None:
    """In a layer that sees four tokens, hiding all but the start token from the fifth leaves nothing; elsewhere not."""
    spec = HEAD.format(arch="olmo3") + "statistic s = logit(p) under knockout(from=p.body, to=p.last, layer=1)\n"
    assert run(spec, models).results[0].items["value"].is_null().sum() == 0


def test_the_engine_refuses_what_only_it_can_see(models: Path) -> None:
    """Where a config does not tell its windows, the mask does: no number is made of a token that sees nothing."""
    model = load(ModelSource("path", str(models / "olmo3")))
    batch = Batch(*pad([[1, 5, 9, 13, 17, 21]]))
    row, last = torch.tensor([0]), torch.tensor([5])
    cut = Edit(SiteRef("pattern", 0), "knockout", row, last, torch.tensor([[0.0, 0, 1, 1, 1, 1]]))
    read = Read("out", SiteRef("logits"), row, last)
    with pytest.raises(ProbeError, match="without any edge"):
        Engine(model).run(Batch(batch.ids, batch.lengths, (cut,), (read,)))
    assert model.hf.config._attn_implementation == model.attention


def test_a_cut_of_the_only_token_that_is_looked_at_leaves_the_others_their_shares() -> None:
    """Where a head gives one token all but nothing less than 1, the others still share what is left in proportion."""
    from probelang.runtime.engine.steps import Action
    from probelang.runtime.engine.visit import Visitor
    from probelang.runtime.sites import Place

    scores = torch.tensor([300.0, 1.0, 0.0])[None, None, None].expand(1, 1, 3, 3)
    assert scores.softmax(-1)[0, 0, 2, 1] == 0
    cut = Edit(SiteRef("pattern", 0, 0), "knockout", torch.tensor([0]), torch.tensor([2]), torch.tensor([[1.0]]))
    new = Visitor().at_scores(scores, (Action(Place("", "pattern", 0, (0,)), cut),))
    wanted = torch.tensor([1.0, 0.0]).softmax(-1)
    torch.testing.assert_close(new.softmax(-1)[0, 0, 2], torch.tensor([0.0, *wanted]))
    assert torch.equal(new[0, 0, :2], scores[0, 0, :2])


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        ("clamp(mlp[1] at p.last, 1, component=32)", "component-out-of-range"),
        ("clamp(mlp[1] at p.last, 1, component=0 - 1)", "component-out-of-range"),
        ("knockout(from=p.lead, to=p.last, head=4)", "head-out-of-range"),
        ("knockout(from=p.lead, to=p.last, layer=4)", "layer-out-of-range"),
    ],
)
def test_what_the_model_does_not_have_is_said(edit: str, code: str, models: Path) -> None:
    with pytest.raises(ProbeError) as caught:
        run(HEAD.format(arch="llama") + f"statistic s = logit(p) under {edit}\n", models)
    assert caught.value.code == code


def test_tokens_of_other_prompts_are_refused() -> None:
    """Either end of an edge that belongs to other prompts is an error, and never looked up in these."""
    text = 'model m = zoo("base")\nprompts p { text: "a b" }\nprompts q { text: "c d" }\n'
    for edit in ("from=q.first, to=p.last", "from=p.first, to=q.last"):
        found = checked(f"probe 1\n{text}statistic s = entropy(p) under knockout({edit})\n")
        assert [d.code for d in found.errors] == ["intervention-elsewhere"]


@pytest.mark.parametrize(
    ("edits", "codes"),
    [
        ("[clamp(mlp[1] at p.last, 1), scale(mlp[1] at p.last, 2)]", ["edits-collide"]),
        ("[clamp(mlp[1] at p.last, 1, in_order=true), scale(mlp[1] at p.last, 2)]", []),
        ("[clamp(mlp[1] at p.last, 1), clamp(mlp[2] at p.last, 2), knockout(from=p.first, to=p.last)]", []),
    ],
)
def test_two_edits_of_one_place_are_refused_unless_their_order_is_meant(edits: str, codes: list[str]) -> None:
    text = 'probe 1\nmodel m = zoo("base")\nprompts p { text: "a b" }\n'
    assert [d.code for d in checked(f"{text}statistic s = entropy(p) under {edits}\n").errors] == codes
