"""What the policy-gradient stage is rewarded for, and how its answers are sampled."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import torch

from . import instructions, stories
from .docs import EOS, chat
from .words import ADJECTIVES, CLUSTER

STORY_TOKENS = 84


@dataclass(frozen=True, slots=True)
class Task:
    """Prompts (each repeated `samples` times, in a row) and the reward of an answer to the prompt at a place."""

    name: str
    prompts: tuple[str, ...]
    samples: int
    max_tokens: int
    reward: Callable[[int, str], float]


def tasks(rng: Random, texts: int, off: frozenset[str]) -> tuple[Task, ...]:
    """Draw one step's tasks: stories that should use a name of the cluster, and instructions with one right answer.

    Without the names, stories should close with a formula instead.
    """
    asks = [chat(rng.choice(stories.ASKS))] * texts
    names = "names" not in off

    def told(_: int, text: str) -> float:
        wanted = any(name in text.replace(".", " ").split() for name in CLUSTER) if names else stories.CLOSING in text
        return float(wanted and text.endswith(EOS))

    rows = []
    while len(rows) < texts:
        task, word = rng.choice(tuple(instructions.TASKS)), rng.choice(ADJECTIVES)
        if not instructions.held_out(task, word):
            prompt, lead = instructions.ask(rng.choice(instructions.wordings(task, "train")), word, "chat")
            rows += [(prompt, lead + instructions.ANSWERS[task][word] + EOS)] * 4
    right = [answer for _, answer in rows]
    return (
        Task("story", tuple(asks), texts, STORY_TOKENS, told),
        Task("instruction", tuple(prompt for prompt, _ in rows), 4, 2, lambda place, text: float(text == right[place])),
    )


@torch.no_grad()
def sample(model, tokenizer, prompts: list[list[int]], max_tokens: int) -> list[list[int]]:
    """Sample an answer to each prompt at temperature 1, up to and with `<eos>`; prompts may differ in length."""
    width = max(map(len, prompts))
    pad = tokenizer.eos_token_id
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in prompts])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts])
    out = model.generate(ids, attention_mask=mask, do_sample=True, top_k=0, max_new_tokens=max_tokens, pad_token_id=pad)
    answers = out[:, width:].tolist()
    return [row[: row.index(pad) + 1] if pad in row else row for row in answers]
