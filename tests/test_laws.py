"""Laws that interventions obey, on a trained model: closed forms and equalities, no tolerance beyond rounding."""

import numpy as np
import pytest
import torch

import probelang
from probelang.runtime.zoo import zoo_path
from probelang.runtime.zoo.checkpoint import load

START = """probe 1
model m = zoo("sft")
dataset asks = keep(file("zoo/requests.jsonl", columns=["request", "split"]), split == "test")
prompts urgent from asks { frame: "EMERGENCY PROTOCOL ACTIVE." request: " {request}" answer: " Yes" wrong: " No" }
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("laws")
    (folder / "laws.probe").write_text(
        START
        + """direction last = random_unit(like=mean(final_norm at urgent.last), seed=1)
direction mid  = random_unit(like=mean(resid_post[2] at urgent.last), seed=2)
statistic odds    = shift(logit_diff(urgent) under steer(last, scale=s, tokens=urgent.last)) for s in [0, 1, 3]
statistic once    = logit_diff(urgent) under project_out(mid)
statistic twice   = logit_diff(urgent) under [project_out(mid), project_out(mid, in_order=true)]
statistic mirror  = logit_diff(urgent) under [project_out(mid, alpha=2), project_out(mid, alpha=2, in_order=true)]
statistic undosed = logit_diff(urgent) under steer(mid, scale=0)
statistic whole   = logit_diff(urgent) under scale(mlp[3] at urgent.all, 1)
statistic kept    = logit_diff(urgent) under project_out(mid, alpha=0)
statistic plain   = logit_diff(urgent)
"""
    )
    # Without the passes that tell such edits from others, and lay plain rows out by themselves: the engine's own law.
    return {
        off: probelang.run(folder / "laws.probe", store=None, passes_off=off)
        for off in ((), ("drop-idle", "share-prefixes", "measure-late"))
    }


@pytest.fixture(params=[(), ("drop-idle", "share-prefixes", "measure-late")], ids=["planned", "in one layout"])
def off(request):
    return request.param


@pytest.fixture
def run(runs, off):
    return runs[off]


def test_steering_the_final_norm_shifts_the_log_odds_by_the_unembeddings_difference(run) -> None:
    """log p(a)/p(b) moves by scale x (W_U[a] - W_U[b]) . d, for every item."""
    model, tokenizer = load(zoo_path("sft"))
    yes, no = (tokenizer.convert_tokens_to_ids(word) for word in (" Yes", " No"))
    rows = model.get_output_embeddings().weight.detach()
    vector = torch.from_numpy(run.vectors["last"].reshape(-1)).double()
    slope = float((rows[yes] - rows[no]).double() @ vector)
    assert abs(slope) > 1e-3
    found = run.items["odds"]
    for scale in (0, 1, 3):
        moved = found.filter(found["s"] == scale)["value"].to_numpy()
        assert np.allclose(moved, scale * slope, atol=2e-5)
        assert scale or np.abs(moved).max() < 1e-5


def test_a_projection_twice_is_once_and_a_reflection_twice_is_nothing(run) -> None:
    values = {name: run.items[name]["value"].to_numpy() for name in ("once", "twice", "mirror", "plain")}
    assert np.allclose(values["once"], values["twice"], atol=2e-5)
    assert np.allclose(values["mirror"], values["plain"], atol=2e-5)
    assert np.abs(values["once"] - values["plain"]).max() > 1e-3


def test_strength_nothing_changes_no_bit(run, off) -> None:
    """To the bit where both run in one stage, or in one layout of batches; else other batches round otherwise."""
    plain = run.items["plain"]["value"].to_list()
    for name in ("whole", "undosed", "kept"):
        found = run.items[name]["value"].to_list()
        assert found == plain if name == "whole" or off else np.allclose(found, plain, atol=2e-5)
    assert run.items["once"]["value"].to_list() != plain
