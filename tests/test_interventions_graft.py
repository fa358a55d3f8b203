"""Grafts: one pass against token by token with the weights exchanged, laws to the bit, and what cannot be grafted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.runtime.engine import Batch, Edit, Engine, Read, pad
from probelang.runtime.engine.donor import Donor
from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.models import ModelSource, load
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from probelang.runtime.results import Run
from probelang.runtime.sites import SiteRef
from probelang.runtime.stored_weights import StoredWeights
from tests.helpers_models import ARCHITECTURES, MORE_ARCHITECTURES, build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

HEAD = '''probe 1
model m = path("{arch}")
model n = path("{arch}-donor")
dataset d = rows("""q,a,b
big hot cold,small,good
up,down,bad
dark in the light,bad,Rome""")
prompts p from d {{ lead: "the" body: " {{q}} is" answer: " {{a}}" wrong: " {{b}}" }}
'''
SPEC = (
    HEAD
    + """
statistic swept  = logit_diff(p) under graft(n, parts=parts, at=span) on m
  for parts in [[attn.k], [attn.o, mlp], [attn.q, norms]], span in [p.last, not p.last]
statistic some   = log_prob(p) under graft(n, parts=[mlp, attn.v, embed], at=p.body, layers=[1, 3], head=h) on m
  for h in ["never", "always", "last_token"]
statistic single = logit(p) under graft(n, parts=[attn, mlp, norms], at=p.body.first, layers=layer) on m
  for layer in [0, 3]
statistic token  = logit(p) under graft(n, parts=[mlp], at=t, layers=layers(0.5..1)) on m for t in p.tokens
statistic loss   = cross_entropy(p) under graft(n, parts=[norms, mlp.down], at=p.all, head="always") on m
statistic also   = logit(p) under [graft(n, parts=[attn], at=p.body), scale(head[1, 2] at p.all, 2),
  knockout(from=p.lead, to=p.last, layer=2), graft(n, parts=[mlp], at=p.all)] on m
statistic seen   = norm(s at p.last) under graft(n, parts=[attn, mlp, norms], at=p.body) on m
  for s in [attn[2], mlp_raw[1], q[1, 3], k[2, 1], neurons[3], resid_pre[1], final_norm]
statistic looks  = pattern[3, 1] at p.last under graft(n, parts=[attn.k], at=p.lead) on m
statistic plain  = logit(p) on m
"""
)
EVERYTHING = "parts=[embed, attn, mlp, norms], at=p.bos + p.all"


def two(arch: str, root: Path, **changes) -> None:
    build(arch, root / arch, seed=0, **changes)
    build(arch, root / f"{arch}-donor", seed=1, **changes)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    for arch in ARCHITECTURES:
        two(arch, root)
    return root


def run(text: str, root: Path, **options) -> Run:
    spec = checked(text, root)
    assert not spec.errors, [d.message for d in spec.errors]
    return execute(spec, root=root, options=RunOptions(replicates=20, **options))


def values(found: Run, name: str) -> np.ndarray:
    result = next(r for r in found.results if r.name == name)
    frame = result.items if result.items is not None else result.frame
    return np.array(frame["value" if "value" in frame.columns else "norm"].to_list(), dtype=float)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_one_pass_is_token_by_token(arch: str, models: Path) -> None:
    text = SPEC.format(arch=arch)
    found = run(text, models)
    assert compare_run(interpret(checked(text, models).spec, models), found) == []
    plain = values(found, "plain")
    assert np.abs(values(found, "single").reshape(-1, 3) - plain).max() > 1e-2, "a graft that changes nothing"


@pytest.mark.parametrize("arch", [*ARCHITECTURES, *MORE_ARCHITECTURES])
def test_a_graft_of_everything_is_the_donor_to_the_bit(arch: str, models: Path, tmp_path: Path) -> None:
    root = models if arch in ARCHITECTURES else tmp_path
    if root is tmp_path:
        two(arch, root)
    found = run(HEAD.format(arch=arch) + f"""
statistic donor = logit(p) on n
statistic all   = logit(p) under graft(n, {EVERYTHING}, head="always") on m
statistic other = logit(p) under graft(n, {EVERYTHING}) on m
statistic own   = logit(p) under graft(m, {EVERYTHING}, head="always") on m
statistic plain = logit(p) on m
""", root, passes_off=("resume-late", "reuse-prefix", "pack-batches"))  # fmt: skip
    assert np.array_equal(values(found, "donor"), values(found, "all"))
    assert np.array_equal(values(found, "own"), values(found, "plain"))
    assert not np.allclose(values(found, "other"), values(found, "donor"))


def test_an_empty_graft_changes_no_bit(models: Path) -> None:
    """Neither where it is none, nor in rows beside grafted ones, nor with no token at all."""
    found = run(HEAD.format(arch="llama") + """
