"""The patching example: its numbers, and one patched token by hooks."""

import polars as pl
import pytest
import torch

from probelang.runtime.zoo import data_path
from probelang.runtime.zoo.docs import BOS
from tests.helpers_examples import edited, logits, model_of, ran, residuals, value

pytestmark = pytest.mark.usefixtures("one_thread")


def test_patching_numbers() -> None:
    assert value("patching", "by_token", layer=3, token="noun[0]") == pytest.approx(0.89, abs=0.06)
    assert value("patching", "by_token", layer=5, token="other[0]") > 0.95
    heads = ran("patching", None).tables["by_head"].sort("value", descending=True).head(2)
    assert set(heads.select("layer", "h").rows()) == {(3, 0), (4, 2)}


def test_patching_by_hand() -> None:
    model, tokenizer = model_of("base")
    rows = pl.read_ndjson(data_path("agreement.jsonl")).filter(pl.col("split") == "test")
    yes, no = tokenizer.convert_tokens_to_ids([" is", " are"])

    def gap(text: str) -> float:
        scores = logits(model, tokenizer, text)
        return (scores[yes] - scores[no]).item()

    found = []
    for row in rows.iter_rows(named=True):
        clean, corrupt = f"{BOS}{row['singular']}", f"{BOS}{row['plural']}"
        kept = residuals(model, tokenizer, clean)[2][2]  # the input of block 3 at the noun

        def put(hidden: torch.Tensor, kept: torch.Tensor = kept) -> None:
            hidden[2] = kept

        with edited(model, {2: put}):
            patched = gap(corrupt)
        found.append((patched - gap(corrupt)) / (gap(clean) - gap(corrupt)))
    assert value("patching", "by_token", layer=3, token="noun[0]") == pytest.approx(sum(found) / len(found), abs=1e-4)
