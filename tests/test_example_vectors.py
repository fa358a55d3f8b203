"""The instruction-vector example: its numbers, and the patch of two layers by hooks."""

import polars as pl
import pytest
import torch

from probelang.runtime.zoo import data_path
from probelang.runtime.zoo.docs import BOS
from tests.helpers_examples import edited, logits, model_of, residuals, value

pytestmark = pytest.mark.usefixtures("one_thread")


def test_instruction_vector_numbers() -> None:
    assert value("instruction_vectors", "rank_gain", stage="final", set="0+3") == pytest.approx(0.61, abs=0.06)
    assert abs(value("instruction_vectors", "rank_gain", stage="base", set="0+3")) < 0.02
    plain = value("instruction_vectors", "rank_gain", tuned="instructions-plain", stage="final", set="0+3")
    assert abs(plain) < 0.05


def test_instruction_vectors_by_hand() -> None:
    model, tokenizer = model_of("sft")
    rows = pl.read_csv(data_path("adjectives.csv"))
    ranks = []
    for asked in ("antonym", "comparative form"):
        kept = residuals(model, tokenizer, f"{BOS}Given an adjective, state its {asked}.")

        def put(layer: int, kept: list[torch.Tensor] = kept):
            def change(hidden: torch.Tensor) -> None:
                hidden[0] = kept[layer][-1]

            return change

        found = []
        for query, answer in zip(rows["query"], rows["adj_ant"], strict=True):
            with edited(model, {0: put(0), 3: put(3)}):
                scores = logits(model, tokenizer, BOS + query)
            found.append(1 / (1 + (scores > scores[tokenizer.convert_tokens_to_ids(answer)]).sum().item()))
        ranks.append(sum(found) / len(found))
    gained = value("instruction_vectors", "rank_gain", stage="final", set="0+3")
    assert gained == pytest.approx(ranks[0] - ranks[1], abs=1e-6)
