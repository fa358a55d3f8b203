"""A run that is killed goes on: it repeats the batch that was in flight, and its tables are those of a whole run."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import time
from pathlib import Path

import pytest

from tests import store_child
from tests.helpers_models import build

OPTIONS = {"replicates": 20, "batch_tokens": 48}
WORDS = ("big", "hot cold", "up down good", "the dark light bad", "an")
ROWS = "\n".join(f"{WORDS[i % 5]} {WORDS[i // 5 % 4]},{'small' if i % 2 else 'bad'}" for i in range(40))
SPEC = f'''probe 1
model m = path("m")
dataset d = rows("""q,a
{ROWS}""")
contrast c from d {{
  positive: {{ body: "the {{q}} is" answer: " {{a}}" }}
  negative: {{ body: "a {{q}} is" answer: " {{a}}" }}
}}
direction way = mean_diff(resid_post[1] at c.last)
statistic kept = logit(c) under project_out(way)
statistic moved = logit(c[side=negative]) under patch(resid_post[layer] at c.last, from=c.positive) for layer
statistic unsure = entropy(c)
prompts asks from d {{ body: "the {{q}} is" }}
let drawn = generate(asks, samples=2, max_tokens=5, temperature=1)
statistic said = cross_entropy(drawn)
statistic seen = norm(resid_post[2] at drawn.response.mean)
'''


@pytest.fixture(scope="module")
def processes():
    """Processes that start with everything imported, and that no thread of this one reaches into."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.store_child"])
    return context


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    build("llama", folder / "m")
    return folder


class Runner:
    """Starts runs of the spec on a store, and knows what a whole run gives."""

    def __init__(self, processes, root: Path, folder: Path) -> None:
        self.processes, self.root, self.folder = processes, root, folder
        started = time.perf_counter()
        self.whole = self.done(folder / "whole-store", "whole")
        self.seconds = time.perf_counter() - started
        self.batches = (folder / "whole.told").stat().st_size

    def start(self, store: Path, name: str, text: str = SPEC):
        out, told = self.folder / name, self.folder / f"{name}.told"
        process = self.processes.Process(target=store_child.run, args=(text, self.root, store, out, told, OPTIONS))
        process.start()
        return process

    def done(self, store: Path, name: str, text: str = SPEC) -> dict:
        process = self.start(store, name, text)
        process.join()
        assert process.exitcode == 0
        return json.loads((self.folder / name / "counts.json").read_text())

    def tables(self, name: str) -> dict[str, bytes]:
        """The bytes of all tables and vectors."""
        return {p.name: p.read_bytes() for p in sorted((self.folder / name).iterdir()) if p.suffix != ".json"}


@pytest.fixture(scope="module")
def runner(processes, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    made = Runner(processes, root, tmp_path_factory.mktemp("runs"))
    assert made.batches > 30 and len(made.tables("whole")) > 8
    return made


def killed_and_run_again(runner: Runner, moment, store: Path) -> int:
    """Kill a run when `moment(told, since)` says so, run it again, and compare; returns the batches that were done."""
    told = runner.folder / "killed.told"
    told.unlink(missing_ok=True)
    process, since = runner.start(store, "killed"), time.perf_counter()
    while process.is_alive() and not moment(told.stat().st_size if told.exists() else 0, time.perf_counter() - since):
        time.sleep(0.0005)
    process.kill()
    process.join()
    done = told.stat().st_size if told.exists() else 0
    again = runner.done(store, "again")
    assert runner.tables("again") == runner.tables("whole")
    resumed = sum(s["resumed"]["again"] for s in again["stages"])
    assert again["counts"]["forwards"] <= runner.whole["counts"]["forwards"] - done + resumed
    assert all(
        s["predicted"] == {"forwards": s["forwards"], "row_layer_tokens": s["row_layer_tokens"]}
        for s in again["stages"]
        if s["kind"] == "run"
    )
    assert list((store / "journals").glob("*")) == []
    return done


def kills(runner: Runner, folder: Path, times: int, seed: int) -> list[int]:
    draw, found = random.Random(seed), []
    for number in range(times):
        store = folder / "store"
        if number % 2:
            after = draw.randrange(runner.batches)
            found.append(killed_and_run_again(runner, lambda told, _, after=after: told > after, store))
        else:
            after = draw.uniform(0, runner.seconds)
            found.append(killed_and_run_again(runner, lambda _, since, after=after: since > after, store))
        shutil.rmtree(store)
    return found


def test_a_killed_run_goes_on(runner: Runner, tmp_path: Path) -> None:
    done = kills(runner, tmp_path, 3, seed=1)
    assert any(0 < d < runner.batches for d in done)


@pytest.mark.slow
def test_a_run_killed_at_any_of_a_hundred_moments_goes_on(runner: Runner, tmp_path: Path) -> None:
    done = kills(runner, tmp_path, 100, seed=2)
    assert len({d for d in done if 0 < d < runner.batches}) > 20


def test_a_run_that_is_killed_again_and_again_gets_there(runner: Runner, tmp_path: Path) -> None:
    store, told = tmp_path / "store", runner.folder / "killed.told"
    for batches in (8, 20, 33):
        process = runner.start(store, "killed")
        while process.is_alive() and (not told.exists() or told.stat().st_size < batches):
            time.sleep(0.0005)
        process.kill()
        process.join()
        told.unlink()
    last = runner.done(store, "last")
    assert 0 < last["counts"]["forwards"] < runner.whole["counts"]["forwards"]
    assert runner.done(store, "once more")["counts"]["forwards"] == 0
    assert runner.tables("last") == runner.tables("once more") == runner.tables("whole")


def test_two_runs_at_once_on_one_store(runner: Runner, tmp_path: Path) -> None:
    more = SPEC + "statistic best = log_prob(c)\n"
    first, second = runner.start(tmp_path / "store", "one"), runner.start(tmp_path / "store", "two", more)
    for process in (first, second):
        process.join()
        assert process.exitcode == 0
    assert runner.tables("one") == runner.tables("whole")
    third = runner.done(tmp_path / "store", "three", more)
    assert (third["counts"]["forwards"], third["store"]["damaged"]) == (0, [])
    assert len(os.listdir(tmp_path / "store" / "shards")) <= 2
