# ruff: noqa: E501
"""The last block runs for measured tokens alone where that is all that is asked of it, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.compiler.cost import CostModel
from probelang.compiler.counting import cost
from probelang.compiler.passes import PASSES, optimise
from probelang.compiler.physical import EditGroup, PhysicalStage, Request, Rows, Starts
from probelang.compiler.tails import places_of, tail_widths
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

FREE = CostModel(call=0.0, join=0.0)
SPEC = '''probe 1
model m = path("{arch}")
model other = path("{arch}-2")
dataset d = rows("""q,a
hot cold in the light,small
dark,bad
red dog is,good""")
contrast c from d {{
  positive: {{ lead: "the word said" body: " {{q}} is" answer: " {{a}}" }}
  negative: {{ lead: "an answer" body: " {{q}} is" answer: " {{a}}" }}
}}
statistic plain   = logit(c) on m
statistic every   = norm(resid_post[3] at c.all.mean) on m
statistic behind  = logit(c) on m under scale(resid_post[3] at c.last, k) for k in [1, 3]
statistic within  = logit(c) on m under scale(s at token, 2) for s in [attn[3], mlp[3], head[3, 1]], token in [c.last, c.body.first]
statistic looking = logit(c) on m under scale(s at c.body.first, 2) for s in [q[3, 0], k[3, 0], v[3, 0], resid_pre[3]]
statistic blind   = logit(c) on m under knockout(from=c.lead, to=c.last, layer=3)
statistic foreign = logit(c) on m under graft(other, parts=[mlp, norms], at=c.last)
statistic pattern = norm(head[3, 0] at c.last) on m under scale(attn[2] at c.body.first, 2)
'''


SLOW = [pytest.param(arch, marks=pytest.mark.slow) for arch in ("olmo2", "gpt2", "llama", "qwen3")]


@pytest.mark.parametrize("arch", ["gemma2", "gpt_neox", *SLOW])
def test_the_numbers_are_the_interpreters(arch: str, tmp_path: Path) -> None:
    build(arch, tmp_path / arch)
    build(arch, tmp_path / f"{arch}-2", seed=3)
    spec = checked(SPEC.format(arch=arch), tmp_path)
    assert not spec.errors, [d.message for d in spec.errors]
    wanted, used = interpret(spec.spec, tmp_path), []
    for off, prices in (((), FREE), ((), None), (("measure-late",), FREE)):
        options = RunOptions(replicates=1, passes_off=off, prices=prices)
        planned = plan(spec, root=tmp_path, options=options)
        run = execute(spec, root=tmp_path, options=options)
        done = run.manifest["counts"]
        assert (done["forwards"], done["row_layer_tokens"]) == (planned.forwards, planned.row_layer_tokens)
        assert compare_run(wanted, run) == []
        used.append(done["row_layer_tokens"])
    assert used[0] < used[2]


def stage_of(requests: list[tuple], edits: list[tuple] = (), rows: int = 3) -> PhysicalStage:
    """Rows of one prompt of ten tokens, in a model of eight blocks; parts are (site, layer, row, position)."""

    def arrays(*numbers: int) -> list[np.ndarray]:
        return [np.array([n]) for n in numbers]

    asked = [Request(0, (s, b, None), *arrays(r, p), np.array([i])) for i, (s, b, r, p) in enumerate(requests)]
    groups = [EditGroup((s, b, None), "scale", 0, *arrays(r, p), None, np.zeros(1, int), None) for s, b, r, p in edits]
    held = Rows(np.zeros(rows, int), (tuple(range(10)),))
    return PhysicalStage(
        0, None, 8, (), held, tuple(asked), tuple(groups), stops=True, width=4, kv_width=4, prices=FREE
    )


def test_places_are_those_of_the_last_block_and_behind_it() -> None:
    stage = stage_of([("logits", None, 0, 9), ("resid_post", 7, 0, 3), ("resid_pre", 7, 0, 2), ("attn", 7, 0, 3),
                      ("resid_post", 4, 1, 8), ("resid_post", 2, 1, 1), ("resid_pre", 3, 2, 6)])  # fmt: skip
    found = places_of(stage)
    assert [(int(r), int(p)) for r, p in zip(found.row, found.position, strict=True)] == [
        (0, 3),
        (0, 9),
        (1, 8),
        (2, 6),
    ]
    assert found.table(np.array([1, 0]), 2, np.array([10, 10])).tolist() == [[8, 8], [3, 9]]


@pytest.mark.parametrize(
    ("site", "layer", "able"),
    [("k", 7, False), ("pattern", 7, False), ("k", 6, True), ("attn", 7, True), ("resid_pre", 7, True)],
)
def test_edits_and_reads_of_attention_keep_the_block_whole(site: str, layer: int, able: bool) -> None:
    logits = [("logits", None, row, 9) for row in range(3)]
    assert places_of(stage_of(logits, [(site, layer, 1, 4)])).able.tolist() == [True, able, True]
    assert places_of(stage_of([*logits, (site, layer, 1, 4)])).able.tolist() == [True, able, True]


def test_what_rows_take_of_a_row_at_its_end_is_theirs_to_name() -> None:
    stage = stage_of([("resid_post", 4, 0, 2), ("logits", None, 1, 9), ("resid_post", 4, 2, 7)])
    starts = Starts(np.array([-1, 0, 0]), np.array([0, 5, 5]), np.zeros(3, int), np.zeros(3, int))
    found = places_of(stage.with_(begins=starts))
    assert found.able.tolist() == [False, True, True], "row 1 goes on, and needs all tokens of row 0"
    assert found.position[found.row == 0].tolist() == [2, 7]


def test_rows_that_need_few_tokens_keep_together() -> None:
    """Rows 1 and 2 are read at every token, rows 0 and 3 at the last one."""
    stage = stage_of(
        [("logits", None, 0, 9), ("logits", None, 3, 9), *[("resid_post", 7, r, p) for r in (1, 2) for p in range(10)]],
        rows=4,
    )
    late = optimise(stage, frozenset(n for n, _ in PASSES) - {"pack-batches", "measure-late"})
    assert sorted(map(sorted, map(np.ndarray.tolist, late.batches))) == [[0, 3], [1, 2]]
    assert sorted(tail_widths(late).tolist()) == [0, 1]
    assert cost(late).row_layer_tokens == 2 * 80 + 2 * 71
    dear = optimise(stage.with_(prices=CostModel(call=100.0)), frozenset({"share-runs"}))
    assert len(dear.batches) == 1 and not dear.tails


def test_blocks_whose_weights_come_and_go_run_whole() -> None:
    stage = stage_of([("logits", None, row, 9) for row in range(3)])
    assert cost(optimise(stage, frozenset({"share-runs"}))).row_layer_tokens == 3 * 71
    assert cost(optimise(stage.with_(divisible=False), frozenset({"share-runs"}))).row_layer_tokens == 3 * 80
