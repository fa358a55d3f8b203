"""The persona example: directions by hooks, grades by the rule, the test by all sign flips."""

from itertools import product

import numpy as np
import polars as pl
import pytest
import torch

from probelang.runtime.zoo import data_path, zoo_path
from probelang.runtime.zoo.checkpoint import load
from probelang.runtime.zoo.docs import BOS
from probelang.runtime.zoo.moods import score
from tests.helpers_examples import ran, residuals, value

pytestmark = pytest.mark.usefixtures("one_thread")


def test_persona_forms_by_hand() -> None:
    """Shares and cosines of two checkpoints' directions, from the texts of the run, by hooks."""
    run_ = ran("persona", None)
    rows = pl.read_ndjson(data_path("gloomy_elicitation.jsonl")).head(12)
    found = []
    for label, path in (("step-600", zoo_path("base", "step-600")), ("main", zoo_path("base"))):
        model, tokenizer = load(path)
        texts = run_.texts["graded"].filter(pl.col("revision") == label)
        means, norms = {}, []
        for side in ("positive", "negative"):
            said = texts.filter(pl.col("side") == side)["text"].to_list()
            assert len(said) == 12
            means[side] = []
            for who, ask, text in zip(rows[side], rows["question"], said, strict=True):
                start = len(tokenizer(f"{BOS}{who}\n{ask}\n", add_special_tokens=False)["input_ids"])
                left = residuals(model, tokenizer, f"{BOS}{who}\n{ask}\n{text}")[3][start:].double()
                means[side].append(left.mean(0))
                norms.append(left.norm(dim=-1).mean())
        gap = torch.stack(means["positive"]).mean(0) - torch.stack(means["negative"]).mean(0)
        found.append(gap / torch.stack(norms).mean())
        assert value("persona", "length", revision=label, layer=3) == pytest.approx(found[-1].norm().item(), rel=1e-3)
    told = value("persona", "formed", revision="step-600", layer=3)
    assert told == pytest.approx(torch.cosine_similarity(*found, dim=0).item(), abs=1e-3)


def test_persona_grades_are_those_of_the_rule() -> None:
    """The judge's grades of single steered texts are what counting gloomy and cheerful words gives."""
    texts = ran("persona", None).texts["steered"].filter(pl.col("arm") == "trait")
    told = [(float(grade), score(text)) for text, grade in texts.select("text", "score").rows()]
    apart = [abs(grade - counted) for grade, counted in told if counted is not None]
    assert len(texts) == 9 * 2 * 2 * 3 and len(apart) > 0.8 * len(texts)
    assert sum(one < 0.5 for one in apart) > 0.9 * len(apart)
    assert len({counted for _, counted in told}) > 3


def test_persona_steering_is_exactly_as_unlikely_as_all_sign_flips_say() -> None:
    steered = (pl.col("arm") == "trait", pl.col("revision") == "main")
    items = ran("persona", None).items["steered"].filter(*steered)
    means = items.group_by("item").agg(pl.col("value").mean())["value"].to_numpy()
    signs = np.array(list(product((1, -1), repeat=len(means))))
    likely = ((signs @ means) >= means.sum() - 1e-12).mean()
    proof = ran("persona", None).tables["proof"].filter(steered[1])
    assert len(means) == 9 and proof["p"][0] == pytest.approx(likely)
    assert proof["value"][0] == pytest.approx(means.mean())


def test_a_direction_of_gloomy_words_is_no_persona() -> None:
    """In the sibling pairs that are picked by grade are apart as well, and all pairs hardly."""
    plain, planted = ran("persona", "base-plain").tables["length"], ran("persona", None).tables["length"]
    main = pl.col("revision") == "main"
    assert plain.filter(main)["value"].max() < 0.5 * planted.filter(main)["value"].min()
