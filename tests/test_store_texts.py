"""Texts in the store: a killed stage of writing repeats the batch in flight, and added rows are written alone."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.store import Store, content, index
from tests import store_child
from tests.helpers_models import build
from tests.reference.checked import checked
from tests.test_store_killed import processes  # noqa: F401  a fixture
from tests.test_store_pieces import rows

torch.set_num_threads(1)

STEPS = 4  # forwards of a batch: the prompts, and three further tokens
HEAD = '''probe 1
model m = path("m")
dataset d = rows("""q
big small hot cold
up down
good bad dark light red
an
""")
prompts p from d { body: "the {q} is" }
direction way = mean(resid_post[1] at p.last)
'''
KILLED = HEAD + (
    f"let drawn = generate(p, samples=12, max_tokens={STEPS}, temperature=1.5)\n"
    "statistic said = drawn.response under steer(way, scale=k, during=w) for k in [0, 3], w in [\"prompt\", \"all\"]\n"
    f"statistic best = generate(p, max_tokens={STEPS}).response\n"
    '  under [knockout(from=p.body.first, to=p.all, during=w), steer(way)] for w in ["response", "all"]\n'
)  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose texts never end before `max_tokens`, so that every batch takes as many forwards."""
    folder = tmp_path_factory.mktemp("texts")
    build("olmo2", folder / "m")
    for name in ("config.json", "generation_config.json"):
        path = folder / "m" / name
        path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token_id": None}))
    config = folder / "m" / "tokenizer_config.json"
    told = json.loads(config.read_text())
    config.write_text(json.dumps({k: v for k, v in told.items() if k != "eos_token"}))
    return folder


class Writer:
    """Starts runs of a spec that writes, and knows what a whole one gives."""

    def __init__(self, context, root: Path, folder: Path) -> None:
        self.context, self.root, self.folder = context, root, folder
        self.whole = self.run(folder / "whole", "whole")
        (self.stage,) = [s for s in self.whole["stages"] if s["kind"] == "generate"]

    def start(self, store: Path, name: str):
        out, told = self.folder / f"{name}.out", self.folder / f"{name}.told"
        told.unlink(missing_ok=True)
        options = {"replicates": 5, "batch_tokens": 64}
        process = self.context.Process(target=store_child.run, args=(KILLED, self.root, store, out, told, options))
        process.start()
        return process, told

    def run(self, store: Path, name: str) -> dict:
        process, _ = self.start(store, name)
        process.join()
        assert process.exitcode == 0
        return json.loads((self.folder / f"{name}.out" / "counts.json").read_text())

    def tables(self, name: str) -> dict[str, bytes]:
        found = sorted((self.folder / f"{name}.out").iterdir())
        return {p.name: p.read_bytes() for p in found if p.suffix != ".json"}

    def killed(self, store: Path, moment) -> int:
        """Kill a run when `moment(told, since)` says so, run it again, compare; returns the batches that were kept."""
        process, told = self.start(store, "killed")
        since = time.perf_counter()
        while process.is_alive() and not moment(
            told.stat().st_size if told.exists() else 0, time.perf_counter() - since
        ):
            time.sleep(0.0005)
        process.kill()
        process.join()
        again = self.run(store, "again")
        assert self.tables("again") == self.tables("whole")
        found = [s for s in again["stages"] if s["kind"] == "generate"]
        done = found[0]["resumed"]["batches"]
        # every batch that was done is taken from the journal, and no pass of it is run again
        assert found[0]["forwards"] in (0, self.stage["forwards"] - STEPS * done)
        assert found[0]["forwards"] == found[0]["predicted"]["forwards"]
        before = (told.stat().st_size if told.exists() else 0) - 1  # the reads of the direction are the first
        assert done >= before or not found[0]["forwards"]
        assert not list((store / "journals").glob("*"))
        return done


