"""Which model runs when, how much memory that may take, and the files that are read ahead."""

from __future__ import annotations

import gc
import itertools
import random
import shutil
import threading
import weakref
from pathlib import Path

import pytest
import torch

from probelang.compiler.passes.order_models import Turn, loaded, order_models
from probelang.compiler.stages import Stage
from probelang.runtime import memory as memory_module
from probelang.runtime import pool as pool_module
from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.memory import LEAST_TOKENS, MOST_TOKENS, Memory, free_memory, free_on_cpu
from probelang.runtime.models import ModelSource, load
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from probelang.runtime.read_ahead import ReadAhead
from probelang.runtime.sources import source_facts
from tests.helpers_models import build
from tests.reference.checked import checked

torch.set_num_threads(1)


def turns(*parts: tuple[int, str | None, set[int]]) -> list[Turn]:
    return [Turn(Stage(stage, "run", (), ()), model, frozenset(needs)) for stage, model, needs in parts]


def fewest(given: list[Turn], sizes: dict[str, int], room: int) -> int:
    """The fewest loads of any order, by trying all."""
    orders = (
        order
        for order in itertools.permutations(range(len(given)))
        if all(given[p].needs <= set(order[:i]) for i, p in enumerate(order))
    )
    return min(len(loaded(given, order, sizes, room)) for order in orders)


def test_a_model_does_all_that_is_ready_before_another_is_loaded() -> None:
    """Two stages of three models, each on its own values: one load each, where the order of stages takes two."""
    given = turns(*[(0, m, set()) for m in "abc"], *[(1, m, {i}) for i, m in enumerate("abc")])
    sizes = dict.fromkeys("abc", 10)
    order = order_models(given, sizes, 10)
    assert order == [0, 3, 1, 4, 2, 5]
    assert loaded(given, order, sizes, 10) == ["a", "b", "c"]
    assert len(loaded(given, range(6), sizes, 10)) == 6
    assert order_models(given, sizes, 30) == list(range(6)), "where all fit, the order stays"


def test_the_model_whose_turn_is_farthest_goes_first() -> None:
    given = turns((0, "a", set()), (0, "b", set()), (1, "c", {0, 1}), (2, "b", {2}), (3, "a", {3}))
    sizes = dict.fromkeys("abc", 10)
    assert loaded(given, range(5), sizes, 20) == ["a", "b", "c", "a"]
    assert loaded(given, range(5), {"a": 10, "b": 10, "c": 99}, 20) == ["a", "b", "c", "b", "a"], "c has all for itself"


