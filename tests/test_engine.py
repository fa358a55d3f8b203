"""Batches with edits and reads give what plain hooks give, one row at a time; and cost what was predicted."""

import dataclasses

import pytest
import torch
from transformers import AutoModelForCausalLM

from probelang.runtime.engine import Batch, Edit, Engine, Read, pad
from probelang.runtime.models import ModelSource, load
from probelang.runtime.sites import SiteRef
from tests.helpers_models import ARCHITECTURES, build

torch.set_num_threads(1)
ROWS = [[1, 14, 20, 30, 41, 50, 9, 12], [1, 33, 62], [1, 5, 7, 9, 50], [1, 40, 41, 42, 43, 44, 45]]
BLOCKS = {"gpt2": "transformer.h", "gpt_neox": "gpt_neox.layers"}
SUBLAYERS = {  # the modules whose outputs are added to the residual
    "gpt2": ("attn.c_proj", "mlp"),
    "gpt_neox": ("attention.dense", "mlp"),
    "olmo2": ("post_attention_layernorm", "post_feedforward_layernorm"),
    "olmo3": ("post_attention_layernorm", "post_feedforward_layernorm"),
    "gemma2": ("post_attention_layernorm", "post_feedforward_layernorm"),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    made = {}

    def get(arch):
        if arch not in made:
            directory = build(arch, tmp_path_factory.mktemp(arch))
            model = load(ModelSource("path", str(directory)))
            hf = AutoModelForCausalLM.from_pretrained(directory, attn_implementation=model.attention).eval()
            made[arch] = (model, hf)
        return made[arch]

    return get


def t(*numbers):
    return torch.tensor(numbers)


def last_logits(batch, edits=()):
    return dataclasses.replace(batch, edits=tuple(edits), reads=(Read("out", SiteRef("logits"), *last_places(batch)),))


def last_places(batch):
    return torch.arange(len(batch.lengths)), batch.lengths - 1


def close(a, b):
    return float((a - b).abs().max() / b.abs().max()) < 1e-5


def plain_logits(hf, row, hooks=()):
    """Run one row through a plain model with {module path: function of its output}; return its last logits."""
    handles = []
    for path, change in hooks:
        handles.append(hf.get_submodule(path).register_forward_hook(lambda m, a, out, change=change: change(out)))
    with torch.no_grad():
        logits = hf(torch.tensor([row])).logits[0, -1]
    for handle in handles:
        handle.remove()
    return logits


def changed_at(position, function):
    def change(out):
        out = out.clone()
        out[0, position] = function(out[0, position])
        return out

    return change


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_right_padded_rows_equal_rows_alone(models, arch):
    model, hf = models(arch)
    batch = Batch(*pad(ROWS))
    found = Engine(model).run(last_logits(batch))["out"]
    for i, row in enumerate(ROWS):
        assert close(found[i], plain_logits(hf, row))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_kind_of_edit_at_once_equals_plain_hooks(models, arch):
    model, hf = models(arch)
    blocks = BLOCKS.get(arch, "model.layers")
    attn, mlp = SUBLAYERS.get(arch, ("self_attn.o_proj", "mlp"))
    gen = torch.Generator().manual_seed(3)
    v = [torch.randn(32, generator=gen) for _ in ROWS]
    unit = v[2] / v[2].norm()
    edits = (
        Edit(SiteRef("resid_post", 1), "set", t(0), t(4), v[0][None]),
        Edit(SiteRef("attn", 2), "add", t(1), t(1), v[1][None], torch.tensor([0.7])),
        Edit(SiteRef("resid_post", 0), "project_out", t(2, 2), t(1, 3), v[2].expand(2, -1)),
        Edit(SiteRef("mlp", 3), "scale", t(3), t(6), None, torch.tensor([-2.0])),
        Edit(SiteRef("resid_post", 2), "blend", t(3), t(2), v[3][None], torch.tensor([0.25])),
    )
    found = Engine(model).run(last_logits(Batch(*pad(ROWS)), edits))["out"]
    project = changed_at(t(1, 3), lambda h: h - (h @ unit)[:, None] * unit)
    hooks = [
        [(f"{blocks}.1", changed_at(4, lambda h: v[0]))],
        [(f"{blocks}.2.{attn}", changed_at(1, lambda h: h + 0.7 * v[1]))],
        [(f"{blocks}.0", project)],
        [
            (f"{blocks}.2", changed_at(2, lambda h: 0.75 * h + 0.25 * v[3])),
            (f"{blocks}.3.{mlp}", changed_at(6, lambda h: -2.0 * h)),
        ],
    ]
    for i, row in enumerate(ROWS):
        wanted = plain_logits(hf, row, hooks[i])
        assert close(found[i], wanted), i
        assert not close(wanted, plain_logits(hf, row)), "an edit that changes nothing tests nothing"


@pytest.mark.parametrize("arch", ["olmo2", "gpt2", "qwen3", "gpt_neox"])
def test_edits_of_one_head_equal_plain_hooks(models, arch):
    model, hf = models(arch)
    block = f"{BLOCKS.get(arch, 'model.layers')}.1"
    d, v = model.d_head, torch.randn(model.d_head, generator=torch.Generator().manual_seed(5))
    q, k = {
        "gpt2": (("attn.c_attn", slice(3 * d, 4 * d)), ("attn.c_attn", slice(32 + d, 32 + 2 * d))),
        "gpt_neox": (
            ("attention.query_key_value", slice(9 * d, 10 * d)),
            ("attention.query_key_value", slice(4 * d, 5 * d)),
        ),
        "qwen3": (("self_attn.q_norm", 3), ("self_attn.k_norm", 1)),
        "olmo2": (("self_attn.q_norm", slice(3 * d, 4 * d)), ("self_attn.k_norm", slice(d, 2 * d))),
    }[arch]
    edits = (
        Edit(SiteRef("q", 1, 3), "set", t(0), t(7), v[None]),
        Edit(SiteRef("k", 1, 1), "add", t(1), t(1), v[None]),
        Edit(SiteRef("head", 1, 2), "set", t(2), t(2), v[None]),
    )
    found = Engine(model).run(last_logits(Batch(*pad(ROWS)), edits))["out"]

    def slot(where, position, function):
        def change(out):
            out = out.clone()
            out[0, position, where] = function(out[0, position, where])
            return out

        return change

    assert close(found[0], plain_logits(hf, ROWS[0], [(f"{block}.{q[0]}", slot(q[1], 7, lambda h: v))]))
    assert close(found[1], plain_logits(hf, ROWS[1], [(f"{block}.{k[0]}", slot(k[1], 1, lambda h: h + v))]))
    projection = hf.get_submodule(f"{block}.{model.sites.attn_raw}")

    def before(module, args):
        h = args[0].clone()
        h[0, 2, 2 * d : 3 * d] = v
        return (h,)

    handle = projection.register_forward_pre_hook(before)
    assert close(found[2], plain_logits(hf, ROWS[2]))
    handle.remove()
    assert close(found[3], plain_logits(hf, ROWS[3]))


@pytest.mark.parametrize("arch", [arch for arch in ARCHITECTURES if arch != "gpt_neox"])
def test_resid_mid_edit_moves_both_branches(models, arch):
    model, hf = models(arch)
    block = f"{BLOCKS.get(arch, 'model.layers')}.1"
    v = torch.randn(32, generator=torch.Generator().manual_seed(7))
    here = Edit(SiteRef("resid_mid", 1), "add", t(0, 2), t(3, 2), v.expand(2, -1))
    halve = Edit(SiteRef("mlp", 1), "scale", t(0), t(3), None, torch.tensor([0.5]))
    batch = dataclasses.replace(
        last_logits(Batch(*pad(ROWS)), [here, halve]),
        reads=(
            Read("out", SiteRef("logits"), t(0, 1, 2), t(7, 2, 4)),
            Read("mid", SiteRef("resid_mid", 1), t(0), t(3)),
            Read("mlp", SiteRef("mlp", 1), t(0), t(3)),
            Read("post", SiteRef("resid_post", 1), t(0), t(3)),
        ),
    )
    found = Engine(model).run(batch)
    # What is added to attention's update is added to the residual that both branches read.
    attn, mlp = SUBLAYERS.get(arch, ("self_attn.o_proj", "mlp"))
    for i, position in ((0, 3), (1, None), (2, 2)):
        hooks = [] if position is None else [(f"{block}.{attn}", changed_at(position, lambda h: h + v))]
        hooks += [(f"{block}.{mlp}", changed_at(3, lambda h: 0.5 * h))] if i == 0 else []
        assert close(found["out"][i], plain_logits(hf, ROWS[i], hooks))
    assert torch.equal(found["post"], found["mid"] + found["mlp"])


@pytest.mark.parametrize("arch", ["olmo3", "gpt2", "gemma2"])
def test_patterns_are_read_and_set_and_keys_knocked_out(models, arch):
    model, hf = models(arch)
    pattern, ids = SiteRef("pattern", 1, 2), Batch(*pad(ROWS))
    rows, positions = last_places(ids)
    read = Read("p", pattern, rows, positions)
    before = Engine(model).run(dataclasses.replace(ids, reads=(read,)))["p"]
    torch.testing.assert_close(before.sum(1), torch.ones(4))
    drop = torch.zeros(4, 8)
    drop[:, 2] = 1
    drop[1] = 0
    out = Read("out", SiteRef("logits"), rows, positions)
    after = Engine(model).run(
        dataclasses.replace(ids, reads=(read, out), edits=(Edit(pattern, "knockout", rows, positions, drop),))
    )
    wanted = before * (1 - drop)
    torch.testing.assert_close(after["p"], wanted / wanted.sum(1, keepdim=True))
    assert torch.equal(after["p"][1], before[1])
    swapped = Engine(model).run(
        dataclasses.replace(ids, reads=(out,), edits=(Edit(pattern, "set", rows, positions, after["p"]),))
    )
    assert torch.equal(swapped["out"], after["out"])
    hf.set_attn_implementation("eager")
    assert close(after["out"][1], plain_logits(hf, ROWS[1]))
    hf.set_attn_implementation(model.attention)
    assert model.hf.config._attn_implementation == model.attention


def no_op(site, kind, batch, clean):
    rows, positions = last_places(batch)
    n, width = len(rows), clean.shape[1]
    other = torch.randn(n, width)
    zeros = torch.zeros(n)
    match kind:
        case "set":
            return Edit(site, "set", rows, positions, clean)
        case "scale":
            return Edit(site, "scale", rows, positions, None, zeros + 1)
        case "empty":
            return Edit(site, "add", rows[:0], positions[:0], other[:0])
        case _:
            return Edit(site, kind, rows, positions, other, zeros)


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("kind", ["set", "add", "project_out", "scale", "blend", "empty"])
def test_edits_that_change_nothing_change_no_bit(models, arch, kind):
    model, _ = models(arch)
    engine, batch = Engine(model), Batch(*pad(ROWS))
    rows, positions = last_places(batch)
    sites = [
        SiteRef(info.name, 1 if info.layers else None, 1 if info.heads else None)
        for info in engine.sites()
        if info.name not in ("pattern", "logits")
    ]
    out = Read("out", SiteRef("logits"), rows, positions)
    clean = engine.run(dataclasses.replace(batch, reads=(out, *(Read(site, site, rows, positions) for site in sites))))
    edits = tuple(no_op(site, kind, batch, clean[site]) for site in sites)
    again = engine.run(dataclasses.replace(batch, edits=edits, reads=(out,)))
    assert torch.equal(again["out"], clean["out"])


def test_rows_without_edits_keep_every_bit(models):
    model, _ = models("olmo2")
    engine, batch = Engine(model), Batch(*pad(ROWS))
    clean = engine.run(last_logits(batch))["out"]
    edits = [
        Edit(SiteRef(name, 2), "add", t(1), t(0), torch.ones(1, 32))
        for name in ("resid_pre", "attn", "resid_mid", "mlp_raw", "resid_post")
    ]
    touched = engine.run(last_logits(batch, edits))["out"]
    assert torch.equal(clean[[0, 2, 3]], touched[[0, 2, 3]])
    assert not torch.equal(clean[1], touched[1])


def test_edits_of_one_site_go_by_their_order_and_reads_see_them(models):
    engine = Engine(models("llama")[0])
    site, v = SiteRef("resid_post", 1), torch.ones(1, 32)
    double = Edit(site, "scale", t(0), t(0), None, torch.tensor([2.0]), order=2)
    put = Edit(site, "set", t(0), t(0), v, order=1)
    batch = Batch(
        *pad(ROWS), (double, put), (Read("h", site, t(0), t(0)), Read("next", SiteRef("resid_pre", 2), t(0), t(0)))
    )
    found = engine.run(batch)
    assert torch.equal(found["h"], 2 * v) and torch.equal(found["next"], 2 * v)


def test_attn_raw_is_read_before_an_edit_of_attn_everywhere(models):
    for arch in ("llama", "olmo2"):
        engine, site = Engine(models(arch)[0]), SiteRef("attn_raw", 1)
        read = (Read("h", site, t(0), t(1)),)
        clean = engine.run(Batch(*pad(ROWS), (), read))["h"]
        edit = Edit(SiteRef("attn", 1), "set", t(0), t(1), torch.zeros(1, 32))
        assert torch.equal(engine.run(Batch(*pad(ROWS), (edit,), read))["h"], clean)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_lens_at_the_last_layer_is_the_models_own_logits(models, arch):
    model, hf = models(arch)
    engine, batch = Engine(model), Batch(*pad(ROWS))
    rows, positions = last_places(batch)
    reads = tuple(
        Read(s.name, s, rows, positions) for s in (SiteRef("resid_post", 3), SiteRef("final_norm"), SiteRef("logits"))
    )
    found = engine.run(dataclasses.replace(batch, reads=reads))
    assert torch.equal(engine.lens(found["resid_post"]), found["logits"])
    assert torch.equal(engine.unembed(found["final_norm"]), found["logits"])
    assert close(found["logits"][2], plain_logits(hf, ROWS[2]))
