# ruff: noqa: E501
"""Reads that no edit precedes are those of unedited rows: the interpreter's numbers, with fewer rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.compiler.passes.read_unedited import read_unedited
from probelang.compiler.physical import EditGroup, PhysicalStage, Request, Rows
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

SPEC = '''probe 1
model m = path("{arch}")
dataset d = rows("""q,a
big hot cold,small
dark in the light,bad
big,good""")
prompts p from d {{ lead: "the word said" body: " {{q}} is" answer: " {{a}}" }}
intervention louder(k) = scale(mlp[k] at p.body.first, 3)
statistic deep   = norm(resid_post[layer] at p.last) under louder(k) for layer, k in [0, 2, 3]
statistic inside = norm(attn[layer] at p.body.first) under scale(mlp[layer] at p.body.first, 2) for layer
statistic before = norm(resid_mid[layer] at p.lead.last) under louder(k) for layer, k in [1, 3]
statistic early  = log_prob(lens(resid_post[layer] at p.last), " small") under louder(2) for layer
statistic own    = logit(p) under louder(k) for k in [1, 2]
'''


@pytest.mark.parametrize("arch", ["olmo2", "gpt2"])
def test_the_numbers_are_the_interpreters(arch: str, tmp_path: Path) -> None:
    build(arch, tmp_path / arch)
    spec = checked(SPEC.format(arch=arch), tmp_path)
    assert not spec.errors, [d.message for d in spec.errors]
    runs = []
    for off in ((), ("read-unedited",)):
        options = RunOptions(replicates=5, passes_off=off)
        planned = plan(spec, root=tmp_path, options=options)
        assert ("read-unedited:" in planned.text()) == (not off)
        runs.append(execute(spec, root=tmp_path, options=options))
        done = runs[-1].manifest["counts"]
        assert (done["forwards"], done["row_layer_tokens"]) == (planned.forwards, planned.row_layer_tokens)
    wanted = interpret(spec.spec, tmp_path)
    assert compare_run(wanted, runs[0]) == [] == compare_run(wanted, runs[1])
    used = [run.manifest["counts"]["row_layer_tokens"] for run in runs]
    assert used[0] < 0.9 * used[1]


def stage_of(reads: list[tuple[int, int, int]], edited: list[tuple[int, int, int]], rows: int) -> PhysicalStage:
    """Rows of one prompt; reads and edits (row, block, position) are at the outputs of blocks."""

    def arrays(*numbers: int) -> list[np.ndarray]:
        return [np.array([n]) for n in numbers]

    groups = tuple(
        EditGroup(("resid_post", b, None), "scale", 0, *arrays(r, p), None, np.zeros(1, int), None)
        for r, b, p in edited
    )
    requests = tuple(
        Request(0, ("resid_post", b, None), *arrays(r, p), np.array([i])) for i, (r, b, p) in enumerate(reads)
    )
    return PhysicalStage(0, None, 8, (), Rows(np.zeros(rows, int), (tuple(range(10)),)), requests, groups, stops=True)


def test_what_an_edit_precedes_stays() -> None:
    edits = [(0, 3, 5), (1, 3, 5)]
    reads = [(0, 2, 9), (0, 3, 4), (0, 3, 5), (1, 2, 5), (1, 7, 4), (1, 4, 6)]
    found = read_unedited(stage_of(reads, edits, 2))
    assert [int(r.rows[0]) for r in found.requests] == [2, 2, 0, 2, 2, 1]
    assert len(found.rows) == 3


def test_rows_of_which_nothing_is_asked_are_gone() -> None:
    found = read_unedited(stage_of([(0, 2, 9), (1, 1, 9), (1, 6, 9)], [(0, 3, 5), (1, 2, 5)], 2))
    assert len(found.rows) == 2 and [g.rows.tolist() for g in found.edits] == [[0]]
    assert [r.rows.tolist() for r in found.requests] == [[1], [1], [0]]


def test_one_row_is_not_made_two() -> None:
    alone = stage_of([(0, 2, 9), (0, 6, 9)], [(0, 3, 5)], 1)
    assert read_unedited(alone) is alone
    shallow = stage_of([(0, 2, 9), (0, 6, 9), (1, 0, 3)], [(0, 3, 5)], 2)
    assert read_unedited(shallow) is shallow
    deep = read_unedited(stage_of([(0, 2, 9), (0, 6, 9), (1, 2, 3)], [(0, 3, 5)], 2))
    assert [int(r.rows[0]) for r in deep.requests] == [1, 0, 1]
