# ruff: noqa: E501
"""Prompts that begin with the same tokens: these run once, and the numbers are the interpreter's."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.compiler.cost import CostModel
from probelang.compiler.counting import cost
from probelang.compiler.passes import PASSES, optimise
from probelang.compiler.passes.share_prefixes import share_prefixes
from probelang.compiler.physical import EditGroup, PhysicalStage, Request, Rows, Starts
from probelang.compiler.verify import IllegalStage, verify
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from tests.helpers_models import ARCHITECTURES, build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

# Eight tokens that all prompts begin with, one more that those of a side have; windows are of four.
SPEC = '''probe 1
model m = path("{arch}")
dataset d = rows("""q,a
hot cold,small
in the light is,bad
red,good
red dog,good
down,Rome""")
prompts one {{ text: "the red cat" }}
contrast c from d {{
  positive: {{ lead: "an answer : big small , up" body: " yes {{q}} is" answer: " {{a}}" }}
  negative: {{ lead: "an answer : big small , up" body: " no {{q}} is" answer: " {{a}}" }}
}}
statistic denoise = logit(c) under patch(resid_pre[layer] at token, from=c.positive) for layer in [0, 2], token in c.body.tokens
statistic louder  = logit(c) under scale(mlp[1] at c.last, 3)
statistic early   = logit(c) under scale(mlp[0] at c.lead.last, 3)
statistic inside  = norm(resid_post[layer] at c.lead) for layer in [1, 3]
statistic seen    = pattern[1, 2] at c.lead.last
statistic lensed  = log_prob(lens(resid_post[2] at c.lead.last), " small") under scale(attn[1] at c.last, 2)
statistic loss    = cross_entropy(c)
statistic alone   = norm(resid_post[3] at one.last)
'''
FREE = CostModel(call=0.0, join=0.0)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_numbers_are_the_interpreters(arch: str, tmp_path: Path) -> None:
    build(arch, tmp_path / arch)
    spec = checked(SPEC.format(arch=arch), tmp_path)
    assert not spec.errors, [d.message for d in spec.errors]
    used = []
    for off in ((), ("share-prefixes",)):
        options = RunOptions(replicates=5, passes_off=off, prices=FREE)
        planned = plan(spec, root=tmp_path, options=options)
        assert ("share-prefixes:" in planned.text()) == (not off)
        run = execute(spec, root=tmp_path, options=options)
        done = run.manifest["counts"]
        assert (done["forwards"], done["row_layer_tokens"]) == (planned.forwards, planned.row_layer_tokens)
        assert compare_run(interpret(spec.spec, tmp_path), run) == []
        used.append(done["row_layer_tokens"])
    assert used[0] < 0.9 * used[1]


def stage_of(
    prompts: list[tuple[int, ...]],
    edits: list[tuple[int, int, int]] = (),
    rows: list[int] | None = None,
    reads: list[tuple[int, int]] = (),
) -> PhysicalStage:
    """A model of eight blocks, a row for each of `rows` (every prompt), of which the logits at its end are asked.

    `edits` are (row, block, position), `reads` of a block's output at (row, position).
    """

    def arrays(*numbers: int) -> list[np.ndarray]:
        return [np.array([n]) for n in numbers]

    prompt = np.array(range(len(prompts)) if rows is None else rows)
    held = Rows(prompt, tuple(prompts))
    n = np.arange(len(prompt))
    requests = [Request(0, ("logits", None, None), n, held.lengths - 1, n)]
    requests += [Request(1, ("resid_post", 3, None), *arrays(r, p), np.array([i])) for i, (r, p) in enumerate(reads)]
    groups = [
        EditGroup(("resid_post", b, None), "scale", 0, *arrays(r, p), None, np.zeros(1, int), None) for r, b, p in edits
    ]
    return PhysicalStage(0, None, 8, (), held, tuple(requests), tuple(groups), width=4, kv_width=4, prices=FREE)


LEAD = (1, 2, 3, 4, 5, 6)


def prompts_of(*tails: str, lead: tuple[int, ...] = LEAD) -> list[tuple[int, ...]]:
    return [lead + tuple(ord(c) for c in tail) for tail in tails]


def test_counts_by_hand() -> None:
    """Three prompts of ten tokens, six of them alike: these run once, and four of each prompt."""
    stage = stage_of(prompts_of("abcd", "bcde", "cdef"))
    assert cost(optimise(stage, frozenset({"measure-late"}))).row_layer_tokens == 8 * (6 + 3 * 4)
    assert cost(optimise(stage)).row_layer_tokens == 7 * (6 + 3 * 4) + 1 + 3
    assert cost(optimise(stage, frozenset({"share-prefixes"}))).row_layer_tokens == 7 * 3 * 10 + 3
    every = frozenset(n for n, _ in PASSES) - {"share-prefixes"}
    assert cost(optimise(stage, every)).row_layer_tokens == 8 * (6 + 3 * 4)


def test_groups_save_most_tokens() -> None:
    """A longer beginning of some prompts is taken only where it saves more than the shorter one of all."""

    def starts(prompts: list[tuple[int, ...]]) -> list[int]:
        return share_prefixes(stage_of(prompts)).starts.position[: len(prompts)].tolist()

    assert starts(prompts_of("aaab", "aaac", "xb", "xc")) == [6, 6, 6, 6]
    assert starts(prompts_of("aaaaaaaaab", "aaaaaaaaac", "x", lead=(1, 2))) == [11, 11, 0]
    assert starts([*prompts_of("ab", "ac", "ad"), *prompts_of("ab", "ac", "ad", lead=(1, 9, 9, 9))]) == [
        7,
        7,
        7,
        5,
        5,
        5,
    ]
    assert starts(prompts_of("ab", "ab")[:1] + [(9, 8, 7)]) == [0, 0]
    assert starts([(1, *range(20, 40)), (1, *range(50, 70))]) == [0, 0], "a beginning too short to be fetched"


def test_a_row_starts_before_its_first_edit_and_before_what_rows_take_of_it() -> None:
    found = share_prefixes(stage_of(prompts_of("abcd", "bcde"), [(2, 3, 4), (1, 3, 8)], rows=[0, 1, 0]))
    assert found.starts.position.tolist() == [6, 6, 4, 0] and found.starts.source.tolist() == [3, 3, 3, -1]
    stage = stage_of(prompts_of("abcd", "bcde"), [(2, 3, 5), (3, 4, 9)], rows=[0, 1, 0, 1])
    begins = Starts(np.array([-1, -1, 0, 1]), np.array([0, 0, 4, 5]), np.array([0, 0, 5, 9]), np.ones(4, int))
    found = verify(share_prefixes(verify(stage.with_(begins=begins))))
    assert found.starts.position.tolist() == [5, 5, 5, 9, 0] and found.starts.source.tolist() == [4, 4, 0, 1, -1]


def test_reads_in_the_beginning_are_of_its_own_row() -> None:
    found = share_prefixes(stage_of(prompts_of("abcd", "bcde"), reads=[(0, 5), (1, 6), (1, 2)]))
    assert [r.rows.tolist() for r in found.requests] == [[0, 1], [2], [1], [2]]


def test_a_prompt_that_is_the_beginning_is_the_source() -> None:
    found = share_prefixes(stage_of([*prompts_of("abcd", "bcde"), LEAD]))
    assert found.starts.source.tolist() == [2, 2, -1] and len(found.rows) == 3
    edited = share_prefixes(stage_of([*prompts_of("abcd", "bcde"), LEAD], [(2, 1, 1)]))
    assert edited.starts.source[:2].tolist() == [3, 3]


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_of([*prompts_of("ab", "ac", "ad"), *prompts_of("ab", "ac", lead=(1, 9, 9, 9))])
    monkeypatch.setattr(import_module("probelang.compiler.passes.sources"), "HELD", 2 * 4 * 8 * 7)
    assert share_prefixes(stage).starts.position.tolist() == [7, 7, 7, 0, 0, 0]


@pytest.mark.parametrize("change", [dict(position=[0, 7]), dict(layer=[0, 2]), dict(position=[0, 9])])
def test_other_tokens_are_no_source(change: dict) -> None:
    stage = stage_of(prompts_of("abcd", "bcde"))
    legal = dict(source=[-1, 0], layer=[0, 0], position=[0, 6], group=[0, 0])
    parts = [np.array((legal | change)[k]) for k in ("source", "layer", "position", "group")]
    verify(stage.with_(begins=Starts(*map(np.array, legal.values()))))
    with pytest.raises(IllegalStage):
        verify(stage.with_(begins=Starts(*parts)))


def test_prompts_of_which_nothing_is_read_but_their_beginning(tmp_path: Path) -> None:
    build("gpt2", tmp_path / "gpt2")
    text = SPEC.format(arch="gpt2").split("statistic denoise")[0]
    spec = checked(
        text + 'statistic s = norm(resid_post[2] at c.lead.last)\nstatistic t = logit(one, " small")\n', tmp_path
    )
    assert not spec.errors, [d.message for d in spec.errors]
    planned = plan(spec, root=tmp_path, options=RunOptions(prices=FREE))
    run = execute(spec, root=tmp_path, options=RunOptions(replicates=1, prices=FREE))
    assert compare_run(interpret(spec.spec, tmp_path), run) == []
    used = run.manifest["counts"]["row_layer_tokens"]
    assert used == planned.row_layer_tokens == 2 * 8 + 1 + 3 * 4 + 1, (
        "eight tokens that all share, and the prompt `one`"
    )
