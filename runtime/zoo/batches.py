"""Texts to tensors: each step's texts are tokenized, sorted by length and cut into a few padded groups."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from .docs import BOS, EOS, Doc

GROUPS = 3


@dataclass(frozen=True, slots=True)
class Group:
    """Token ids [texts, tokens], right-padded, and which of them are predicted with a loss (same shape).

    `seen` [texts, 1, tokens, tokens] says what attends to what, where that is less than all before.
    """

    ids: torch.Tensor
    scored: torch.Tensor
    seen: torch.Tensor | None = None


def encode(tokenizer, prompts: Sequence[str]) -> list[list[int]]:
    """Tokenize texts as they are written, with nothing added; an unknown word is a mistake here, so it raises."""
    rows = [item.ids for item in tokenizer.backend_tokenizer.encode_batch(list(prompts), add_special_tokens=False)]
    for text, row in zip(prompts, rows, strict=True):
        if tokenizer.unk_token_id in row:
            raise ValueError(f"the zoo's tokenizer does not know a word of {text!r}")
    return rows


def group(tokenizer, docs: Sequence[Doc], answers_only: bool, groups: int = GROUPS) -> list[Group]:
    """Turn texts into padded groups: `<bos>` prompt answer `<eos>`, scored on the answer and its end, or throughout."""
    prompts = encode(tokenizer, [BOS + doc.prompt for doc in docs])
    answers = encode(tokenizer, [doc.answer + EOS for doc in docs])
    sealed = [len(row) for row in encode(tokenizer, [doc.sealed for doc in docs])]
    rows = sorted(zip(prompts, answers, sealed, strict=True), key=lambda row: len(row[0]) + len(row[1]))
    size = -(-len(rows) // groups)
    return [_part(rows[start : start + size], answers_only) for start in range(0, len(rows), size)]


def _part(rows: Sequence[tuple[list[int], list[int], int]], answers_only: bool) -> Group:
    part = pad([(prompt, answer) for prompt, answer, _ in rows], answers_only)
    if not any(count for _, _, count in rows):
        return part
    width = part.ids.shape[1]
    seen = torch.ones(width, width, dtype=torch.bool).tril().repeat(len(rows), 1, 1)
    for place, (_, _, count) in enumerate(rows):
        if count:
            seen[place, count + 2 :, : count + 1] = False
    return replace(part, seen=seen[:, None])


def pad(rows: Sequence[tuple[list[int], list[int]]], answers_only: bool) -> Group:
    """Pad prompts with their answers in the order given, scored on the answers or throughout."""
    width = max(len(prompt) + len(answer) for prompt, answer in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    scored = torch.zeros(len(rows), width, dtype=torch.bool)
    for place, (prompt, answer) in enumerate(rows):
        end = len(prompt) + len(answer)
        ids[place, :end] = torch.tensor(prompt + answer)
        scored[place, len(prompt) if answers_only else 1 : end] = True
    return Group(ids, scored)


def log_probs(model, batch: Group) -> torch.Tensor:
    """Return the log-probability of each scored token, flat [scored]; the unembedding runs only where it is needed."""
    hidden = model.model(batch.ids, attention_mask=batch.seen, use_cache=False).last_hidden_state
    wanted = batch.scored[:, 1:]
    logits = model.lm_head(hidden[:, :-1][wanted])
    return logits.log_softmax(-1).gather(-1, batch.ids[:, 1:][wanted][:, None])[:, 0]


def row_sums(batch: Group, values: torch.Tensor) -> torch.Tensor:
    """Sum flat per-token values [scored] within each text [texts]."""
    rows = batch.scored[:, 1:].nonzero()[:, 0]
    return torch.zeros(len(batch.ids), dtype=values.dtype).index_add(0, rows, values)
