"""Runs of the examples, each made once, and their models by hand: plain transformers and hooks."""

from contextlib import contextmanager
from functools import cache
from pathlib import Path

import polars as pl
import torch

from probelang.api import run
from probelang.runtime.zoo import zoo_path
from probelang.runtime.zoo.checkpoint import load

EXAMPLES = Path(__file__).parent.parent / "examples"

# texts are few here; the claims about all of them are tested on the specs as they stand, which is slow
FEW = {
    "names": {"writes": 24},
    "framing": {"writes": 1},
    "persona": {"writes": 2, "pairs": 12, "steps": ["step-300", "step-600", "main"]},
}


@cache
def ran(spec: str, tuned: str | None, whole: bool = False):
    """The run of an example, of its sibling where one is named; of few texts unless `whole`."""
    params = {} if whole else dict(FEW.get(spec, {}))
    if spec == "persona" and tuned:
        params |= {"trained": tuned, "steps": ["main"], "early": "main", "before": "main"}
    return run(EXAMPLES / f"{spec}.probe", params | ({"tuned": tuned} if tuned else {}), replicates=100)


@cache
def model_of(name: str):
    """A model of the zoo and its tokenizer, as transformers loads them."""
    return load(zoo_path(name))


def value(spec: str, table: str, /, tuned: str | None = None, **labels: object) -> float:
    """The one cell of a statistic with these labels."""
    frame = ran(spec, tuned).tables[table]
    for axis, label in labels.items():
        frame = frame.filter(pl.col(axis) == label)
    assert frame.height == 1
    return frame["value"][0]


def logits(model, tokenizer, text: str) -> torch.Tensor:
    """Next-token logits after a text that starts with `<bos>`."""
    with torch.no_grad():
        return model(torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])).logits[0, -1]


def residuals(model, tokenizer, text: str) -> list[torch.Tensor]:
    """What each block leaves at every token [tokens, width]; by hooks, since the last hidden state is normed."""
    found: list[torch.Tensor] = []
    with edited(model, {layer: found.append for layer in range(6)}):
        logits(model, tokenizer, text)
    return found


@contextmanager
def edited(model, changes):
    """Let functions change in place, or look at, a copy of what a block leaves [tokens, width]."""

    def hook(change):
        def apply(_, __, out):
            hidden = out.clone()
            change(hidden[0])
            return hidden

        return apply

    hooks = [model.model.layers[layer].register_forward_hook(hook(change)) for layer, change in changes.items()]
    try:
        yield
    finally:
        for one in hooks:
            one.remove()
