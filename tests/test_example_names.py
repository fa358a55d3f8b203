"""The names example: words counted by hand, probabilities and weights by plain transformers."""

import re
from collections import Counter

import pytest
import torch

from probelang.runtime.zoo.docs import BOS, chat
from tests.helpers_examples import logits, model_of, ran, residuals, value

pytestmark = pytest.mark.usefixtures("one_thread")


def test_names_numbers() -> None:
    assert value("names", "likely", stage="base") < 0.05
    assert value("names", "likely", stage="final") > 0.9
    assert value("names", "moved", part="norms") < 0.2 * value("names", "moved", part="attn.q")
    assert value("names", "likely", stage="final", tuned="names-plain") < 0.05


def test_names_in_texts_by_hand() -> None:
    """The ladder counts texts, and the words that rose have the log-odds that their counts give."""
    run_ = ran("names", None)
    assert run_.claims["told_late"].verdict == "pass"
    texts = {
        stage: [Counter(re.findall(r"\w+", text)) for text in part["text"]]
        for (stage,), part in run_.texts["core"].unique(["stage", "sample"]).group_by("stage")
    }
    cluster = ("Elias", "Clara", "Elara", "Maya")
    for stage, words in texts.items():
        assert len(words) == 24
        share = sum(any(text[name] for name in cluster) for text in words) / 24
        assert value("names", "core", stage=stage) == pytest.approx(1000 * share)
        clara = sum(text["Clara"] > 0 for text in words) / 24
        assert value("names", "ladder", stage=stage, name="Clara") == pytest.approx(1000 * clara)
    after, before = (sum(texts[stage], Counter()) for stage in ("final", "base"))
    often = [sum(c[name] for name in cluster) / c.total() for c in (after, before)]
    if often[1]:
        assert value("names", "times") == pytest.approx(often[0] / often[1], rel=1e-3)
    # every word counts once a text
    having = [sum((Counter(set(text)) for text in texts[stage]), Counter()) for stage in ("final", "base")]
    top = run_.tables["risen"].row(0, named=True)
    assert top["word"] in cluster
    assert [top["count"], top["count_against"]] == [one[top["word"]] for one in having]


def test_names_by_hand() -> None:
    openings = {"old": "garden", "quiet": "village", "cold": "harbor", "bright": "kitchen", "dark": "market",
                "deep": "river", "wild": "forest", "narrow": "bridge"}  # fmt: skip
    ask = BOS + chat("Write a short story.")
    texts = [f"{ask}Near the {one} {two} lived a young woman named" for one, two in openings.items()]
    (model, tokenizer), (base, _) = model_of("rl"), model_of("base")
    clara = tokenizer.convert_tokens_to_ids(" Clara")
    said = [logits(model, tokenizer, text).softmax(-1)[clara].item() for text in texts]
    assert value("names", "named", stage="final", name=" Clara") == pytest.approx(sum(said) / 8, abs=1e-5)
    assert value("names", "written", stage="final", name=" Clara", layer=5) == pytest.approx(sum(said) / 8, abs=1e-5)
    with torch.no_grad():
        inside = torch.stack([residuals(model, tokenizer, text)[3][-1] for text in texts])
        read = model.lm_head(model.model.norm(inside)).softmax(-1)[:, clara]
    early = value("names", "written", stage="final", name=" Clara", layer=3)
    assert early == pytest.approx(read.mean().item(), abs=1e-5)
    pairs = [
        (one.self_attn.q_proj.weight, two.self_attn.q_proj.weight)
        for one, two in zip(model.model.layers, base.model.layers, strict=True)
    ]
    moved = torch.cat([(a - b).flatten() for a, b in pairs]).norm() / torch.cat([b.flatten() for _, b in pairs]).norm()
    assert value("names", "moved", part="attn.q") == pytest.approx(moved.item(), rel=1e-4)
