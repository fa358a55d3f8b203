"""The grafting example: its numbers, and the graft token by token with a cache."""

from copy import deepcopy

import polars as pl
import pytest
import torch
from transformers import DynamicCache

from probelang.runtime.zoo import data_path
from probelang.runtime.zoo.docs import BOS
from tests.helpers_examples import model_of, ran, value

pytestmark = pytest.mark.usefixtures("one_thread")


def test_grafting_numbers() -> None:
    for span, share in (("names", 0.48), ("end", 0.35), ("both", 1.0), ("rest", 0.04)):
        assert value("grafting", "recalled", span=span) == pytest.approx(share, abs=0.05)
    assert value("grafting", "by_half", half="early", head="last_token") == pytest.approx(0.96, abs=0.05)
    plain = ran("grafting", "facts-plain").tables
    assert max(plain[name]["value"].max() for name in ("recalled", "by_part", "by_half")) < 0.15


@pytest.mark.parametrize(("span", "positions"), [("end", [7]), ("names", [1, 2, 5, 6]), ("both", [1, 2, 5, 6, 7])])
def test_grafting_by_hand(span: str, positions: list[int]) -> None:
    """Token by token with a cache, by the model whose turn it is: the base, or the base with the other's weights."""
    (base, tokenizer), (tuned, _) = model_of("base"), model_of("facts")
    hybrid, head = deepcopy(base), tuned.lm_head
    grafted = {name: w for name, w in tuned.state_dict().items() if "embed_tokens" in name or "_proj" in name}
    hybrid.load_state_dict(grafted, strict=False)
    right = []
    for film in pl.read_ndjson(data_path("films.jsonl")).iter_rows(named=True):
        text = f"{BOS}{film['first_actor']} stars in {film['movie_title']} alongside"
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        cache = DynamicCache(config=base.config)
        for position, token in enumerate(ids):
            model = hybrid if position in positions else base
            with torch.no_grad():
                out = model.model(torch.tensor([[token]]), past_key_values=cache, use_cache=True)
        scores = head(out.last_hidden_state[0, -1])
        right.append(scores.argmax().item() == tokenizer.convert_tokens_to_ids(f" {film['second_actor']}"))
    assert value("grafting", "recalled", span=span) == sum(right) / len(right)
