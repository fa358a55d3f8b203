"""Each site of each architecture holds what a recomputation by hand says."""

import subprocess
import sys

import pytest
import torch

from probelang.runtime.engine import Batch, Engine, Read, pad
from probelang.runtime.errors import ProbeError
from probelang.runtime.facts import ModelFacts, model_facts
from probelang.runtime.models import ModelSource, load
from probelang.runtime.sites import SITES, SiteRef, place, site_infos
from tests.helpers_models import ARCHITECTURES, MORE_ARCHITECTURES, build
from tests.plain_blocks import plain_sites

torch.set_num_threads(1)
ROWS = [[1, 14, 20, 30, 41, 50, 9], [1, 33, 62]]


def plain(directory):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(directory, attn_implementation="eager").eval()


def facts(**changes) -> ModelFacts:
    values = dict(arch="llama", n_layers=4, n_heads=4, n_kv_heads=2, d_model=32, d_head=8, d_mlp=48, vocab=78)
    return ModelFacts(**values | changes)


def read_everywhere(engine, layer):
    """Return {(site, head): [tokens of all rows, width]} of `layer`."""
    ids, lengths = pad(ROWS)
    places = [(row, position) for row, length in enumerate(lengths.tolist()) for position in range(length)]
    rows, positions = (torch.tensor(index) for index in zip(*places, strict=True))
    reads = []
    for info in engine.sites():
        for head in range(info.heads) if info.heads else (None,):
            site = SiteRef(info.name, layer if info.layers else None, head)
            reads.append(Read((info.name, head), site, rows, positions))
    return engine.run(Batch(ids, lengths, (), tuple(reads)))


def assert_same_as_plain(directory, layer):
    found = read_everywhere(Engine(load(ModelSource("path", str(directory)))), layer)
    hf = plain(directory)
    start = 0
    with torch.no_grad():
        for row in ROWS:
            wanted = plain_sites(hf, torch.tensor(row), layer)
            seen = set()
            for (name, head), values in found.items():
                mine = values[start : start + len(row)]
                theirs = wanted[name] if head is None else wanted[name][head]
                if name == "pattern":
                    assert not mine[:, len(row) :].any()
                    mine = mine[:, : len(row)]
                assert mine.shape == theirs.shape, name
                difference = (mine - theirs).abs().max() / theirs.abs().max()
                assert difference < 1e-5, (name, head, float(difference))
                seen.add(name)
            assert seen == set(wanted)
            start += len(row)


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("layer", [0, 3])
def test_every_site_against_a_recomputation_by_hand(arch, layer, tmp_path):
    assert_same_as_plain(build(arch, tmp_path), layer)


def test_gpt_neox_without_parallel_residual_has_resid_mid(tmp_path):
    assert_same_as_plain(build("gpt_neox", tmp_path, use_parallel_residual=False), 1)


