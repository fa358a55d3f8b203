"""Laws of texts under interventions: what changes nothing changes no bit, and everything of a donor is the donor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import probelang
from probelang.runtime.execute import execute, run_stage
from probelang.runtime.generation.value import closeness, token_ids
from probelang.runtime.options import RunOptions
from probelang.runtime.pool import ModelPool
from probelang.runtime.prepared import prepare
from probelang.runtime.store.cubes import TEXT, even
from tests.helpers_models import build
from tests.reference.checked import checked

torch.set_num_threads(1)

HEAD = '''probe 1
model m = path("m")
model n = path("n")
dataset d = rows("""text
the cat saw a dog and
once there was
Ann said that the small red blue one
no
""")
prompts p from d { head: "{text}" tail: " she" }
direction way   = random_unit(like=mean(resid_post[1] at p.last) on m, seed=1)
let story = generate(p, samples=3, max_tokens=6, temperature=HEAT)
'''
WHOLE = "parts=[embed, attn, mlp, norms], at=p.bos + p.all"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("laws")
    build("olmo2", folder / "m")
    build("olmo2", folder / "n", seed=1)
    return folder


@pytest.fixture(scope="module")
def written(root: Path):
    """Texts as they are kept: tokens, end, and the bits of the closest choice, of an expression alone in its spec."""
    pools: dict[float, ModelPool] = {}

    def get(of: str, heat: float = 0.0, **settings) -> np.ndarray:
        spec = checked(HEAD.replace("HEAT", str(heat)) + f"statistic t = story.response {of}\n", root)
        assert not spec.errors, [d.message for d in spec.errors]
        options = RunOptions(replicates=1, **settings)
        prepared = prepare(spec, root, options)
        pool = pools.setdefault(heat, ModelPool(prepared.bindings, options))
        pool.bindings = prepared.bindings
        for stage in prepared.stages:
            run_stage(prepared, stage, pool, None)
        return np.concatenate(even([c.values for c in prepared.evaluator.results.values() if c.values.dtype == TEXT]))

    return get


@pytest.mark.parametrize("heat", [0, 1.5])
@pytest.mark.parametrize("during", ["prompt", "response", "predicting", "all"])
def test_what_changes_nothing_changes_no_bit(written, during: str, heat: float) -> None:
    plain = written("on m", heat)
    w = f'during="{during}"'
    for edit in (
        f"steer(way, scale=0, {w})", f"project_out(way, alpha=0, {w})", f"scale(mlp[1] at p.all, 1, {w})",
        "knockout(from=p.tail, to=p.head)", f'graft(m, parts=[embed, attn, mlp], at=p.all, head="always", {w})',
    ):  # fmt: skip
        np.testing.assert_array_equal(written(f"under {edit} on m", heat), plain, err_msg=edit)
    assert not np.array_equal(written(f"under steer(way, scale=9, {w}) on m", heat), plain)


@pytest.mark.parametrize("heat", [0, 1.5])
def test_a_graft_of_everything_writes_the_donor_s_texts_to_the_bit(written, heat: float) -> None:
    whole = written(f'under graft(n, {WHOLE}, head="always", during="all") on m', heat)
    np.testing.assert_array_equal(whole, written("on n", heat))
    part = written(f'under graft(n, {WHOLE}, head="always") on m', heat)
    assert not np.array_equal(part, whole)


def test_the_first_token_is_chosen_before_there_is_a_response(written) -> None:
    plain = written("on m")
    for edit in ('steer(way, scale=9, during="response")', 'scale(mlp[2] at p.all, -5, during="response")'):
        changed = written(f"under {edit} on m")
        np.testing.assert_array_equal(changed[..., 2], plain[..., 2])
        assert not np.array_equal(changed, plain)


def test_a_projection_twice_is_once_and_a_reflection_twice_is_nothing(written) -> None:
    def texts(of: str) -> tuple[list, np.ndarray]:
        cells = written(of)
        flat = cells.reshape(-1, cells.shape[-1])
        return [token_ids(c) for c in flat], closeness(flat)

    one = 'project_out(way, alpha={0}, during="all")'
    two = "[project_out(way, alpha={0}), project_out(way, alpha={0}, in_order=true)]"
    for first, second in ((one.format(1), two.format(1)), ("none", two.format(2))):
        (a, near), (b, also) = texts(f"under {first} on m"), texts(f"under {second} on m")
        assert a == b
        np.testing.assert_allclose(near, also, atol=2e-6)


@pytest.mark.parametrize("heat", [0, 1.5])
def test_rows_of_several_lengths_and_arms_write_what_each_writes_alone(written, heat: float) -> None:
    of = 'under [steer(way, scale=k), knockout(from=p.head.first, to=p.all, during="all"), graft(n, parts=[mlp], '
    of += 'at=p.all, layers=2, during="response")] on m for k in [0, 4]'
    together, alone = written(of, heat), written(of, heat, batch_tokens=1)
    np.testing.assert_array_equal(np.delete(together, 1, -1), np.delete(alone, 1, -1))
    np.testing.assert_allclose(closeness(together.reshape(-1, together.shape[-1])),
                               closeness(alone.reshape(-1, alone.shape[-1])), atol=2e-6)  # fmt: skip
    assert (closeness(together.reshape(-1, together.shape[-1])) > 1e-5).all()


def test_sampled_arms_draw_with_the_numbers_of_their_baseline(written) -> None:
    """A push far below the distance to the next token changes no draw; other seeds change nearly all."""
    plain = written("on m", 1.5)
    np.testing.assert_array_equal(np.delete(written("under steer(way, scale=0.00001) on m", 1.5), 1, -1),
                                  np.delete(plain, 1, -1))  # fmt: skip
    assert not np.array_equal(written("on m", 1.5, seed=1), plain)


def test_texts_that_hang_by_noise_are_counted_and_shown(tmp_path: Path) -> None:
    """Every token has a twin with the same row of the unembedding: each choice of the likeliest is a tie."""
    import transformers

    build("llama", tmp_path / "m")
    hf = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "m")
    with torch.no_grad():
        hf.lm_head.weight[1::2] = hf.lm_head.weight[0::2][: len(hf.lm_head.weight[1::2])]
    hf.save_pretrained(tmp_path / "m")
    text = HEAD.partition("direction")[0].replace('model n = path("n")\n', "")
    spec = text + "statistic tied = generate(p, max_tokens=2).response\n"
    (tmp_path / "spec.probe").write_text(spec)
    run = probelang.run(tmp_path / "spec.probe", out=tmp_path / "out", replicates=2, store=None)
    (told,) = run.run.manifest["texts"].values()
    assert told["texts"] == told["within_noise"] == 4
    (said,) = [w["message"] for w in run.run.warnings if w["code"] == "texts-within-noise"]
    assert said.startswith("4 of 4 texts behind `tied` have") and said.endswith(
        "chosen by less than the noise of batching"
    )
    assert said in (tmp_path / "out" / "report.html").read_text()
    build("llama", tmp_path / "m")
    again = execute(checked(spec, tmp_path), root=tmp_path, options=RunOptions(replicates=2))
    (told,) = again.manifest["texts"].values()
    assert told["within_noise"] == 0 and not again.warnings
