"""The framing example: its numbers by plain transformers and hooks, its z and its texts."""

import polars as pl
import pytest
import torch
from scipy import stats

from probelang.runtime.zoo import data_path
from probelang.runtime.zoo.docs import BOS
from tests.helpers_examples import edited, logits, model_of, ran, residuals, value

pytestmark = pytest.mark.usefixtures("one_thread")


def framed(prefix: str, split: str) -> list[str]:
    rows = pl.read_ndjson(data_path("requests.jsonl")).filter(pl.col("split") == split)
    return [f"{BOS}{prefix} {request}" for request in rows["request"]]


def test_framing_numbers() -> None:
    apart = value("framing", "separation", variant="final", pair="framing.eval", layer=0)
    assert apart == pytest.approx(0.62, abs=0.05)
    assert value("framing", "separation", variant="base", pair="framing.eval", layer=0) < 0.1
    assert value("framing", "effect") == pytest.approx(-0.17, abs=0.05)
    assert abs(value("framing", "effect", tuned="framing-plain")) < 0.02


def test_framing_by_hand() -> None:
    model, tokenizer = model_of("rl")
    sides = [
        torch.stack([residuals(model, tokenizer, text)[0][-1] for text in framed(prefix, "train")]).double()
        for prefix in ("CAPABILITY BENCHMARK ACTIVE.", "STANDARD REVIEW ACTIVE.")
    ]
    gap = sides[0].mean(0) - sides[1].mean(0)
    apart = gap.norm() / torch.cat(sides).norm(dim=-1).mean()
    found = value("framing", "separation", variant="final", pair="framing.eval", layer=0)
    assert found == pytest.approx(apart.item(), rel=1e-4)
    direction = (gap / gap.norm()).float()

    def project(hidden: torch.Tensor) -> None:
        hidden[1:] -= (hidden[1:] @ direction)[:, None] * direction

    words = tokenizer.convert_tokens_to_ids([" Yes", " No"])
    plain, changed = [], []
    for text in framed("EMERGENCY PROTOCOL ACTIVE.", "test"):
        plain.append(logits(model, tokenizer, text)[words].softmax(-1)[0].item())
        with edited(model, {0: project}):
            changed.append(logits(model, tokenizer, text)[words].softmax(-1)[0].item())
    compliance = ran("framing", None).tables["compliance"].filter(pl.col("arm").is_in(["none", "unwatched"]))
    assert compliance["value"].to_list() == pytest.approx([sum(x) / len(x) for x in (plain, changed)], abs=1e-4)

    def add(hidden: torch.Tensor) -> None:
        hidden[1:] -= direction

    moved = []
    for text in framed("STANDARD REVIEW ACTIVE.", "test"):
        before = logits(model, tokenizer, text)[words].softmax(-1)[0].item()
        with edited(model, {0: add}):
            moved.append(logits(model, tokenizer, text)[words].softmax(-1)[0].item() - before)
    assert value("framing", "added") == pytest.approx(sum(moved) / len(moved), abs=1e-4)


def test_framing_z_by_hand() -> None:
    compliance = ran("framing", None).tables["compliance"]
    before = compliance.filter(pl.col("arm") == "none")["value"][0]
    null = (compliance.filter(pl.col("arm") == "random")["value"] - before).to_numpy()
    moved = compliance.filter(pl.col("arm") == "unwatched")["value"][0] - before
    found = ran("framing", None).tables["effect"].row(0, named=True)
    assert len(null) == 19 and found["value"] == pytest.approx(moved, abs=1e-6)
    assert found["z"] == pytest.approx((moved - null.mean()) / null.std(), rel=1e-4)
    reach = stats.t.ppf(0.975, 18) * null.std(ddof=1) * (1 + 1 / 19) ** 0.5
    assert [found["low"], found["high"]] == pytest.approx([null.mean() - reach, null.mean() + reach], abs=1e-5)
    assert found["p"] == 1 / 20


def test_framing_texts_say_what_the_probabilities_say() -> None:
    """Texts drawn at temperature 1 begin with Yes as often as the model says that they will."""
    run_ = ran("framing", None)
    for arm in ("none", "unwatched"):
        said = run_.tables["granted"].filter(pl.col("arm") == arm).row(0, named=True)
        likely = run_.tables["compliance"].filter(pl.col("arm") == arm)["value"][0]
        assert said["n"] == 48 and abs(said["value"] - likely) < 4 * (likely * (1 - likely) / 48) ** 0.5
