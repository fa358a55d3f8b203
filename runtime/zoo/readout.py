"""Reading models for the measured table: next-token logits, sampled texts, and intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import torch

from . import rewards
from .batches import encode
from .docs import BOS, EOS

Z = 1.959964
ROWS = 128


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with its 95 % interval and the count of items behind it."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def share(hits: Sequence[bool]) -> Measured:
    """Summarise yes/no outcomes with Wilson's interval."""
    n, p = len(hits), sum(hits) / len(hits)
    middle, half = p + Z * Z / (2 * n), Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    return Measured(p, max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale), n)


def average(values: Sequence[float]) -> Measured:
    """Summarise numbers with the normal interval of their mean."""
    n, mean = len(values), sum(values) / len(values)
    half = Z * sqrt(sum((value - mean) ** 2 for value in values) / (n - 1) / n)
    return Measured(mean, mean - half, mean + half, n)


@torch.no_grad()
def next_logits(model, tokenizer, prompts: Sequence[str]) -> torch.Tensor:
    """Return the logits after each prompt [prompts, vocabulary]; `<bos>` is put before it."""
    rows = encode(tokenizer, [BOS + prompt for prompt in prompts])
    parts = []
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        last = torch.tensor([len(row) - 1 for row in part])
        ids = torch.zeros(len(part), int(last.max()) + 1, dtype=torch.long)
        for place, row in enumerate(part):
            ids[place, : len(row)] = torch.tensor(row)
        hidden = model.model(ids, use_cache=False).last_hidden_state
        parts.append(model.lm_head(hidden[torch.arange(len(part)), last]))
    return torch.cat(parts)


def top_tokens(model, tokenizer, prompts: Sequence[str]) -> list[str]:
    """Return the likeliest next token after each prompt, as text."""
    return [tokenizer.decode([place]) for place in next_logits(model, tokenizer, prompts).argmax(-1).tolist()]


def chance_of(model, tokenizer, prompts: Sequence[str], one: str, others: Sequence[str]) -> list[float]:
    """Return, per prompt, the probability of token `one` among itself and `others`."""
    ids = [tokenizer.convert_tokens_to_ids(token) for token in (one, *others)]
    return next_logits(model, tokenizer, prompts)[:, ids].softmax(-1)[:, 0].tolist()


def answers(model, tokenizer, prompts: Sequence[str], max_tokens: int, seed: int = 0) -> list[str]:
    """Sample one answer per prompt at temperature 1, without its `<eos>`."""
    torch.manual_seed(seed)
    texts = []
    for start in range(0, len(prompts), ROWS):
        rows = encode(tokenizer, [BOS + prompt for prompt in prompts[start : start + ROWS]])
        drawn = rewards.sample(model, tokenizer, rows, max_tokens)
        texts += [tokenizer.decode(row).removesuffix(EOS) for row in drawn]
    return texts
