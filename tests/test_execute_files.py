"""Directions from files, and models and data by path: under the spec's folder, read as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from tests.helpers_models import build
from tests.reference import compare_run, interpret
from tests.reference.checked import checked

torch.set_num_threads(1)

SPEC = """probe 1
model m = path("m")
prompts p {{ text: "the cold is" answer: " bad" }}
direction given = vector("{file}", "{name}", site=resid_post[1], index={index})
statistic moved = shift(logit(p) under steer(given, scale=s)) for s in [0, 1, 2]
statistic length = norm(given)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files") / "spec"
    folder.mkdir()
    build("qwen3", folder / "m")
    vectors = np.random.default_rng(0).standard_normal((3, 32)).astype(np.float32)
    save_file({"persona": vectors}, folder / "vectors.safetensors")
    save_file({"persona": vectors}, folder.parent / "outside.safetensors")
    return folder


def run(root: Path, **changes: str):
    spec = checked(SPEC.format(**{"file": "vectors.safetensors", "name": "persona", "index": "2"} | changes), root)
    assert not spec.errors
    return spec, execute(spec, root=root, options=RunOptions(replicates=20))


def test_a_vector_from_a_file_steers_at_its_site(root: Path) -> None:
    spec, found = run(root)
    assert compare_run(interpret(spec.spec, root), found) == []
    moved, length = (r.frame["value"].to_list() for r in found.results if r.statement == "statistic")
    assert moved[0] == 0 and moved[1] != 0
    from safetensors.numpy import load_file

    expected = np.linalg.norm(load_file(root / "vectors.safetensors")["persona"][2])
    assert length[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "persona_"}, "no-such-tensor"),
        ({"index": "7"}, "no-such-row"),
        ({"file": "absent.safetensors"}, "file-not-found"),
        ({"file": "../outside.safetensors"}, "path-outside"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(root: Path, changes: dict[str, str], code: str) -> None:
    with pytest.raises(ProbeError) as found:
        run(root, **changes)
    assert found.value.code == code and found.value.help
