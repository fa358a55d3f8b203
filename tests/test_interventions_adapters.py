"""Adapters that PEFT saved, merged or gated: against PEFT itself, token by token, and what is no adapter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.runtime.adapters import AdaptedTensors
from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.models import ModelSource, load
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from probelang.runtime.results import Run
from probelang.runtime.stored_weights import StoredWeights
from probelang.runtime.text.tokenizer import Tokenizer
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

peft = pytest.importorskip("peft")
torch.set_num_threads(1)

TARGETS = {
    "llama": ["q_proj", "v_proj", "down_proj"],
    "gpt2": ["c_attn", "c_fc", "wte"],
    "qwen3": ["k_proj", "o_proj", "gate_proj", "embed_tokens"],
    "gpt_neox": ["query_key_value", "dense_h_to_4h"],
}
HEAD = '''probe 1
model base = path("{arch}")
model tuned = adapter(base, "lora")
dataset d = rows("""q,a
big hot cold,small
up,down
dark in the light,bad""")
prompts p from d {{ lead: "the" body: " {{q}} is" answer: " {{a}}" }}
'''
SPEC = (
    HEAD
    + """
statistic merged = logit(p) on tuned
statistic gated  = logit(p) under gate(tuned, at=span, layers=which) on base
  for span in [p.lead, not p.last], which in [layers(0..0.5), 3]
statistic some   = log_prob(p) under gate(tuned, at=p.body, parts=[attn]) on base
statistic also   = norm(s at p.last) under [gate(tuned, at=p.all), ablate(head[1, 2] at p.last)] on base
  for s in [resid_post[1], mlp[3]]
statistic whole  = logit(p) under graft(tuned, parts=[mlp, attn.v], at=p.body) on base
statistic plain  = logit(p) on base
"""
)


def lora(arch: str, root: Path, name: str = "lora", **settings) -> Path:
    """Save a model and an adapter of it, all of whose weights are drawn, so that it changes something."""
    import transformers

    if not (root / arch).is_dir():
        build(arch, root / arch)
    hf = transformers.AutoModelForCausalLM.from_pretrained(root / arch)
    settings = dict(r=3, lora_alpha=12, target_modules=TARGETS[arch]) | settings
    with torch.random.fork_rng():
        torch.manual_seed(7)
        made = peft.get_peft_model(hf, peft.LoraConfig(task_type="CAUSAL_LM", **settings))
        for key, parameter in made.named_parameters():
            if "lora_" in key:
                torch.nn.init.normal_(parameter, 0, 0.3)
        made.save_pretrained(root / name)
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lora("llama", tmp_path_factory.mktemp("llama"))


def run(text: str, root: Path, **options) -> Run:
    spec = checked(text, root)
    assert not spec.errors, [d.message for d in spec.errors]
    return execute(spec, root=root, options=RunOptions(replicates=20, **options))


def values(found: Run, name: str) -> np.ndarray:
    result = next(r for r in found.results if r.name == name)
    return np.array(result.items["value"].to_list(), dtype=float)


@pytest.mark.parametrize("arch", list(TARGETS))
def test_numbers_are_those_of_the_interpreter(arch: str, tmp_path: Path) -> None:
    text = SPEC.format(arch=arch)
    found = run(text, lora(arch, tmp_path))
    assert compare_run(interpret(checked(text, tmp_path).spec, tmp_path), found) == []
    assert np.abs(values(found, "merged") - values(found, "plain")).max() > 1e-2


def test_a_gate_is_what_peft_computes_when_it_is_switched_token_by_token(root: Path) -> None:
    """Nothing of the package and nothing merged: one token after the other, the adapter enabled or disabled."""
    import transformers

    hf = transformers.AutoModelForCausalLM.from_pretrained(root / "llama")
    wrapped = peft.PeftModel.from_pretrained(hf, root / "lora").eval()
    tokenizer = Tokenizer.load(root / "llama")
    text = HEAD.format(arch="llama") + "statistic s = logit(p) under gate(tuned, at=p.body) on base\n"
    found = values(run(text, root), "s")
    for value, words, answer in zip(found, ("big hot cold", "up", "dark in the light"), ("small", "down", "bad")):
        ids = tokenizer.backend.encode(f"the {words} is").ids
        cache = transformers.DynamicCache(config=hf.config)
        for position, token in enumerate(ids):
            (wrapped.enable_adapter_layers if position > 1 else wrapped.disable_adapter_layers)()  # <bos> the
            with torch.no_grad():
                out = wrapped(input_ids=torch.tensor([[token]]), past_key_values=cache, use_cache=True)
        wanted = float(out.logits[0, -1, tokenizer.backend.encode(answer).ids[-1]])
        assert value == pytest.approx(wanted, abs=1e-5)


def test_a_gate_at_every_token_is_the_student(root: Path) -> None:
    found = run(HEAD.format(arch="llama") + """
