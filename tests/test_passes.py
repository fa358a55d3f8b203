# ruff: noqa: E501
"""Passes of the planner: the same numbers with and without each, and counters that fall by what the plan predicted.

A call of a block is said to cost nothing here, so that rows start late wherever that saves a token.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.compiler.cost import CostModel
from probelang.compiler.counting import cost
from probelang.compiler.passes import PASSES, optimise
from probelang.compiler.passes.ancestry import CLEAN, ancestry
from probelang.compiler.physical import EditGroup, PhysicalStage, Request, Rows, Starts
from probelang.compiler.verify import IllegalStage, verify
from probelang.runtime.carry import Carry
from probelang.runtime.engine import Engine
from probelang.runtime.engine.split import halves
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from tests.helpers_models import ARCHITECTURES
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

SPEC = '''probe 1
model m = path("{arch}")
dataset d = rows("""q,a,b
big hot cold,small,good
dark in the light is red,bad,Rome""")
prompts short {{ text: "the red cat" }}
contrast c from d {{
  positive: {{ lead: "the word said" body: " {{q}} is" answer: " {{a}}" wrong: " {{b}}" }}
  negative: {{ lead: "an answer said" body: " {{q}} is" answer: " {{a}}" wrong: " {{b}}" }}
}}
statistic denoise = shift(logit_diff(c) under patch(resid_pre[layer] at token, from=c.positive)) for layer in [0, 2, 3], token in c.tokens
statistic by_head = logit_diff(c) under patch(head[layer, h] at c.last, from=c.positive) for layer in [1, 3], h in 0..1
statistic pairs   = logit(c) under patch(resid_post[set] at c.body.first, from=c.positive) for set in choose(all_layers, 1..2)
statistic middle  = logit(c) under [scale(resid_mid[layer] at c.body.last, 2), ablate(attn[layer] at c.body.last)] for layer in [1, 3]
statistic written = log_prob(lens(resid_post[3] at c.last), " small") under scale(k[layer, 1] at c.body.first, 3) for layer
statistic stopped = norm(resid_post[1] at short.last)
'''
ALL_KINDS = """statistic both   = choice(c, [" small", " good"], [" bad"])
statistic chance = prob(c)
statistic place  = rank(c)
statistic lensed = logit(lens(resid_post[layer] at c.last), " small") for layer in 0..3
"""
NEOX = SPEC.replace("scale(resid_mid[layer]", "scale(mlp[layer]")
NAMES = [name for name, _ in PASSES]


FREE = CostModel(call=0.0, join=0.0)
Options = partial(RunOptions, replicates=5, prices=FREE)


def spec_of(arch: str, models: Path):
    spec = checked((NEOX if arch == "gpt_neox" else SPEC).format(arch=arch), models)
    assert not spec.errors, [d.message for d in spec.errors]
    return spec


def values(run) -> list[np.ndarray]:
    return [r.items["value"].to_numpy().astype(float) for r in run.results if r.items is not None]


def counts(planned) -> dict:
    return {name: getattr(planned, name) for name in ("forwards", "row_layer_tokens", "unembeddings", "loads")}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_late_starts_change_no_number(arch: str, models: Path) -> None:
    """The interpreter's numbers, and within 1e-6 of the largest one those of rows that all run from the beginning."""
    spec, late = spec_of(arch, models), ("resume-late", "reuse-prefix")
    runs = {off: execute(spec, root=models, options=Options(passes_off=off)) for off in [(), late, late[:1]]}
    assert compare_run(interpret(spec.spec, models), runs[()]) == []
    used = [run.manifest["counts"]["row_layer_tokens"] for run in runs.values()]
    assert used[0] < used[2] < used[1] and used[0] < 0.7 * used[1]
    for off in ((), late[:1]):
        for a, b in zip(values(runs[off]), values(runs[late]), strict=True):
            assert np.nanmax(np.abs(a - b)) <= 2e-6 * max(1.0, np.nanmax(np.abs(b)))


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("pack-batches", "read-unedited")])
def test_each_pass_lowers_the_counter_by_what_was_predicted(name: str, models: Path) -> None:
    spec = spec_of("olmo2", models)
    seen = []
    for off in ((), (name,)):
        options = Options(passes_off=off)
        planned = plan(spec, root=models, options=options)
        assert planned.exact
        assert (f"{name}:" in planned.text()) == (not off)
        seen.append((execute(spec, root=models, options=options).manifest["counts"], counts(planned)))
    assert all(done == promised for done, promised in seen)
    counter = "unembeddings" if name == "narrow-logits" else "row_layer_tokens"
    assert seen[0][0][counter] < seen[1][0][counter]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_logits_of_answers_alone_are_the_models_own(arch: str, models: Path) -> None:
    """Also where the model caps them, and where several measures share the logits of all tokens."""
    text = SPEC.format(arch=arch).split("statistic denoise")[0]
    spec = checked(text + ALL_KINDS, models)
    runs = [execute(spec, root=models, options=Options(passes_off=off)) for off in ((), ("narrow-logits",))]
    assert compare_run(interpret(spec.spec, models), runs[0]) == []
    assert [run.manifest["counts"]["unembeddings"] for run in runs] == [4, 4 + 4 * 4]
    for a, b in zip(*map(values, runs), strict=True):
        assert np.nanmax(np.abs(a - b)) <= 1e-6 * max(1.0, np.nanmax(np.abs(b)))


