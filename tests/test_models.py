"""Models are found, checked and loaded; weights are compared without building a model."""

import json
import shutil

import pytest
import torch

from probelang.runtime.counts import Counts
from probelang.runtime.determinism import derive_seed, deterministic, generator, numerics
from probelang.runtime.engine import Batch, Engine, Read, pad
from probelang.runtime.errors import ProbeError
from probelang.runtime.models import ModelSource, load, read_config, resolve
from probelang.runtime.sites import SiteRef
from probelang.runtime.sources import source_facts
from probelang.runtime.weight_files import fingerprint
from probelang.runtime.weights import part_diff_norms, part_norms
from tests.helpers_models import ARCHITECTURES, MORE_ARCHITECTURES, build

torch.set_num_threads(1)
COMMIT, OTHER = "a" * 40, "b" * 40


def at(path) -> ModelSource:
    return ModelSource("path", str(path))


def code_of(function, *args, **kwargs) -> str:
    with pytest.raises(ProbeError) as caught:
        function(*args, **kwargs)
    return caught.value.code


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """Lay out two revisions of one model as the hub's cache does, and go offline."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    repo = tmp_path / "hub" / "models--org--tiny"
    for seed, (commit, ref) in enumerate([(COMMIT, "main"), (OTHER, "step-200")]):
        folder = build("olmo2", tmp_path / f"built-{seed}", seed)
        snapshot = repo / "snapshots" / commit
        for directory in (repo / "blobs", repo / "refs", snapshot):
            directory.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            blob = repo / "blobs" / _content(file)
            shutil.copy(file, blob)
            (snapshot / file.name).symlink_to(blob)
        (repo / "refs" / ref).write_text(commit)
    return tmp_path


def _content(file):
    import hashlib

    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_saved_folder_loads_ready_to_read(arch, tmp_path):
    counts = Counts()
    directory = build(arch, tmp_path)
    model = load(at(directory), counts=counts)
    assert not model.hf.training and not any(p.requires_grad for p in model.hf.parameters())
    assert (model.arch, model.n_layers, model.n_heads, model.d_model, model.d_mlp) == (arch, 4, 4, 32, model.d_mlp)
    assert (model.device, model.dtype, model.vocab) == ("cpu", "float32", 78)
    assert model.n_kv_heads == (4 if arch.startswith("gpt") else 2)
    assert model.attention == ("eager" if arch == "gemma2" else "sdpa") == model.hf.config._attn_implementation
    assert counts.loads == 1
    assert source_facts(at(directory)) == model.facts


def test_the_hub_cache_is_read_by_name_and_by_revision(hub_cache):
    main, step = ModelSource("hub", "org/tiny"), ModelSource("hub", "org/tiny", "step-200")
    assert resolve(main).name == COMMIT and resolve(step).name == OTHER
    assert resolve(ModelSource("hub", "org/tiny", OTHER)).name == OTHER
    assert read_config(step)["model_type"] == "olmo2"
    models = [load(main), load(step)]
    for i, model in enumerate(models):
        assert model.fingerprint == fingerprint(hub_cache / f"built-{i}"), "the same bytes, the same name"
    assert models[0].fingerprint != models[1].fingerprint
    ids = Batch(*pad([[1, 5, 9]]), (), (Read("out", SiteRef("logits"), torch.tensor([0]), torch.tensor([2])),))
    here = Engine(load(at(hub_cache / "built-1"))).run(ids)["out"]
    assert torch.equal(Engine(models[1]).run(ids)["out"], here)


def test_a_model_that_is_not_there_says_what_to_do(hub_cache, tmp_path):
    for source in (ModelSource("hub", "org/other"), ModelSource("hub", "org/tiny", "step-400")):
        for function in (resolve, read_config):
            with pytest.raises(ProbeError) as caught:
                function(source)
            assert caught.value.code == "model-not-found" and "hf download org/" in caught.value.help
    assert code_of(resolve, ModelSource("hub", "not a hub id")) == "bad-model-name"
    assert code_of(resolve, at(tmp_path / "nowhere")) == "model-not-found"
    assert code_of(load, at(tmp_path)) == "bad-model-config"


def test_weights_that_are_not_all_there_are_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    directory = build("llama", tmp_path / "m")
    weights = directory / "model.safetensors"
    whole = load_file(weights)
    save_file({name: t for name, t in whole.items() if "layers.2.mlp.up" not in name}, weights, {"format": "pt"})
    with pytest.raises(ProbeError) as caught:
        load(at(directory))
    assert caught.value.code == "weights-incomplete" and "layers.2.mlp.up_proj" in caught.value.message
    weights.unlink()
    assert code_of(load, at(directory)) == "weights-not-found"
    torch.save(whole, directory / "pytorch_model.bin")
    assert code_of(load, at(directory)) == "weights-not-found", "pickles are never read"


def test_a_config_that_cannot_be_used_is_refused(tmp_path):
    directory = build("gpt2", tmp_path / "m")
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps(config | {"model_type": "mamba"}))
    assert code_of(load, at(directory)) == "unknown-architecture"
    (directory / "config.json").write_text("{")
    assert code_of(read_config, at(directory)) == "bad-model-config"
    (directory / "config.json").write_text(json.dumps(config | {"n_embd": 64, "n_inner": 256}))
    assert code_of(load, at(directory)) in ("model-not-loadable", "weights-incomplete")


def test_dtype_of_the_source_wins(tmp_path):
    directory = build("qwen3", tmp_path)
    assert load(ModelSource("path", str(directory), dtype="bfloat16"), dtype="float16").hf.dtype == torch.bfloat16
    assert load(at(directory), dtype="float16").dtype == "float16"
    assert code_of(load, at(directory), dtype="int4") == "unknown-dtype"


def test_the_fingerprint_is_of_the_bytes_that_make_the_model(tmp_path):
    one, same, other = (build("llama", tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)
    (same / "README.md").write_text("not part of the model")
    assert fingerprint(one) == fingerprint(same)
    config = json.loads((same / "config.json").read_text())
    (same / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 0.1}))
    assert fingerprint(one) != fingerprint(same)


@pytest.mark.parametrize("arch", ARCHITECTURES + MORE_ARCHITECTURES)
def test_part_norms_account_for_every_weight(arch, tmp_path):
    from safetensors.torch import load_file

    directory = build(arch, tmp_path)
    sums = part_norms(directory)
    stored = load_file(directory / "model.safetensors")
    total = sum(float(tensor.double().square().sum()) for tensor in stored.values())
    assert sum(sums.values()) == pytest.approx(total, rel=1e-12)
    assert {layer for part, layer in sums if part == "attn.q"} == {0, 1, 2, 3}


@pytest.mark.parametrize("arch", ["olmo2", "gpt2", "gpt_neox"])
def test_differences_by_part_against_the_loaded_models(arch, tmp_path):
    a, b = (load(at(build(arch, tmp_path / str(seed), seed))) for seed in (0, 1))
    found = part_diff_norms(a.directory, b.directory)
    block = f"{a.sites.blocks}.2"

    def query(model):
        if arch == "olmo2":
            return model.hf.get_submodule(f"{block}.self_attn.q_proj").weight
        if arch == "gpt2":
            return model.hf.get_submodule(f"{block}.attn.c_attn").weight[:, :32]
        fused = model.hf.get_submodule(f"{block}.attention.query_key_value").weight
        return torch.cat([fused[h * 24 : h * 24 + 8] for h in range(4)])

    difference = float((query(a).double() - query(b).double()).square().sum())
    assert found["attn.q", 2] == pytest.approx((difference, float(query(b).double().square().sum())), rel=1e-12)
    assert all(pair[0] == 0 for pair in part_diff_norms(a.directory, a.directory).values())
    assert {key: pair[1] for key, pair in found.items()} == pytest.approx(part_norms(b.directory), rel=1e-12)


def test_differences_over_shards_in_bf16_and_over_the_rows_that_both_have(tmp_path):
    a = load(at(build("olmo2", tmp_path / "a")))
    b = load(at(build("olmo2", tmp_path / "b", 1, vocab_size=90)))
    a.hf.bfloat16().save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 2
    found = part_diff_norms(tmp_path / "shards", b.directory)
    ours, theirs = (m.hf.get_input_embeddings().weight.double()[:78] for m in (a, b))
    wanted = float((ours - theirs).square().sum()), float(theirs.square().sum())
    assert found["embed", None] == pytest.approx(wanted, rel=1e-12)
    (next((tmp_path / "shards").glob("*00002*.safetensors"))).unlink()
    assert code_of(part_norms, tmp_path / "shards") == "weights-not-found"


def test_a_tied_unembedding_is_compared_as_the_embedding(tmp_path):
    tied, free = build("llama", tmp_path / "t", tie_word_embeddings=True), build("llama", tmp_path / "f", 1)
    assert ("unembed", None) not in part_norms(tied)
    found = part_diff_norms(tied, free)
    embedding = load(at(tied)).hf.get_input_embeddings().weight.double()
    head = load(at(free)).hf.lm_head.weight.double()
    assert found["unembed", None][0] == pytest.approx(float((embedding - head).square().sum()), rel=1e-12)


def test_weights_that_cannot_be_compared_are_refused(tmp_path):
    llama, wide = build("llama", tmp_path / "a"), build("llama", tmp_path / "b", intermediate_size=64)
    assert code_of(part_diff_norms, llama, wide) == "weights-differ"
    assert code_of(part_diff_norms, llama, build("gpt2", tmp_path / "c")) == "weights-differ"


def test_seeds_depend_on_every_part_and_on_nothing_else():
    assert derive_seed(0, "item-7", 3) == 8528765934930539636
    seeds = {
        derive_seed(*parts)
        for parts in ((0, "a", 1), (1, "a", 1), (0, "b", 1), (0, "a", 2), ("0", "a", 1), ("a", 0, 1))
    }
    assert len(seeds) == 6 and all(0 <= seed < 2**63 for seed in seeds)
    draws = [torch.rand(3, generator=generator(derive_seed(5))) for _ in range(2)]
    assert torch.equal(*draws)


def test_deterministic_leaves_the_settings_as_they_were(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    with deterministic():
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.are_deterministic_algorithms_enabled() == before


def test_numerics_name_what_the_bits_depend_on(tmp_path):
    model = load(at(build("gpt2", tmp_path)))
    assert numerics(model)["dtype"] == "float32" and numerics(model)["attention"] == "sdpa"
    assert set(numerics(model)) >= {"device", "hardware", "torch", "transformers", "nnsight"}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"device_map": "foo"}, "unknown-device-map"),
        ({"device_map": "cuda:0"}, "unknown-device-map"),
        ({"device": "foo"}, "device-not-available"),
        ({"device": "meta"}, "device-not-available"),
        ({"device": ""}, "device-not-available"),
        ({"dtype": "int8"}, "unknown-dtype"),
    ],
)
def test_options_that_name_nothing_are_refused_with_what_there_is(options, code):
    with pytest.raises(ProbeError) as caught:
        load(ModelSource("zoo", "base"), **options)
    assert caught.value.code == code and caught.value.help


def test_sums_do_not_depend_on_how_they_are_cut_nor_on_threads(tmp_path, monkeypatch):
    from probelang.runtime import weights

    a, b = build("gpt_neox", tmp_path / "a"), build("gpt_neox", tmp_path / "b", 1)
    whole = part_diff_norms(a, b)
    monkeypatch.setattr(weights, "PART", 50)
    monkeypatch.setattr(weights, "CHUNK", 7)
    found = []
    for threads in (1, 4):
        monkeypatch.setattr(weights, "THREADS", threads)
        monkeypatch.setattr("os.sched_getaffinity", lambda pid, n=threads: set(range(n)), raising=False)
        found.append(part_diff_norms(a, b))
    assert found[0] == found[1], "to the bit"
    assert list(found[0]) == list(whole)
    for key, pair in whole.items():
        assert found[0][key] == pytest.approx(pair, rel=1e-12)


def test_damaged_weights_are_said(tmp_path):
    directory = build("llama", tmp_path)
    weights = directory / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:3000])
    assert code_of(part_norms, directory) == "weights-damaged"
    assert code_of(load, at(directory)) == "model-not-loadable"


def test_a_hub_that_does_not_answer_is_asked_once(monkeypatch):
    """Each request to a hub that cannot be reached is tried again for twenty seconds."""
    import huggingface_hub as hub

    from probelang.runtime import sources

    asked = []

    def silent(name, file, *, local_files_only, **where):
        asked.append(local_files_only)
        raise hub.errors.LocalEntryNotFoundError("no answer")

    monkeypatch.setattr(hub, "hf_hub_download", silent)
    monkeypatch.setattr(sources, "_silent", sources.Silence())
    for name in ("some/model", "other/model"):
        assert code_of(read_config, ModelSource("hub", name)) == "model-not-found"
    assert asked == [False, True]
    sources._silent.until = 0.0
    assert code_of(read_config, ModelSource("hub", "some/model")) == "model-not-found"
    assert asked == [False, True, False]