statistic student = logit(p) on tuned
statistic gated   = logit(p) under gate(tuned, at=p.bos + p.all) on base
""", root)  # fmt: skip
    student, gated = (values(found, name) for name in ("student", "gated"))
    assert np.abs(student - gated).max() <= 1e-5 * np.abs(student).max()


def test_a_gate_merges_what_a_loaded_student_has_to_the_bit_and_reads_no_more(root: Path) -> None:
    asked = []

    class Watched(StoredWeights):
        def tensor(self, name: str) -> torch.Tensor:
            asked.append(name)
            return super().tensor(name)

    merged = AdaptedTensors(Watched(root / "llama"), root / "llama", root / "lora", "float32")
    student = load(ModelSource("path", str(root / "llama"), adapters=(ModelSource("path", str(root / "lora")),)))
    for name in ("layers.2.self_attn.v_proj.weight", "layers.0.mlp.down_proj.weight", "layers.1.mlp.up_proj.weight"):
        assert torch.equal(merged.tensor(name), student.hf.get_parameter(f"model.{name}"))
    assert len(asked) == 3 and not any(isinstance(m, peft.tuners.lora.LoraLayer) for m in student.hf.modules())
    assert student.fingerprint != load(ModelSource("path", str(root / "llama"))).fingerprint


def test_a_gate_edits_the_layers_that_the_adapter_changes_and_no_other(tmp_path: Path) -> None:
    """Nothing before the first changed block is run again, and the plan says so."""
    lora("llama", tmp_path, target_modules=["v_proj"], layers_to_transform=[2])
    text = HEAD.format(arch="llama") + "statistic s = shift(logit(p) under gate(tuned, at=p.last) on base)\n"
    spec = checked(text, tmp_path)
    planned = plan(spec, root=tmp_path, options=RunOptions())
    counts = execute(spec, root=tmp_path, options=RunOptions(replicates=20)).manifest["counts"]
    assert "graft" not in planned.text() and "gate(" in planned.text()
    assert planned.exact and planned.row_layer_tokens == counts["row_layer_tokens"] < 2 * 4 * 17


def test_adapters_on_adapters_and_lists_of_them(root: Path) -> None:
    lora("llama", root, "other", target_modules=["o_proj"])
    text = HEAD.format(arch="llama") + """
model both = adapter(tuned, "other")
model each = adapter(base, ["lora", "other"])
statistic two    = logit(p) on both
statistic gated  = logit(p) under gate(both, at=p.all) on tuned
statistic one    = logit(p) on each
"""  # fmt: skip
    found = run(text, root)
    assert compare_run(interpret(checked(text, root).spec, root), found) == []


def test_bytes_of_an_adapter_are_part_of_the_recipe(tmp_path: Path) -> None:
    lora("llama", tmp_path)
    text = (
        HEAD.format(arch="llama")
        + """statistic a = logit(p) on tuned
statistic b = logit(p) under gate(tuned, at=p.last) on base
"""
    )
    first = run(text, tmp_path, store=tmp_path / "store")
    lora("llama", tmp_path, lora_alpha=2)
    second = run(text, tmp_path, store=tmp_path / "store")
    for name in "ab":
        assert not np.allclose(values(first, name), values(second, name))
    assert run(text, tmp_path, store=tmp_path / "store").manifest["counts"]["forwards"] == 0


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "adapter-not-found"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), "adapter-not-supported"),
        (lambda folder: changed(folder, peft_type="PROMPT_TUNING"), "adapter-not-supported"),
        (lambda folder: changed(folder, target_modules=["nothing_proj"]), "adapter-does-not-fit"),
        (lambda folder: changed(folder, target_modules=["q_proj"]), "adapter-does-not-fit"),
        (lambda folder: changed(folder, target_modules=["q_proj", "v_proj", "down_proj", "up_proj"]),
         "adapter-does-not-fit"),
        (lambda folder: changed(folder, r=5), "adapter-does-not-fit"),
    ],
)  # fmt: skip
def test_what_is_no_adapter_of_the_model_is_said(spoil, code: str, tmp_path: Path) -> None:
    spoil(lora("llama", tmp_path) / "lora")
    with pytest.raises(ProbeError) as caught:
        run(HEAD.format(arch="llama") + "statistic s = logit(p) on tuned\n", tmp_path)
    assert caught.value.code == code


def changed(folder: Path, **settings) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("statistic s = logit(p) under gate(other, at=p.last) on base", "gate-of-another-model"),
        ("statistic s = logit(p) under gate(tuned, at=p.last) on other", "gate-of-another-model"),
        ("model none_ = adapter(base)\nstatistic s = logit(p) on none_", "adapter-from-where"),
    ],
)
def test_what_cannot_be_gated_is_said(text: str, code: str, root: Path) -> None:
    if not (root / "other-model").is_dir():
        build("llama", root / "other-model", seed=3)
    with pytest.raises(ProbeError) as caught:
        run(HEAD.format(arch="llama") + f'model other = path("other-model")\n{text}\n', root)
    assert caught.value.code == code


def test_without_peft_its_extra_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(ProbeError, match="not installed") as caught:
        run(HEAD.format(arch="llama") + "statistic s = logit(p) on tuned\n", root)
    assert "probelang[adapters]" in caught.value.help


def test_texts_written_under_grafts_gates_and_knockouts_are_those_of_the_reference(root: Path) -> None:
    """Row by row without a cache in the reference; in batches of mixed lengths with one here."""
    build("llama", root / "third", seed=9)
    text = (
        HEAD.format(arch="llama")
        + """
model third = path("third")
let story = generate(p, max_tokens=5)
statistic gated = story.response under gate(tuned, at=p.all, during=g) on base
  for g in ["prompt", "response", "predicting", "all"]
statistic grafted = story.response under graft(third, parts=[mlp, attn], at=p.body, head=h) on base
  for h in ["never", "last_token", "always"]
statistic cut = story.response under knockout(from=p.bos, to=p.body) on base
statistic plain = story.response on base
statistic again = norm(resid_post[3] at story.last) under gate(tuned, at=p.body, during=g) on base
  for g in ["prompt", "all"]
"""
    )
    found = run(text, root)
    assert compare_run(interpret(checked(text, root).spec, root), found) == []
    texts = [
        v for r in found.results if r.name != "again" for v in (r.items if r.items is not None else r.frame)["value"]
    ]
    assert len(set(texts)) > 15