def test_without_batches_rows_still_start_late(models: Path) -> None:
    spec = spec_of("gpt2", models)
    options = [Options(passes_off=off) for off in ((), ("pack-batches",))]
    whole, single = (execute(spec, root=models, options=o) for o in options)
    assert single.manifest["counts"]["forwards"] > 2 * whole.manifest["counts"]["forwards"]
    for a, b in zip(values(whole), values(single), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_small_batches_and_halved_ones(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_of("gemma2", models)
    whole = execute(spec, root=models, options=Options())
    options = Options(batch_tokens=30)
    planned = plan(spec, root=models, options=options)
    small = execute(spec, root=models, options=options)
    assert small.manifest["counts"] == counts(planned)
    monkeypatch.setattr(Engine, "run_split", lambda self, b: halves(b, self.run) if b.shape[0] > 1 else self.run(b))
    halved = execute(spec, root=models, options=Options())
    for a, b, c in zip(*map(values, (whole, small, halved)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(a, c, rtol=1e-5, atol=1e-5)


def test_groups_bound_what_is_held(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A smaller bound holds less at a time and changes no number; a prompt beyond the bound runs from the beginning."""
    spec, most = spec_of("olmo3", models), []
    take = Carry.take

    def watched(self, index, found):
        take(self, index, found)
        most.append(sum(v.numel() for v in self.held.values()))

    monkeypatch.setattr(Carry, "take", watched)
    sources = import_module("probelang.compiler.passes.sources")
    peaks, runs = [], []
    for held in (2**28, 6_000, 100):
        monkeypatch.setattr(sources, "HELD", held)
        runs.append(execute(spec, root=models, options=Options()))
        peaks.append(max(most))
        assert most[-1] == 0
        most.clear()
    assert 4 * peaks[0] > 5 * peaks[1] > 0 == peaks[2]
    for a, b, c in zip(*map(values, runs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(a, c, rtol=1e-5, atol=1e-5)


def stage_of(sets: list[tuple[int, ...]], tokens: int = 10, at: int = 4, prices: CostModel = FREE) -> PhysicalStage:
    """One prompt in a model of eight blocks, one row for each set of blocks whose output is edited at one token."""
    edits = [
        EditGroup(("resid_post", layer, None), "set", 0, rows, at + 0 * rows, "v", 0 * rows, None)
        for layer in range(8)
        if len(rows := np.array([i for i, s in enumerate(sets) if layer in s], int))
    ]
    n = len(sets)
    every = Request(0, ("logits", None, None), np.arange(n), np.full(n, tokens - 1), np.arange(n))
    rows = Rows(np.zeros(n, int), (tuple(range(tokens)),))
    return PhysicalStage(0, None, 8, (), rows, (every,), tuple(edits), width=4, kv_width=4, prices=prices)


def test_a_row_starts_from_the_longest_beginning_of_its_own() -> None:
    found = ancestry(stage_of([(), (1,), (1, 3), (3,), (1, 3, 6), (2, 6)]))
    assert found.source.tolist() == [-1, CLEAN, 1, CLEAN, 2, CLEAN]
    assert found.layer.tolist() == [0, 2, 4, 4, 7, 3]
    assert found.position.tolist() == [0, 4, 4, 4, 4, 4]


def test_edits_behind_the_last_block_start_there() -> None:
    stage = stage_of([(), (7,), (2,)])
    after = EditGroup(
        ("final_norm", None, None), "scale", 0, np.array([0]), np.array([9]), None, np.zeros(1, int), np.ones(1)
    )
    found = ancestry(stage.with_(edits=(*stage.edits, after)))
    assert found.layer.tolist() == [8, 8, 3]


def test_counts_of_a_grid_by_hand() -> None:
    """Single blocks l start at l + 1 and pairs (i, j) at j + 1; six tokens of ten are run."""
    singles = [(i,) for i in range(8)]
    pairs = [(i, j) for i in range(8) for j in range(i + 1, 8)]
    sets = (*singles, *pairs)
    stage = optimise(stage_of([(), *sets]), frozenset({"measure-late"}))
    assert cost(stage).row_layer_tokens == 10 * 8 + sum(6 * (8 - s[-1] - 1) for s in sets)
    late = optimise(stage_of([(), *sets]))
    assert cost(late).row_layer_tokens == 10 * 7 + 1 + sum(6 * (7 - s[-1] - 1) + 1 for s in sets if s[-1] < 7)
    naive = optimise(stage_of([(), *singles, *pairs]), frozenset(NAMES))
    assert cost(naive).row_layer_tokens == 37 * 10 * 8


def test_an_unedited_run_is_added_only_where_it_pays() -> None:
    alone = optimise(stage_of([(3,)]))
    assert len(alone.rows) == 1 and alone.begins is None
    several = optimise(stage_of([(3,), (4,), (5,)]))
    assert len(several.rows) == 4 and (several.starts.source[:3] == 3).all()


def test_calls_that_cost_much_keep_rows_together() -> None:
    assert len(optimise(stage_of([(), (1,), (2,), (3,)], prices=CostModel(call=10_000))).batches) == 1


@pytest.mark.parametrize(
    "change",
    [
        dict(source=[-1, 0, 0], layer=[0, 5, 3], position=[0, 0, 0]),
        dict(source=[-1, 0, 0], layer=[0, 2, 3], position=[0, 5, 0]),
        dict(source=[-1, -1, 0], layer=[0, 2, 3], position=[0, 0, 0]),
        dict(source=[-1, 2, 0], layer=[0, 2, 3], position=[0, 0, 0]),
        dict(source=[2, 0, -1], layer=[0, 2, 0], position=[0, 0, 0], batches=[[0], [1], [2]]),
        dict(source=[-1, -1, 0], layer=[0, 0, 2], position=[0, 0, 0], batches=[[2], [0], [1]]),
    ],
)
def test_illegal_starts_are_caught(change: dict) -> None:
    stage = stage_of([(), (1,), (2,)]).with_(stops=True)
    batches = tuple(np.array(b) for b in change.pop("batches", [[0], [1], [2]]))
    starts = replace(Starts.none(3), **{k: np.array(v) for k, v in change.items()})
    with pytest.raises(IllegalStage):
        verify(stage.with_(begins=starts, batches=batches))


def test_a_row_that_ends_before_the_first_block_keeps_to_its_own_batch() -> None:
    stage = stage_of([(), (1,), (2,)])
    embed = replace(stage.requests[0], site=("embed", None, None), rows=np.zeros(3, int))
    rest = replace(stage.requests[0], rows=np.array([1, 1, 2]))
    stage = stage.with_(requests=(embed, rest), stops=True)
    assert [b.tolist() for b in optimise(stage, frozenset(NAMES) - {"pack-batches"}).batches] == [[1, 2], [0]]
    with pytest.raises(IllegalStage):
        verify(stage.with_(batches=(np.arange(3),)))
