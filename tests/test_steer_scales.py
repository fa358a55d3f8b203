"""How far a steer goes: raw, unit, a share of the residual norm, the norm of another, in another model; by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from probelang.runtime.errors import ProbeError
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.results import Run
from tests.helpers_models import build
from tests.reference.checked import checked

torch.set_num_threads(1)

HEAD = '''probe 1
model a = path("a")
model b = path("b")
dataset d = rows("""q
big hot cold
up
dark in the light
""")
dataset e = rows("""q
he was cold
they went up to the light
""")
prompts p from d { lead: "the" body: " {q} is" }
prompts q from e { body: "{q}" }
direction way   = mean_diff(resid_post[1] at pair.last) on a
direction other = mean(resid_post[1] at q.last) on a
contrast pair from e { positive: { body: "{q} is" } negative: { body: "{q} was" } }
let clean = resid_post[1] at p.last
statistic before_a = clean on a
statistic before_b = clean on b
statistic every_a  = norm(resid_post[1] at p.all) on a
statistic every_b  = norm(resid_post[1] at p.all) on b
'''


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, of which the second has activations of another size."""
    folder = tmp_path_factory.mktemp("scales")
    build("llama", folder / "a")
    build("llama", folder / "b", seed=1)
    build("llama", folder / "wide", hidden_size=48)
    return folder


def run(text: str, root: Path) -> Run:
    spec = checked(HEAD + text, root)
    assert not spec.errors, [d.message for d in spec.errors]
    return execute(spec, root=root, options=RunOptions(replicates=2))


def vectors(found: Run, name: str) -> np.ndarray:
    return next(r for r in found.results if r.name == name).vectors.astype(np.float64)


def mean_norm(found: Run, name: str) -> float:
    """The mean over items of the mean norm of an item's tokens."""
    frame = next(r for r in found.results if r.name == name).items
    return float(np.mean([part["value"].mean() for part in frame.partition_by("item")]))


def moved(found: Run, name: str, model: str) -> np.ndarray:
    """What was added at the last token of each item."""
    return vectors(found, name) - vectors(found, f"before_{model}")


def test_raw_unit_and_share_of_the_residual_norm(root: Path) -> None:
    found = run(
        """statistic raw    = clean under steer(way, scale=2) on a
statistic unit   = clean under steer(way, scale=2, unit="unit") on a
statistic share  = clean under steer(way, scale=0.5, unit="residual_norm") on a
statistic at_end = clean under steer(way, scale=0.5, unit="residual_norm", tokens=p.last) on a
statistic back   = clean under steer(way, scale=-1, unit="unit") on a
""",
        root,
    )
    way = vectors(found, "way")
    one = way / np.linalg.norm(way)
    assert abs(np.linalg.norm(way) - 1) > 0.1
    last = np.linalg.norm(vectors(found, "before_a"), axis=-1).mean()
    assert abs(last - mean_norm(found, "every_a")) > 1e-3
    wanted = {"raw": 2 * way, "unit": 2 * one, "share": 0.5 * mean_norm(found, "every_a") * one,
              "at_end": 0.5 * last * one, "back": -one}  # fmt: skip
    for name, vector in wanted.items():
        np.testing.assert_allclose(moved(found, name, "a"), np.broadcast_to(vector, (3, 32)), atol=2e-5, err_msg=name)


def test_the_norm_of_another_direction_and_a_share_taken_to_another_model(root: Path) -> None:
    """`scale` is any number that the spec can compute: a norm to match, or a share of one model's norm in another."""
    found = run(
        """statistic matched = clean under steer(way, scale=norm(other), unit="unit") on a
let share = norm(way) / mean(norm(resid_post[1] at p.last) on a)
statistic same    = clean under steer(way, scale=share, unit="residual_norm", tokens=p.last) on a
statistic taken   = clean under steer(way, scale=share, unit="residual_norm", tokens=p.last) on b
statistic raw     = clean under steer(way, tokens=p.last) on b
""",
        root,
    )
    way, other = vectors(found, "way"), vectors(found, "other")
    one = way / np.linalg.norm(way)
    own, theirs = (np.linalg.norm(vectors(found, f"before_{m}"), axis=-1).mean() for m in "ab")
    assert abs(own / theirs - 1) > 0.02
    wanted = {"matched": ("a", np.linalg.norm(other) * one), "same": ("a", way), "taken": ("b", way * theirs / own),
              "raw": ("b", way)}  # fmt: skip
    for name, (model, vector) in wanted.items():
        np.testing.assert_allclose(moved(found, name, model), np.broadcast_to(vector, (3, 32)), atol=3e-5, err_msg=name)


def test_a_direction_of_another_width_is_refused(root: Path) -> None:
    with pytest.raises(ProbeError) as error:
        run('model wide = path("wide")\nstatistic s = clean under steer(way) on wide\n', root)
    assert error.value.code == "wrong-width" and "32" in error.value.message and "48" in error.value.message
