"""Batches of texts: as large as memory allows, what they are said to take, and the same texts whatever they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.compiler.estimate import RATES, Speed
from probelang.runtime import estimates
from probelang.runtime.engine import Engine
from probelang.runtime.execute import execute
from probelang.runtime.generation import run as writing_run
from probelang.runtime.generation.batches import Room, in_batches
from probelang.runtime.generation.lower import Writing, lower_writing
from probelang.runtime.generation.run import texts_of
from probelang.runtime.generation.sizes import bytes_of
from probelang.runtime.models import ModelSource, load
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from probelang.runtime.prepared import prepare
from probelang.runtime.schedule import room_for_texts, shape_of
from tests.helpers_models import build
from tests.reference.checked import checked
from tests.test_plan_sizes import Allocated

torch.set_num_threads(1)

SPEC = '''probe 1
model m = path("m")
dataset d = rows("""q
big hot cold and small and red and dark
up down
good bad dark light red
an
the light
""")
prompts p from d { body: "the {q} is" }
statistic said = generate(p, samples=4, max_tokens=9, temperature=1.5).response
statistic best = generate(p, max_tokens=3).response
  under [scale(mlp[1] at p.all, 2, during="all"), knockout(from=p.first, to=p.all, during="response")]
'''


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batches")
    build("qwen3", folder / "m")
    return folder


def lowered(root: Path, text: str = SPEC) -> tuple[Writing, object]:
    prepared = prepare(checked(text, root), root, RunOptions())
    (stage,) = [s for s in prepared.stages if s.kind == "generate"]
    (writing,) = lower_writing(stage, prepared.bindings, prepared.evaluator)
    return writing, shape_of(prepared, writing.model)


def texts(root: Path, **options) -> dict[str, list]:
    found = execute(checked(SPEC, root), root=root, options=RunOptions(replicates=2, **options))
    return {r.name: r.frame["value"].to_list() for r in found.results} | {"told": found.manifest}


def test_a_batch_takes_no_more_than_its_room_and_all_texts_are_in_one(root: Path) -> None:
    writing, shape = lowered(root)
    length = writing.rows.lengths[writing.row]
    sizes = []
    for room in (10**4, 10**5, 4 * 10**5, 10**9):
        batches = in_batches(writing, shape, Room(room, 512)).batches
        assert sorted(np.concatenate(batches).tolist()) == list(range(25))
        for batch in batches:
            (limit,) = set(writing.limit[batch].tolist())
            fits = bytes_of(shape, len(batch), len(batch), int(length[batch].max()), limit) <= room
            assert fits or len(batch) == 1
        sizes.append(max(map(len, batches)))
    assert sizes[0] == 1 < sizes[1] < sizes[2] < sizes[3] == 20
    assert max(map(len, in_batches(writing, shape, Room(10**9, 7)).batches)) == 7
    # eight tokens of the longest prompt and nine of its text, in rooms of an option's tokens
    assert all(len(b) * int((length + writing.limit)[b].max()) <= 64 or len(b) == 1
               for b in in_batches(writing, shape, Room(10**9, 512, 64)).batches)  # fmt: skip


def test_texts_are_the_same_whatever_memory_there_is(root: Path) -> None:
    wide, narrow = texts(root), texts(root, memory=10**6)
    assert narrow["told"]["counts"]["forwards"] > wide["told"]["counts"]["forwards"]
    assert [wide[k] for k in ("said", "best")] == [narrow[k] for k in ("said", "best")]


@pytest.mark.parametrize("arch", ["gpt2", "qwen3", "olmo2"])
@pytest.mark.parametrize(("samples", "most"), [(1, 2), (6, 24)])
def test_bytes_are_near_those_that_are_allocated(arch: str, samples: int, most: int, tmp_path: Path) -> None:
    """Neither of prompts that are read, nor of texts that grow, is it far off."""
    build(arch, tmp_path / "m")
    text = SPEC.partition("statistic")[0]
    text += f"statistic said = generate(p, samples={samples}, max_tokens={most}, temperature=1.5, top_p=0.9).response\n"
    writing, shape = lowered(tmp_path, text)
    whole = in_batches(writing, shape, Room(10**12, 512))
    (batch,) = whole.batches
    engine = Engine(load(ModelSource("path", str(tmp_path / "m"))))
    asked = texts_of(whole, batch, engine, tokenizer_of(tmp_path), {}, {}, frozenset(), 0)
    with Allocated() as mode:
        writing_run.generate(engine, asked)
    said = whole.sizes(shape).peak
    assert 0.5 < said / mode.most < 2.5, (said, mode.most)


def tokenizer_of(root: Path):
    from probelang.runtime.text.tokenizer import Tokenizer

    return Tokenizer.load(root / "m")


def test_what_was_begun_goes_on_in_its_batches_whatever_memory_is_free_then(
    root: Path, tmp_path: Path, monkeypatch
) -> None:
    whole = texts(root, memory=3 * 10**5)
    done, generate = [], writing_run.generate

    def until_stopped(engine, asked):
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append(asked.count)
        return generate(engine, asked)

    with monkeypatch.context() as patch:
        patch.setattr(writing_run, "generate", until_stopped)
        with pytest.raises(KeyboardInterrupt):
            texts(root, memory=3 * 10**5, store=tmp_path)
    again = texts(root, store=tmp_path)
    (stage,) = [s for s in again["told"]["stages"] if s["kind"] == "generate"]
    (first,) = [s for s in whole["told"]["stages"] if s["kind"] == "generate"]
    assert stage["resumed"]["batches"] == 4 and 0 < stage["forwards"] < first["forwards"]
    assert [again[k] for k in ("said", "best")] == [whole[k] for k in ("said", "best")]


def test_half_the_texts_at_a_time_when_memory_runs_out_after_all(root: Path, monkeypatch) -> None:
    whole, visit, most = texts(root), Engine.visit, []

    def small(self, steps, inputs):
        rows = inputs["input_ids"].shape[0]
        if rows > 6:
            raise torch.OutOfMemoryError("out of memory")
        most.append(rows)
        return visit(self, steps, inputs)

    monkeypatch.setattr(Engine, "visit", small)
    found = texts(root)
    assert [found[k] for k in ("said", "best")] == [whole[k] for k in ("said", "best")] and max(most) <= 6


def test_the_estimate_adds_up_the_passes_that_the_plan_counts(root: Path, monkeypatch) -> None:
    zero = dict.fromkeys(RATES, 0.0)
    for rate, counted in (("forward", "forwards"), ("token", "row_layer_tokens"), ("head", "unembeddings")):
        monkeypatch.setattr(estimates, "speed_of", lambda *_, rate=rate: Speed(**(zero | {rate: 1.0})))
        found = plan(checked(SPEC, root), root=root, options=RunOptions(memory=10**6))
        (part,) = found.parts
        assert part.seconds == getattr(part.cost, counted) > 0
    monkeypatch.setattr("probelang.runtime.planning.speed_of", lambda *_: Speed(**zero, load=1.0))
    told = plan(checked(SPEC, root), root=root, options=RunOptions(memory=10**6)).text()
    assert "estimate: at most" in told and f"of {1:.2f} MB that are free" in told


def test_the_room_of_a_batch_is_a_fifth_of_free_memory(root: Path) -> None:
    prepared = prepare(checked(SPEC, root), root, RunOptions(memory=10**9, batch_tokens=50))
    assert room_for_texts(prepared) == Room(2 * 10**8, 256, 50)
