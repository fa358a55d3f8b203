"""Answers as tokens: which token a measure looks for when a text is the answer to a prompt.

Knows leading spaces, answers of several tokens, and tokenising in context. Does not know logits.
"""

from dataclasses import dataclass
from typing import Literal

from ..errors import ProbeError
from .rendered import Rendered
from .tokenizer import Tokenizer

Policy = Literal["error", "first", "joint"]
LeadingSpace = Literal["as-written", "yes", "no"]


@dataclass(frozen=True)
class AnswerToken:
    """The first token of an answer, and all of them; `in_context`: tokenised together with the prompt, not alone."""

    id: int
    text: str
    n_tokens: int
    ids: tuple[int, ...]
    in_context: bool


def answer_ids(
    tokenizer: Tokenizer,
    prompt: Rendered | str,
    answer: str,
    *,
    policy: Policy = "error",
    leading_space: LeadingSpace = "as-written",
) -> AnswerToken:
    """Find the tokens of an answer after a prompt; raises ProbeError for several tokens unless the policy allows them.

    `first` takes the first of several, `joint` keeps all. The answer is tokenised together with the prompt; when the
    two merge into one token, or the prompt is not its own tokenisation, it is tokenised alone.
    """
    if leading_space != "as-written":
        answer = (" " if leading_space == "yes" else "") + answer.lstrip(" ")
    if not answer:
        raise ProbeError("empty-answer", "An answer has no text.")
    ids = _after(tokenizer, prompt, answer)
    in_context = ids is not None
    if ids is None:
        ids = _alone(tokenizer, answer)
    _check(tokenizer, answer, ids, policy)
    return AnswerToken(ids[0], _spelled(tokenizer, ids[0]), len(ids), ids, in_context)


def _after(tokenizer: Tokenizer, prompt: Rendered | str, answer: str) -> tuple[int, ...] | None:
    text = prompt if isinstance(prompt, str) else prompt.text
    before = tokenizer.encode(text).ids
    if isinstance(prompt, Rendered) and prompt.ids[len(prompt.ids) - len(before) :] != before:
        return None
    both = tokenizer.encode(text + answer).ids
    return both[len(before) :] if both[: len(before)] == before and len(both) > len(before) else None


def _alone(tokenizer: Tokenizer, answer: str) -> tuple[int, ...]:
    """Tokenise after a line break, where tokenizers that put a space before a text have done so already."""
    before = tokenizer.encode("\n").ids
    both = tokenizer.encode("\n" + answer).ids
    if before and both[: len(before)] == before and len(both) > len(before):
        return both[len(before) :]
    return tokenizer.encode(answer).ids


def _check(tokenizer: Tokenizer, answer: str, ids: tuple[int, ...], policy: Policy) -> None:
    if not ids:
        raise ProbeError("answer-has-no-token", f"This tokenizer makes no token of the answer {answer!r}.")
    if tokenizer.unk_id is not None and tokenizer.unk_id in ids and answer.strip() != tokenizer.token(tokenizer.unk_id):
        raise ProbeError(
            "answer-unknown",
            f"The answer {answer!r} is not in this model's vocabulary.",
            "Check spelling, capitals and the leading space.",
        )
    if len(ids) > 1 and policy == "error":
        shown = " + ".join(repr(_spelled(tokenizer, index)) for index in ids)
        raise ProbeError(
            "answer-of-several-tokens",
            f"The answer {answer!r} is {len(ids)} tokens for this model: {shown}.",
            'Say multi="first" to measure the first, multi="joint" to measure all, or choose other answers.',
        )


def _spelled(tokenizer: Tokenizer, index: int) -> str:
    """Spell a token with its space; decoding alone drops the space in some tokenizers."""
    token = tokenizer.token(index)
    decoded = tokenizer.decode([index])
    return f" {decoded}" if token[:1] in ("▁", "Ġ") and not decoded.startswith(" ") else decoded