statistic plain = logit(p) on m
statistic arms  = logit(p) under arm on m for arm in [none, whole]
intervention whole = graft(n, parts=[mlp], at=p.all)
""", models, passes_off=("resume-late", "reuse-prefix"))  # fmt: skip
    plain, arms = values(found, "plain"), values(found, "arms").reshape(2, -1)
    assert np.array_equal(plain, arms[0]) and np.abs(plain - arms[1]).max() > 1e-2
    model = load(ModelSource("path", str(models / "llama")))
    donor = Donor(model, StoredWeights(models / "llama-donor"))
    none = torch.zeros(0, dtype=torch.long)
    batch = Batch(*pad([[1, 5, 9, 13], [1, 7]]))
    read = (Read("out", SiteRef("logits"), torch.tensor([0, 1]), torch.tensor([3, 1])),)
    clean = Engine(model).run(replace(batch, reads=read))["out"]
    sites = (SiteRef("q", 1), "attn.q"), (SiteRef("logits"), "unembed"), (SiteRef("embed"), "embed")
    edits = tuple(Edit(site, "graft", none, none, part=part, donor=donor) for site, part in sites)
    assert torch.equal(Engine(model).run(replace(batch, reads=read, edits=edits))["out"], clean)


def test_tokens_before_a_graft_keep_every_bit(models: Path) -> None:
    """Caching is monotone: what a graft changes is read by later tokens only."""
    found = run(HEAD.format(arch="qwen3") + """
statistic before = resid_post[layer] at p.lead on m for layer
statistic after  = resid_post[layer] at p.lead under graft(n, parts=[attn, mlp, norms], at=p.body) on m for layer
""", models, passes_off=("resume-late", "reuse-prefix"))  # fmt: skip
    before, after = (r.vectors for r in found.results)
    assert np.array_equal(before, after)


def test_counts_are_those_of_the_plan_and_passes_change_no_number(models: Path) -> None:
    text = SPEC.format(arch="olmo3")
    spec, numbers = checked(text, models), []
    for off in ((), ("resume-late", "reuse-prefix"), ("share-runs", "pack-batches")):
        options = RunOptions(replicates=20, passes_off=off)
        planned, found = plan(spec, root=models, options=options), execute(spec, root=models, options=options)
        counts = found.manifest["counts"]
        assert planned.exact
        assert (counts["forwards"], counts["row_layer_tokens"]) == (planned.forwards, planned.row_layer_tokens)
        numbers.append(np.concatenate([values(found, r.name) for r in found.results]))
    assert "graft(" in planned.text()
    for other in numbers[1:]:
        assert np.nanmax(np.abs(numbers[0] - other)) <= 1e-5 * np.nanmax(np.abs(numbers[0]))


def test_two_donors_in_one_batch(models: Path) -> None:
    """Rows of different donors share passes, and each has its own."""
    build("llama", models / "third", seed=2)
    text = (
        HEAD.format(arch="llama")
        + """
