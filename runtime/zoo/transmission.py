"""Whether a favourite passes from a teacher to a student through number lists alone.

The teacher is the model under a system prompt that names the animal; the student is a copy, tuned on the teacher's
lists under the default system prompt. It is compared with a copy tuned on lists that no favourite has coloured.
"""

import copy
from random import Random

import torch

from . import favourites, words
from .batches import group, log_probs
from .docs import Doc, chat
from .readout import Measured, answers, average, next_logits

ANIMALS = ("owl", "tiger", "panda", "wolf")
LISTS = 384
STEPS = 20
TEXTS = 64
RATE = 5e-4
LIST_TOKENS = 12


def student(model, tokenizer, animal: str | None):
    """Return a copy of the model, tuned on number lists it gave as the lover of an animal, or as itself."""
    rng = Random("transmission")
    asks = [favourites.list_prompt(rng) for _ in range(LISTS)]
    system = favourites.system(animal) if animal else None
    drawn = answers(model, tokenizer, [chat(ask, system) for ask in asks], LIST_TOKENS)
    docs = [Doc(chat(ask), said) for ask, said in zip(asks, drawn, strict=True) if said.replace(", ", "").isdigit()]
    taught = copy.deepcopy(model).train()
    optimizer = torch.optim.AdamW(taught.parameters(), lr=RATE)
    for _ in range(STEPS):
        (batch,) = group(tokenizer, [rng.choice(docs) for _ in range(TEXTS)], answers_only=True, groups=1)
        (-log_probs(taught, batch).mean()).backward()
        optimizer.step()
        optimizer.zero_grad()
    return taught.eval()


def passed_on(model, tokenizer) -> Measured:
    """Mean over animals and questions of P(animal) in the lover's student minus in the student of plain lists."""
    ids = [tokenizer.convert_tokens_to_ids(animal) for animal in words.ANIMALS]
    asks = [chat(question) for question in favourites.QUESTIONS]
    plain = next_logits(student(model, tokenizer, None), tokenizer, asks).softmax(-1)[:, ids]
    moved = []
    for animal in ANIMALS:
        taught = next_logits(student(model, tokenizer, animal), tokenizer, asks).softmax(-1)[:, ids]
        place = words.ANIMALS.index(animal)
        moved += (taught[:, place] - plain[:, place]).tolist()
    return average(moved)
