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
def run(tmp_path_factory):
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
statistic plain   = logit_diff(urgent)
"""
    )
    # In one layout of batches what changes nothing changes no bit; shared beginnings lay plain rows out by themselves.
    return probelang.run(folder / "laws.probe", store=None, passes_off=("share-prefixes",))


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
        assert scale or not moved.any()


def test_a_projection_twice_is_once_and_a_reflection_twice_is_nothing(run) -> None:
    values = {name: run.items[name]["value"].to_numpy() for name in ("once", "twice", "mirror", "plain")}
    assert np.allclose(values["once"], values["twice"], atol=2e-5)
    assert np.allclose(values["mirror"], values["plain"], atol=2e-5)
    assert np.abs(values["once"] - values["plain"]).max() > 1e-3
