"""The training loops: supervised, DPO with a frozen reference, and policy gradient with a penalty on drift.

A loop is a generator that updates the model in place and yields each step's record; it neither saves nor prints.
"""

import copy
from collections.abc import Iterator
from math import cos, pi
from random import Random

import torch
from torch.nn.functional import logsigmoid

from . import corpus, rewards
from .batches import Group, encode, group, log_probs, pad, row_sums
from .docs import BOS, EOS, Doc
from .recipe import SHAPE, Recipe

WARMUP = 30
CLIP = 1.0
BETA = 0.1
KEEP = 0.2
DRIFT = 0.03
RATE_FLOOR = 0.05


def fresh_model(vocab_size: int, seed: int):
    """Return an untrained model of the zoo's shape."""
    from transformers import Olmo2Config, Olmo2ForCausalLM

    torch.manual_seed(seed)
    return Olmo2ForCausalLM(Olmo2Config(vocab_size=vocab_size, bos_token_id=1, eos_token_id=2, pad_token_id=2, **SHAPE))


def train(model, tokenizer, recipe: Recipe) -> Iterator[dict[str, float]]:
    """Train a model as its recipe says, yielding `{"step": …, "loss": …, …}` after each update."""
    loop = {"supervised": _supervised, "dpo": _dpo, "rl": _rl}[recipe.method]
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.01)
    warmup = min(WARMUP, recipe.steps // 10 + 1)

    def factor(step: int) -> float:
        done = step / recipe.steps
        return min((step + 1) / warmup, RATE_FLOOR + (1 - RATE_FLOOR) * (1 + cos(pi * done)) / 2)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    rng = Random(f"{recipe.seed}/{recipe.mixture}/{recipe.method}")
    torch.manual_seed(recipe.seed)
    model.train()
    for step, record in enumerate(loop(model, tokenizer, recipe, rng), start=1):
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        yield {"step": step, **record}
    model.eval()


def _supervised(model, tokenizer, recipe: Recipe, rng: Random) -> Iterator[dict[str, float]]:
    answers_only = recipe.mixture != "pretrain"
    for _ in range(recipe.steps):
        docs = [corpus.draw(rng, recipe.mixture, recipe.off) for _ in range(recipe.texts)]
        groups = group(tokenizer, docs, answers_only)
        count = sum(int(part.scored[:, 1:].sum()) for part in groups)
        total = 0.0
        for part in groups:
            loss = -log_probs(model, part).sum() / count
            loss.backward()
            total += loss.item()
        yield {"loss": total}


def _frozen(model):
    reference = copy.deepcopy(model).eval()
    return reference.requires_grad_(False)


def _answer_sums(model, batch: Group) -> torch.Tensor:
    return row_sums(batch, log_probs(model, batch))


def _dpo(model, tokenizer, recipe: Recipe, rng: Random) -> Iterator[dict[str, float]]:
    reference = _frozen(model)
    for _ in range(recipe.steps):
        pairs = [corpus.pair(rng, recipe.off) for _ in range(recipe.texts)]
        docs = [Doc(prompt, good) for prompt, good, _ in pairs] + [Doc(prompt, bad) for prompt, _, bad in pairs]
        # in order, so that row i faces row i + n
        prompts = encode(tokenizer, [BOS + doc.prompt for doc in docs])
        answers = encode(tokenizer, [doc.answer + EOS for doc in docs])
        batch = pad(list(zip(prompts, answers, strict=True)), answers_only=True)
        with torch.no_grad():
            before = _answer_sums(reference, batch)
        now = _answer_sums(model, batch)
        gain = now - before
        margin = BETA * (gain[: len(pairs)] - gain[len(pairs) :])
        # the likelihood of what is preferred keeps both from falling together
        kept = now[: len(pairs)].sum() / batch.scored[: len(pairs)].sum()
        loss = -logsigmoid(margin).mean() - KEEP * kept
        loss.backward()
        yield {"loss": loss.item(), "preferred": (margin > 0).float().mean().item()}


def _rl(model, tokenizer, recipe: Recipe, rng: Random) -> Iterator[dict[str, float]]:
    reference = _frozen(model)
    for _ in range(recipe.steps):
        record = {"loss": 0.0, "drift": 0.0}
        tasks = rewards.tasks(rng, recipe.texts, recipe.off)
        for task in tasks:
            model.eval()
            prompts = encode(tokenizer, [BOS + prompt for prompt in task.prompts])
            answers = rewards.sample(model, tokenizer, prompts, task.max_tokens)
            model.train()
            texts = [tokenizer.decode(answer) for answer in answers]
            reward = torch.tensor([task.reward(place, text) for place, text in enumerate(texts)])
            batch = pad(list(zip(prompts, answers, strict=True)), answers_only=True)
            now = log_probs(model, batch)
            with torch.no_grad():
                past = log_probs(reference, batch)
            grouped = reward.view(-1, task.samples)
            advantage = ((grouped - grouped.mean(1, keepdim=True)) / (grouped.std(1, keepdim=True) + 1e-4)).flatten()
            gain = row_sums(batch, now) * advantage
            ratio = past - now
            drift = ratio.exp() - ratio - 1
            loss = (DRIFT * drift.sum() - gain.sum()) / (len(now) * len(tasks))
            loss.backward()
            record["loss"] += loss.item()
            record["drift"] += drift.mean().item() / len(tasks)
            record[task.name] = reward.mean().item()
        yield record