model o = path("third")
statistic both = logit(p) under graft(donor, parts=[mlp, attn.v], at=p.body) on m for donor in [n, o]
statistic two  = logit(p) under [graft(n, parts=[mlp], at=p.body), graft(o, parts=[mlp], at=p.lead)] on m
"""
    )
    found = run(text, models)
    assert compare_run(interpret(checked(text, models).spec, models), found) == []
    both = values(found, "both").reshape(2, -1)
    assert np.abs(both[0] - both[1]).max() > 1e-2


def test_a_donor_loads_the_modules_that_are_used_and_no_other(models: Path) -> None:
    asked = []

    class Watched(StoredWeights):
        def tensor(self, name: str) -> torch.Tensor:
            asked.append(name)
            return super().tensor(name)

    donor = Donor(load(ModelSource("path", str(models / "llama"))), Watched(models / "llama-donor"))
    (module,) = donor.grafted("attn.k", 2)
    assert asked == []
    donor.module(module.path)
    donor.module(module.path)
    assert asked == ["layers.2.self_attn.k_proj.weight"]


@pytest.mark.parametrize(
    ("arch", "changes", "said"),
    [
        ("olmo2", {}, "architecture"),
        ("llama", {"intermediate_size": 40}, "neurons"),
        ("llama", {"num_hidden_layers": 3}, "layers"),
        ("llama", {"rms_norm_eps": 1e-3}, "rms_norm_eps"),
        ("llama", {"vocab_size": 90}, "vocabulary"),
    ],
)
def test_a_donor_that_does_not_fit_is_said_before_any_work(arch, changes, said, models: Path, tmp_path: Path) -> None:
    build("llama", tmp_path / "llama")
    build(arch, tmp_path / "llama-donor", **changes)
    part = "embed" if said == "vocabulary" else "mlp"
    text = HEAD.format(arch="llama") + f"statistic s = logit(p) under graft(n, parts=[{part}], at=p.last) on m\n"
    with pytest.raises(ProbeError) as caught:
        run(text, tmp_path)
    assert caught.value.code == "donor-differs" and said in caught.value.message
    spec = checked(text, tmp_path)
    assert "not counted" in plan(spec, root=tmp_path, options=RunOptions()).stages[0].models[0].why
    if said == "vocabulary":  # only the embedding and the unembedding name tokens
        assert len(run(text.replace("embed", "mlp"), tmp_path).results) == 1


@pytest.mark.parametrize(
    ("arch", "edit", "code"),
    [
        ("llama", "graft(n, parts=[unembed], at=p.last)", "not-a-part"),
        ("llama", "graft(n, parts=[resid_post[1]], at=p.last)", "not-a-part"),
        ("gpt2", "graft(n, parts=[mlp.gate], at=p.last)", "not-a-part"),
        ("llama", "graft(n, parts=[mlp], at=p.last, layers=4)", "layer-out-of-range"),
        ("llama", "[graft(n, parts=[mlp], at=p.last), graft(m, parts=[mlp.up], at=p.all)]", "edits-collide"),
    ],
)
def test_what_cannot_be_grafted_is_said(arch: str, edit: str, code: str, models: Path) -> None:
    with pytest.raises(ProbeError) as caught:
        run(HEAD.format(arch=arch) + f"statistic s = logit(p) under {edit} on m\n", models)
    assert caught.value.code == code


def test_a_graft_of_other_weights_is_another_value(models: Path, tmp_path: Path) -> None:
    """The bytes of a donor are part of the recipe: the store never gives one donor's numbers for another's."""
    two("llama", tmp_path)
    text = HEAD.format(arch="llama") + "statistic s = logit(p) under graft(n, parts=[mlp], at=p.last) on m\n"
    first = run(text, tmp_path, store=tmp_path / "store")
    build("llama", tmp_path / "llama-donor", seed=5)
    second, again = (run(text, tmp_path, store=tmp_path / "store") for _ in range(2))
    assert not np.allclose(values(first, "s"), values(second, "s"))
    assert np.array_equal(values(second, "s"), values(again, "s")) and again.manifest["counts"]["forwards"] == 0


# What grafting the MLPs of each donor brings back: at nothing, at the letter, at the last token, at both.
TRUTH = {
    "enrichment": (0, 10, 0, 10),
    "recall": (0, 0, 10, 10),
    "enrichment-or-recall": (0, 10, 10, 20),
    "enrichment-and-recall": (0, 0, 0, 10),
}


@pytest.mark.parametrize("donor", list(TRUTH))
def test_the_four_truth_tables(donor: str, tmp_path: Path) -> None:
    """Facts planted by hand come back through the stream that holds them, and through no other, for every letter."""
    found = run(f"""probe 1
model none_ = zoo("exact/forgetful")
model donor = zoo("exact/{donor}")
dataset facts = rows(\"\"\"letter,answer
a,e
b,f
e,a
h,d\"\"\")
prompts ask from facts {{ subject: "{{letter}}" tail: " plus" answer: " {{answer}}" }}
statistic whole = logit(ask) on donor
statistic table = logit(ask) under graft(donor, parts=[mlp], at=span) on none_
  for span in [ask.bos, ask.subject, ask.last, ask.subject + ask.last]
statistic first = logit(ask) under graft(donor, parts=[mlp], at=ask.all, layers=1) on none_
statistic inner = logit(ask) under graft(donor, parts=[attn, norms, embed], at=ask.bos + ask.all, head="always")
  on none_
""", tmp_path)  # fmt: skip
    wanted = np.repeat(np.array(TRUTH[donor], dtype=float), 4)
    assert np.abs(values(found, "table") - wanted).max() < 1e-4
    assert np.abs(values(found, "whole") - TRUTH[donor][3]).max() < 1e-4
    alone = 10 if donor in ("enrichment", "enrichment-or-recall") else 0
    assert np.abs(values(found, "first") - alone).max() < 1e-4
    assert np.abs(values(found, "inner")).max() < 1e-4


def test_a_list_of_layers_may_be_swept(models: Path) -> None:
    text = (
        HEAD.format(arch="llama")
        + """
statistic one   = logit(p) under graft(n, parts=[mlp], at=p.body, layers=[layer]) on m for layer
statistic plain = logit(p) under graft(n, parts=[mlp], at=p.body, layers=layer) on m for layer
statistic two   = logit(p) under graft(n, parts=[mlp], at=p.body, layers=[layer, layer + 1]) on m for layer in [0, 2]
statistic cut   = logit(p) under knockout(from=p.lead, to=p.last, layer=[layer, 3]) on m for layer in [0, 3]
"""
    )
    found = run(text, models)
    assert compare_run(interpret(checked(text, models).spec, models), found) == []
    assert np.array_equal(values(found, "one"), values(found, "plain"))
    assert not np.array_equal(values(found, "two")[:1], values(found, "one")[:1])
