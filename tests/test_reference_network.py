"""The interpreter's forward pass: every site against a recomputation from weights, edits against closed forms."""

import pytest
import torch

from probelang.runtime.errors import ProbeError
from tests.helpers_models import ARCHITECTURES, build
from tests.plain_blocks import plain_sites
from tests.reference.network import Edit, Network

torch.set_num_threads(1)
IDS = (1, 14, 20, 30, 41, 50, 9)
HEADED = ("q", "k", "v", "head", "pattern")


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    made = {}

    def get(arch):
        if arch not in made:
            made[arch] = Network(build(arch, tmp_path_factory.mktemp(arch)), "float32")
        return made[arch]

    return get


def close(a, b):
    return a.shape == b.shape and float((a - b).abs().max()) < 1e-5 * max(1.0, float(b.abs().max()))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_site_is_what_the_weights_give(networks, arch):
    network = networks(arch)
    for layer in (0, 2):
        with torch.no_grad():
            wanted = plain_sites(network.hf, torch.tensor(IDS), layer)
        for site, value in wanted.items():
            at = None if site in ("embed", "final_norm", "logits") else layer
            if site in HEADED:
                for head in range(len(value)):
                    assert close(network.read(IDS, (site, at, head)), value[head]), (site, head)
            else:
                assert close(network.read(IDS, (site, at, None)), value), site


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_an_edit_is_seen_where_it_acts_and_after_it_alone(networks, arch):
    network, vector = networks(arch), torch.full((32,), 0.5)
    sites = ["resid_pre", "attn_raw", "attn", "resid_mid", "mlp_raw", "mlp", "resid_post"]
    for site in sites[:3] + sites[4:] if network.parallel else sites:
        edit = Edit(site, 2, None, (3,), lambda h: vector.expand_as(h), site)
        after = network.read(IDS, (site, 2, None), (edit,))
        before = network.read(IDS, (site, 2, None))
        assert close(after[3], vector), site
        assert close(after[[0, 1, 2, 4, 5, 6]], before[[0, 1, 2, 4, 5, 6]]), site
        logits = network.read(IDS, ("logits", None, None), (edit,))
        assert torch.equal(logits[:3], network.read(IDS, ("logits", None, None))[:3])
        assert not close(logits[3], network.read(IDS, ("logits", None, None))[3])


@pytest.mark.parametrize("arch", [a for a in ARCHITECTURES if a != "gpt_neox"])
def test_an_edit_between_attention_and_mlp_changes_both_branches(networks, arch):
    network, vector = networks(arch), torch.linspace(-1, 1, 32)
    edit = Edit("resid_mid", 1, None, (4,), lambda h: vector.expand_as(h), "v")
    added = network.read(IDS, ("mlp", 1, None), (edit,))
    assert close(network.read(IDS, ("resid_post", 1, None), (edit,))[4], vector + added[4])
    alone = network.read(IDS, ("mlp", 1, None))
    assert not close(added[4], alone[4]) and close(added[:4], alone[:4])


def test_edits_act_in_forward_order_and_then_as_listed(networks):
    network = networks("llama")
    double = Edit("resid_post", 1, None, (2,), lambda h: 2 * h, "double")
    more = Edit("resid_post", 1, None, (2,), lambda h: h + 1, "more")
    earlier = Edit("resid_post", 0, None, (2,), lambda h: h * 0, "zero")
    at = ("resid_post", 1, None)
    clean = network.read(IDS, at)[2]
    assert close(network.read(IDS, at, (double, more))[2], 2 * clean + 1)
    assert close(network.read(IDS, at, (more, double))[2], 2 * clean + 2)
    assert torch.equal(network.read(IDS, at, (double, earlier))[2], network.read(IDS, at, (earlier, double))[2])


def test_the_lens_of_the_last_layer_is_the_model(networks):
    for arch in ARCHITECTURES:
        network = networks(arch)
        last = network.read(IDS, ("resid_post", 3, None))[-1].numpy()
        assert close(torch.tensor(network.lens(last)).float(), network.read(IDS, ("logits", None, None))[-1])


def test_sites_that_a_model_does_not_have(networks):
    for arch, where in (("gpt_neox", ("resid_mid", 0, None)), ("gpt2", ("mlp", 4, None)), ("llama", ("k", 0, 2))):
        with pytest.raises(ProbeError):
            networks(arch).read(IDS, where)