@pytest.mark.parametrize("arch", MORE_ARCHITECTURES)
def test_streams_add_up_in_the_other_architectures(arch, tmp_path):
    directory = build(arch, tmp_path)
    found = read_everywhere(Engine(load(ModelSource("path", str(directory)))), 2)
    ids = torch.tensor(ROWS[0])
    with torch.no_grad():
        out = plain(directory)(ids[None], output_hidden_states=True, output_attentions=True)
    streams = [h[0] for h in out.hidden_states]
    mine = {name: values[: len(ids)] for (name, head), values in found.items() if head in (None, 1)}
    close = dict(rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(mine["embed"], streams[0], **close)
    torch.testing.assert_close(mine["resid_pre"], streams[2], **close)
    torch.testing.assert_close(mine["resid_post"], streams[3], **close)
    torch.testing.assert_close(mine["resid_mid"], mine["resid_pre"] + mine["attn"], **close)
    torch.testing.assert_close(mine["resid_post"], mine["resid_mid"] + mine["mlp"], **close)
    torch.testing.assert_close(mine["pattern"], out.attentions[2][0, 1], **close)
    torch.testing.assert_close(mine["final_norm"], streams[-1], **close)
    torch.testing.assert_close(mine["logits"], out.logits[0], **close)
    kv_of_head_1 = found["v", 1 * 2 // 4][: len(ids)]
    torch.testing.assert_close(mine["head"], mine["pattern"] @ kv_of_head_1, **close)


@pytest.mark.parametrize("arch", ["qwen3", "gpt_neox", "gpt2", "apertus"])
def test_a_site_without_head_is_all_heads_side_by_side(arch, tmp_path):
    engine = Engine(load(ModelSource("path", str(build(arch, tmp_path)))))
    ids, lengths = pad(ROWS)
    rows, positions = torch.tensor([0, 1]), torch.tensor([5, 2])
    names = [(name, heads) for name, heads in (("q", 4), ("k", engine.model.n_kv_heads), ("head", 4))]
    reads = [Read((n, h), SiteRef(n, 1, h), rows, positions) for n, count in names for h in (None, *range(count))]
    found = engine.run(Batch(ids, lengths, (), tuple(reads)))
    for name, count in names:
        assert torch.equal(found[name, None], torch.cat([found[name, h] for h in range(count)], 1))


def test_order_is_the_order_of_execution():
    listed = [SiteRef(name, None if axes == "model" else 1) for name, axes in SITES.items()]
    assert sorted(reversed(listed), key=lambda site: site.order) == listed
    assert SiteRef("resid_post", 0).order < SiteRef("resid_pre", 1).order
    assert str(SiteRef("head", 3, 1)) == "head[3, 1]" and str(SiteRef("embed")) == "embed"


@pytest.mark.parametrize(
    ("site", "code"),
    [
        (SiteRef("resid_pots", 0), "unknown-site"),
        (SiteRef("resid_post"), "site-needs-layer"),
        (SiteRef("resid_post", 4), "layer-out-of-range"),
        (SiteRef("resid_post", -1), "layer-out-of-range"),
        (SiteRef("resid_post", 0, 0), "site-takes-no-index"),
        (SiteRef("logits", 0), "site-takes-no-index"),
        (SiteRef("pattern", 0), "site-needs-head"),
        (SiteRef("head", 0, 4), "head-out-of-range"),
        (SiteRef("k", 0, 2), "head-out-of-range"),
    ],
)
def test_a_site_that_does_not_exist_says_why(site, code):
    with pytest.raises(ProbeError) as caught:
        place(site, facts())
    assert caught.value.code == code


def test_a_near_name_is_suggested():
    with pytest.raises(ProbeError) as caught:
        place(SiteRef("resid_pots", 0), facts())
    assert "resid_post" in caught.value.help


def test_parallel_residual_has_no_resid_mid():
    parallel = facts(arch="gpt_neox", parallel_residual=True)
    with pytest.raises(ProbeError) as caught:
        place(SiteRef("resid_mid", 0), parallel)
    assert caught.value.code == "site-not-in-model"
    assert "resid_mid" not in {info.name for info in site_infos(parallel)}


def test_an_unknown_architecture_says_how_to_add_it():
    with pytest.raises(ProbeError) as caught:
        place(SiteRef("embed"), facts(arch="mamba"))
    assert caught.value.code == "unknown-architecture" and "architectures.py" in caught.value.help


def test_facts_of_configs_with_other_names_and_defaults():
    gpt2 = model_facts(dict(model_type="gpt2", n_layer=12, n_head=12, n_embd=768, n_inner=None, vocab_size=50257))
    assert (gpt2.n_layers, gpt2.n_kv_heads, gpt2.d_head, gpt2.d_mlp) == (12, 12, 64, 3072)
    gemma = dict(
        model_type="gemma2", num_hidden_layers=26, num_attention_heads=8, hidden_size=2304, intermediate_size=9216
    )
    assert model_facts(gemma | {"vocab_size": 256000}).d_head == 256
    assert model_facts(gemma | {"vocab_size": 256000}).softcap == 30.0
    assert model_facts(gemma | {"vocab_size": 256000, "final_logit_softcapping": None}).softcap is None
    for broken in ({}, gemma):
        with pytest.raises(ProbeError) as caught:
            model_facts(broken)
        assert caught.value.code == "bad-model-config"


def test_sites_facts_and_counts_import_no_torch():
    code = (
        "import sys, probelang.runtime.sites, probelang.runtime.counts, probelang.runtime.models, "
        "probelang.runtime.weights; print([m for m in ('torch', 'transformers', 'nnsight') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