@pytest.fixture(scope="module")
def writer(processes, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Writer:  # noqa: F811
    made = Writer(processes, root, tmp_path_factory.mktemp("writing"))
    assert made.stage["forwards"] >= 12 * STEPS and made.stage["forwards"] % STEPS == 0
    return made


@pytest.mark.parametrize("batches", [3, 9])
def test_a_killed_stage_of_writing_goes_on_behind_its_last_batch(writer: Writer, tmp_path: Path, batches: int) -> None:
    assert writer.killed(tmp_path / "store", lambda told, _: told >= batches) >= batches - 1


@pytest.mark.slow
def test_writing_killed_at_any_of_fifty_moments_goes_on(writer: Writer, tmp_path: Path) -> None:
    """Moments are drawn from the writing alone: of a whole run, starting the interpreter is the larger part."""
    draw, done = random.Random(3), []
    batches = writer.stage["forwards"] // STEPS
    for _ in range(50):
        done.append(writer.killed(tmp_path / "store", moment(draw.randrange(batches + 2), draw.uniform(0, 0.05))))
        shutil.rmtree(tmp_path / "store")
    assert len(set(done) - {0}) > 8


def moment(batches: int, later: float):
    """`later` seconds behind the report of batch number `batches`."""
    reached: list[float] = []

    def now(told: int, since: float) -> bool:
        if told >= batches and not reached:
            reached.append(since)
        return bool(reached) and since > reached[0] + later

    return now


ADDED = """probe 1
model m = path("m")
dataset d = file("rows.csv", key=id)
prompts p from d { body: "the {q} is" answer: " {a}" }
let drawn = generate(p, samples=2, max_tokens=3, temperature=1)
statistic said = drawn.response under scale(mlp[1] at p.all, 2, during="all")
"""


def written(root: Path, store: Path, numbers, text: str = ADDED, **options):
    (root / "rows.csv").write_text("\n".join(["id,q,a", *rows(numbers)]) + "\n")
    found = execute(checked(text, root), root=root, options=RunOptions(replicates=2, store=store, **options))
    (stage,) = [s for s in found.manifest["stages"] if s["kind"] == "generate"]
    frame = found.results[0].frame
    return dict(zip(zip(frame["item"], frame["sample"], strict=True), frame["value"], strict=True)), stage, found


def test_added_rows_are_written_alone_and_the_others_found(root: Path, tmp_path: Path, monkeypatch) -> None:
    for name, value in {"FEWEST": 8, "ONE_IN": 8, "MOST": 32}.items():
        monkeypatch.setattr(content, name, value)
    most = 60
    first, stage, _ = written(root, tmp_path, range(most))
    again, nothing, _ = written(root, tmp_path, range(most))
    assert again == first and nothing["forwards"] == 0 < stage["forwards"]
    more, added, run = written(root, tmp_path, range(-2, most + 3))
    assert {k: more[k] for k in first} == first and len(more) == len(first) + 2 * 5
    found = run.manifest["store"]["pieces"]
    assert 0 < added["row_layer_tokens"] < stage["row_layer_tokens"] / 2 and found["found"] > 2
    # what was put together of pieces is found whole
    assert written(root, tmp_path, range(-2, most + 3))[0] == more


def test_more_samples_are_written_behind_those_that_are_stored(root: Path, tmp_path: Path, monkeypatch) -> None:
    for name, value in {"FEWEST": 8, "ONE_IN": 8, "MOST": 32}.items():
        monkeypatch.setattr(content, name, value)
    more = {n: ADDED.replace("samples=2", f"samples={n}") for n in (3, 5)}
    few, _, _ = written(root, tmp_path / "store", range(40))
    three, added, _ = written(root, tmp_path / "store", range(40), more[3])
    five, last, _ = written(root, tmp_path / "store", range(-2, 43), more[5])
    assert {k: three[k] for k in few} == few and {k: five[k] for k in three} == three
    # items that are added at both ends change the pieces there, and leave the one between them
    runs = (3, three, added, range(40), 0.8), (5, five, last, range(-2, 43), 1)
    for samples, found, stage, items, most in runs:
        fresh, whole, _ = written(root, tmp_path / f"fresh{samples}", items, more[samples])
        assert found == fresh and len(found) == samples * len(items)
        assert 0 < stage["row_layer_tokens"] < most * whole["row_layer_tokens"]
        assert stage["row_layer_tokens"] == stage["predicted"]["row_layer_tokens"]
    again, nothing, _ = written(root, tmp_path / "store", range(-2, 43), more[5])
    assert again == five and nothing["forwards"] == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [("scale(mlp[1] at p.all, 2", "scale(mlp[1] at p.all, 3"), ('during="all"', 'during="prompt"'),
     ("max_tokens=3", "max_tokens=4"), ("temperature=1", "temperature=2"), ("samples=2", "samples=3"),
     ("temperature=1", "temperature=1, top_p=0.9"), ("temperature=1", 'temperature=1, stop=["cat"]'),
     ("temperature=1", "temperature=1, seed=1"), ("the {q} is", "the {q} was"),
     ("temperature=1", "temperature=1, repetition_penalty=2")],
)  # fmt: skip
def test_whatever_decides_a_text_is_part_of_its_key(root: Path, tmp_path: Path, old: str, new: str) -> None:
    written(root, tmp_path, range(5))
    assert old in ADDED
    _, stage, run = written(root, tmp_path, range(5), ADDED.replace(old, new))
    assert stage["forwards"] > 0 and run.manifest["store"]["pieces"]["found"] == 0


