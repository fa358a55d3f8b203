"""FLOPs and bytes of plans against what torch counts, and the words for them."""

from __future__ import annotations

import weakref
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from probelang.compiler.sizes import amount
from probelang.runtime.engine import Batch, Engine, Read, pad
from probelang.runtime.execute import run_stage
from probelang.runtime.models import ModelSource, load
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from probelang.runtime.pool import ModelPool
from probelang.runtime.prepared import prepare
from probelang.runtime.sites import SiteRef
from tests.helpers_models import ARCHITECTURES, MORE_ARCHITECTURES, build
from tests.reference.checked import checked

torch.set_num_threads(1)

SPEC = '''probe 1
model m = path("{arch}")
dataset d = rows("""q,a,b
big hot cold,small,good
dark in the light is red,bad,Rome""")
contrast c from d {{
  positive: {{ lead: "the word said" body: " {{q}} is" answer: " {{a}}" wrong: " {{b}}" }}
  negative: {{ lead: "an answer said" body: " {{q}} is" answer: " {{a}}" wrong: " {{b}}" }}
}}
statistic denoise = logit_diff(c) under patch(resid_pre[layer] at token, from=c.positive) for layer in [0, 2, 3], token in c.tokens
statistic lens    = log_prob(lens(resid_post[layer] at c.last), " small") for layer in [1, 3]
statistic pairs   = logit(c) under patch(resid_post[set] at c.body.first, from=c.positive) for set in choose(all_layers, 1..2)
'''  # noqa: E501


def batch(tokens: int, rows: int, site: SiteRef, vocabulary: int) -> Batch:
    ids = torch.randint(3, vocabulary, (rows, tokens), generator=torch.Generator().manual_seed(0))
    index = torch.arange(rows)
    return Batch(*pad(ids.tolist()), (), (Read("out", site, index, torch.full((rows,), tokens - 1)),))


def counted(work) -> int:
    with FlopCounterMode(display=False) as mode, torch.no_grad():
        work()
    return mode.get_total_flops()


@pytest.mark.parametrize("arch", ARCHITECTURES + MORE_ARCHITECTURES)
def test_flops_are_those_that_torch_counts(arch: str, tmp_path: Path) -> None:
    model = load(ModelSource("path", str(build(arch, tmp_path))), attention="eager")
    engine, shape = Engine(model), model.facts.shape()
    blocks = counted(lambda: engine.run(batch(7, 3, SiteRef("resid_post", 1), model.vocab)))
    assert blocks == 2 * shape.block_flops(3, 7, 7)
    whole = counted(lambda: engine.run(batch(5, 2, SiteRef("logits"), model.vocab)))
    assert whole == 4 * shape.block_flops(2, 5, 5) + 2 * shape.head_flops
    small = sum(p.numel() for p in model.hf.parameters() if p.ndim < 2)
    learned = 64 * 32 if arch == "gpt2" else 0  # positions
    assert shape.weights == sum(p.numel() for p in model.hf.parameters()) - small - learned


@pytest.mark.parametrize("off", [(), ("resume-late", "share-runs"), ("reuse-prefix", "stop-early")])
def test_a_plan_has_the_flops_of_its_run(off: tuple[str, ...], tmp_path: Path) -> None:
    build("qwen3", tmp_path / "qwen3")
    spec = checked(SPEC.format(arch="qwen3"), tmp_path)
    assert not spec.errors, [d.message for d in spec.errors]
    options = RunOptions(passes_off=off, attention="eager")
    planned = plan(spec, root=tmp_path, options=options)
    assert planned.exact
    prepared = prepare(spec, tmp_path, options)
    pool = ModelPool(prepared.bindings, options)
    pool.check = lambda model, prompts: None  # its forwards are no part of a plan

    def run() -> None:
        for stage in prepared.stages:
            run_stage(prepared, stage, pool, None)

    assert counted(run) == planned.flops


class Allocated(TorchDispatchMode):
    """The most bytes of storages that are alive at a time, of those made while it is on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.seen: set[int] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for value in found if isinstance(found, (tuple, list)) else (found,):
            if isinstance(value, torch.Tensor):
                self.note(value.untyped_storage())
        return found

    def note(self, storage) -> None:
        place = storage._cdata
        if place in self.seen:
            return
        self.seen.add(place)
        size = storage.nbytes()
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self.gone, place, size)

    def gone(self, place: int, size: int) -> None:
        self.seen.discard(place)
        self.now -= size


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_bytes_of_a_block_are_near_those_that_are_allocated(arch: str, attention: str, tmp_path: Path) -> None:
    model = load(ModelSource("path", str(build(arch, tmp_path))), attention=attention)
    rows, tokens = 16, 40
    ids = batch(tokens, rows, SiteRef("logits"), model.vocab).ids
    with Allocated() as mode, torch.no_grad():
        getattr(model.hf, model.hf.base_model_prefix)(input_ids=ids, use_cache=False)
    shape = model.facts.shape(attention=model.attention)
    ratio = rows * tokens * shape.block_bytes(tokens) / mode.most
    assert 0.7 < ratio < 2.0


def test_amounts_have_three_digits() -> None:
    found = [amount(n, "B") for n in (0, 7, 999, 1000, 1049, 12_345, 999_600, 1_500_000, 123_456_789, 4.2e12)]
    assert found == ["0 B", "7 B", "999 B", "1.00 kB", "1.05 kB", "12.3 kB", "1.00 MB", "1.50 MB", "123 MB", "4.20 TB"]
