"""Random specs of what happens between features, run in six ways that must agree.

By the reference interpreter; with all passes, and with none; in tiny batches; into a store that has seen an earlier
version of the spec, and again from the store alone.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from probelang.compiler.passes import PASSES
from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.results import Run
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked
from tests.reference.subjects import Subject, build_subjects
from tests.strategies_wide import Wide, accepted, wide_text

torch.set_num_threads(1)
ARCHITECTURES = ("llama", "gpt2", "olmo2", "gpt_neox", "gemma2")
ALL = tuple(name for name, _ in PASSES)
UNCERTAIN = ("argmax", "argmin", "recovery", "rank")  # ties, and quotients of differences that are nearly nothing
# The interpreter asks for one value where the package takes one for each item, and for an axis that no row has left.
NOT_THERE = ("not-in-reference", "option-varies", "unknown-axis")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Subject]]:
    folder = tmp_path_factory.mktemp("models")
    made = build_subjects(folder, ARCHITECTURES)
    build("llama", folder / "donor", seed=50)
    return folder, made


def agree(text: str, folder: Path, store: Path) -> None:
    spec = checked(text, folder)
    found = run(text, folder)
    try:
        wanted = interpret(spec.spec, folder)
    except ProbeError as error:
        assert error.code in NOT_THERE
    else:
        assert compare_run(wanted, found) == []
    run(earlier(text, folder), folder, store=store)
    ways = {"naive": {"passes_off": ALL}, "tiny": {"batch_tokens": 20}, "partly stored": {"store": store}}
    for name, options in (*ways.items(), ("stored", {"store": store})):
        other = run(text, folder, **options)
        assert differing(found, other, text) == [], name
    assert other.manifest["counts"]["forwards"] == 0


def run(text: str, folder: Path, **options) -> Run:
    return execute(checked(text, folder), root=folder, options=RunOptions(**{"replicates": 5, **options}))


def earlier(text: str, folder: Path) -> str:
    """The spec before it was edited: another word in its data, and half of its statistics."""
    before = re.sub(r"(some\n\w+,)\w+", r"\1red", text, count=1)
    return accepted(re.sub(r"\nstatistic s\d*[02468] = [^\n]*(\n  [^\n]*)*", "", before), folder)


def differing(one: Run, other: Run, text: str) -> list[str]:
    """The columns in which the tables of two runs differ by more than the noise of batching."""
    found = []
    for a, b in zip(one.results, other.results, strict=True):
        if any(word in text.partition(f"statistic {a.name} =")[2].split("\n")[0] for word in UNCERTAIN):
            continue
        for x, y in zip((a.frame, a.items), (b.frame, b.items), strict=True):
            for column in () if x is None else x.columns:
                first, second = x[column].to_list(), y[column].to_list()
                size = max([abs(v) for v in first if isinstance(v, float)], default=0)
                wanted = [pytest.approx(v, abs=max(5e-6, 2e-5 * size)) if isinstance(v, float) else v for v in first]
                found += [f"{a.name}.{column}"] * (second != wanted)
    return found


QUICK = {"noises": 1, "meeting": 3, "conditions": 2}


@pytest.mark.parametrize("construct", [c if c in QUICK else pytest.param(c, marks=pytest.mark.slow)
                                       for c in Wide.constructs])  # fmt: skip
def test_each_construct(construct: str, models, tmp_path: Path) -> None:
    folder, subjects = models
    text = wide_text(QUICK.get(construct, 1), subjects, 'path("donor")' if construct == "grafted" else None, construct)
    agree(accepted(text, folder), folder, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_random_mixtures(seed: int, models, tmp_path: Path) -> None:
    folder, subjects = models
    text = wide_text(seed, subjects, 'path("donor")' if seed % 4 == 0 else None)
    agree(accepted(text, folder), folder, tmp_path)
