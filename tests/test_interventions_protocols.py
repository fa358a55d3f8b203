"""The protocols of attention and of grafting as they are written, on small models: every number is the reference's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import LIBRARY, checked

torch.set_num_threads(1)

ROWS = [
    {"clean": "Ann and Tom went , Tom said that", "io": "Ann", "s": "Tom"},
    {"clean": "once Bob saw Clara , Bob was with", "io": "Clara", "s": "Bob"},
    {"clean": "Elias and Maya went to Paris , Maya said", "io": "Elias", "s": "Maya"},
    {"clean": "Tom saw Ann , Ann said that", "io": "Tom", "s": "Ann"},
]
FILMS = [
    {"first_actor": "Ann Bob", "movie_title": "the red dog", "second_actor": "Tom"},
    {"first_actor": "Clara", "movie_title": "blue cat", "second_actor": "Maya"},
    {"first_actor": "Elias and Tom", "movie_title": "London", "second_actor": "Ann"},
]


def protocol(name: str, root: Path, changes: dict[str, str]) -> str:
    """A protocol's text with its models and data replaced by small ones."""
    text = (LIBRARY / "protocols" / f"{name}.probe").read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (root / "ioi.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (root / "films.jsonl").write_text("".join(json.dumps(row) + "\n" for row in FILMS))
    return text


@pytest.mark.parametrize("arch", ["gpt2", "olmo3"])
def test_attention(arch: str, tmp_path: Path) -> None:
    """Patterns read, edges cut head by head, parts silenced by zero, mean and another item's value."""
    build(arch, tmp_path / arch)
    text = protocol("attention", tmp_path, {'hub("openai-community/gpt2")': f'path("{arch}")'})
    same(text, tmp_path, {"looks": 4 * 4 * 4, "cut": 4 * 4 * 4, "silenced": 4 * 4 * 3 * 4, "needed": 4 * 4 * 3})


@pytest.mark.parametrize("arch", ["llama", "gpt_neox"])
def test_grafting(arch: str, tmp_path: Path) -> None:
    """Parts, spans, their complement, halves of the layers, and the unembedding."""
    build(arch, tmp_path / "pre")
    build(arch, tmp_path / "tuned", seed=1)
    models = {'hub("meta-llama/Llama-3.2-1B")': 'path("pre")', 'path("checkpoints/movies")': 'path("tuned")'}
    same(protocol("grafting", tmp_path, models), tmp_path, {"recalled": 4 * 4 * 3, "deep": 2 * 2 * 3, "bound": 2 * 3})


def same(text: str, root: Path, cells: dict[str, int]) -> None:
    """Run a text: counts are those of its plan, and values those of the interpreter."""
    spec, options = checked(text, root), RunOptions(replicates=20)
    assert not spec.errors, [d.message for d in spec.errors]
    planned, found = plan(spec, root=root, options=options), execute(spec, root=root, options=options)
    counts = found.manifest["counts"]
    assert planned.exact
    assert (planned.forwards, planned.row_layer_tokens) == (counts["forwards"], counts["row_layer_tokens"])
    assert compare_run(interpret(spec.spec, root), found) == []
    sizes = {r.name: len(r.items if r.items is not None else r.frame) for r in found.results}
    assert cells.items() <= sizes.items()