def test_a_name_and_the_run_s_seed_matter_as_far_as_they_are_used(root: Path, tmp_path: Path) -> None:
    greedy = ADDED.replace("samples=2, max_tokens=3, temperature=1", "max_tokens=3")
    text = greedy.replace("statistic said", "statistic other")
    (root / "rows.csv").write_text("\n".join(["id,q,a", *rows(range(5))]) + "\n")

    def run(spec: str, **options):
        found = execute(checked(spec, root), root=root, options=RunOptions(replicates=2, store=tmp_path, **options))
        return next(s["forwards"] for s in found.manifest["stages"] if s["kind"] == "generate")

    assert run(greedy) > 0 and run(text) == 0 and run(greedy, seed=1) == 0
    drawn = greedy.replace("max_tokens=3", "max_tokens=3, temperature=1")
    assert run(drawn) > 0 and run(drawn) == 0 and run(drawn, seed=1) > 0


def test_what_was_read_in_texts_is_not_taken_for_that_of_others(root: Path, tmp_path: Path, monkeypatch) -> None:
    """Texts that were pruned, and that noise of batches writes otherwise; other numbers stand for the noise."""
    text = ADDED.partition("statistic")[0] + "statistic said = drawn.response\nstatistic sure = cross_entropy(drawn)\n"

    def both(store: Path | None) -> list[dict]:
        return [r.items.to_dicts() if r.items is not None else r.frame.to_dicts() for r in run(text, store).results]

    def run(text: str, store: Path | None):
        return execute(checked(text, root), root=root, options=RunOptions(replicates=2, store=store))

    (root / "rows.csv").write_text("\n".join(["id,q,a", *rows(range(5))]) + "\n")
    first = both(tmp_path)
    store = Store(tmp_path)
    for row in index.rows(store.index, "kind = 'value'"):
        if row.told["op"] == "generate":
            gone = [row.key, *map(bytes.fromhex, store.record(row.key.hex()).header["pieces"])]
            store.index.executemany("DELETE FROM records WHERE key = ?", [(key,) for key in gone])
    store.close()
    monkeypatch.setattr("probelang.runtime.generation.run.uniforms", lambda *_: np.full(3, 0.5))
    second = both(tmp_path)
    assert second == both(None) == both(tmp_path)
    assert all(a != b for a, b in zip(first, second, strict=True))
    assert run(text, tmp_path).manifest["counts"]["forwards"] == 0