def test_orders_are_legal_never_worse_and_mostly_best() -> None:
    draw, best, total = random.Random(0), 0, 0
    for _ in range(150):
        count = draw.randint(2, 6)
        given = turns(
            *[
                (i // 2, draw.choice(["a", "b", "c", None]), set(draw.sample(range(i), draw.randint(0, min(i, 2)))))
                for i in range(count)
            ]
        )
        sizes, room = {m: draw.randint(1, 3) for m in "abc"}, draw.randint(2, 5)
        order = order_models(given, sizes, room)
        assert sorted(order) == list(range(count))
        assert all(given[p].needs <= set(order[:i]) for i, p in enumerate(order))
        taken = len(loaded(given, order, sizes, room))
        assert taken <= len(loaded(given, range(count), sizes, room))
        best, total = best + (taken == fewest(given, sizes, room)), total + 1
    assert best >= 0.95 * total


SPEC = """probe 1
model a = path("a")
model b = path("b")
model c = path("c")
axis variant = [a, b, c]
prompts p { text: "the red cat" }
prompts q { text: "a big dog" }
direction way = unit(resid_post[1] at p.last) for variant
statistic moved = logit(q, " cat") under steer(way, scale=2) for variant
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ladder")
    for seed, name in enumerate("abc"):
        build("llama", root / name, seed)
    return root


def test_loads_are_those_that_the_plan_promised_whatever_the_memory(models: Path) -> None:
    spec = checked(SPEC, models)
    assert not spec.errors, [d.message for d in spec.errors]
    one = source_facts(ModelSource("path", str(models / "a"))).shape().weight_bytes
    tables, seen = [], {}
    for fits, off in ((1, ()), (1, ("order-models",)), (2, ("order-models",)), (3, ("overlap-loads",))):
        options = RunOptions(memory=int((fits + 0.5) * one / memory_module.WEIGHTS), passes_off=off, replicates=5)
        planned = plan(spec, root=models, options=options)
        run = execute(spec, root=models, options=options)
        assert run.manifest["counts"]["loads"] == planned.loads
        assert ("order-models" in planned.text()) == (fits == 1 and not off)
        seen[fits, off] = planned.loads
        tables.append(run.results[-1].frame)
    assert list(seen.values()) == [3, 6, 4, 3]
    assert all(t.equals(tables[0]) for t in tables)


def test_a_model_that_is_let_go_leaves_memory_before_the_next_is_loaded(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, one = checked(SPEC, models), source_facts(ModelSource("path", str(models / "a"))).shape().weight_bytes
    made, alive = [], []

    def watched(*args, **kwargs):
        alive.append(sum(reference() is not None for reference in made))
        found = load(*args, **kwargs)
        made.append(weakref.ref(found.hf))
        return found

    monkeypatch.setattr(pool_module, "load", watched)
    for fits in (1, 2):
        gc.collect()
        execute(spec, root=models, options=RunOptions(memory=int((fits + 0.5) * one / memory_module.WEIGHTS)))
        assert alive[-3:] == [0, fits - 1, fits - 1]


def test_budgets_follow_memory_and_change_no_number(models: Path) -> None:
    spec, shape = checked(SPEC, models), source_facts(ModelSource("path", str(models / "a"))).shape()
    assert Memory(10**12).batch_tokens(shape, 8, 0.0) == MOST_TOKENS["cpu"]
    assert Memory(10**12, "cuda").batch_tokens(shape, 8, 0.0) == MOST_TOKENS["cuda"]
    assert Memory(10**3).batch_tokens(shape, 8, 0.0) == LEAST_TOKENS
    some = Memory(10**7)
    assert LEAST_TOKENS < some.batch_tokens(shape, 8, 1.0) < some.batch_tokens(shape, 8, 0.0) < MOST_TOKENS["cpu"]
    tables = [
        execute(spec, root=models, options=RunOptions(memory=free, replicates=5)).results[-1].frame["value"].to_numpy()
        for free in (10**3, 10**10)
    ]
    assert abs(tables[0] - tables[1]).max() < 1e-5


def test_free_memory_is_the_tightest_of_what_limits_it(tmp_path: Path) -> None:
    def put(name: str, text: str) -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    put("proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:    8000000 kB\n")
    assert free_on_cpu(tmp_path) == 8_000_000 * 1024
    put("proc/self/cgroup", "0::/work/job\n")
    put("sys/fs/cgroup/work/job/memory.max", "max\n")
    put("sys/fs/cgroup/work/job/memory.current", "5\n")
    put("sys/fs/cgroup/work/job/memory.stat", "inactive_file 0\n")
    assert free_on_cpu(tmp_path) == 8_000_000 * 1024, "a group without a limit"
    put("sys/fs/cgroup/work/memory.max", "4000000000\n")
    put("sys/fs/cgroup/work/memory.current", "1500000000\n")
    put("sys/fs/cgroup/work/memory.stat", "anon 3\ninactive_file 500000000\n")
    assert free_on_cpu(tmp_path) == 3_000_000_000, "the limit of a group above counts, cached files do not"
    put("proc/self/cgroup", "4:cpu,memory:/docker/abc\n")
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000000\n")
    put("sys/fs/cgroup/memory/memory.usage_in_bytes", "200000000\n")
    put("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 0\n")
    assert free_on_cpu(tmp_path) == 800_000_000, "version 1, where the container's own group is the mount"
    assert 10**7 < free_memory("cpu").free < 10**14


def test_files_are_read_ahead_and_given_up(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(bytes(10_000_000))
    ahead = ReadAhead()
    ahead.start([file])
    ahead.finish()
    assert ahead.read == 10_000_000
    ahead.start([tmp_path / "missing", file])
    ahead.finish()
    assert ahead.read == 10_000_000, "what cannot be read is left to the load"
    ahead.start([file] * 1000)
    ahead.stop()
    assert ahead.read < 10**10 and not any(t.name == "read-ahead" for t in threading.enumerate())


def test_the_next_model_is_read_while_one_runs_and_its_errors_are_those_of_its_load(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "broken"
    shutil.copytree(models, root)
    spec, started = checked(SPEC, root), []
    start = ReadAhead.start
    monkeypatch.setattr(
        ReadAhead, "start", lambda self, files: (started.append(files[0].parent.name), start(self, files))
    )
    execute(spec, root=root, options=RunOptions(replicates=5, memory=10**9))
    assert started == ["b", "c"]
    weights = root / "c" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    told = []
    for off in ((), ("overlap-loads",)):
        with pytest.raises(ProbeError) as caught:
            execute(spec, root=root, options=RunOptions(replicates=5, passes_off=off))
        told.append((caught.value.code, caught.value.message))
    assert told[0] == told[1] and told[0][0] == "model-not-loadable"
