"""The system prompt that a chat template injects when none is given: where it stands, and how to leave it out.

Knows how to find the block by comparing renderings. Does not know segments or tokens.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..errors import ProbeError
from .skeleton import skeleton
from .tokenizer import Tokenizer


@dataclass(frozen=True)
class Injected:
    """The injected system text, as characters of the text that comes before the first message."""

    start: int
    end: int


@lru_cache(maxsize=256)
def injected(tokenizer: Tokenizer, roles: tuple[str, ...], generation_prompt: bool) -> Injected | None:
    """Find the default system text that the template writes before these messages, or None when it writes none."""
    opening, closing = _system_frame(tokenizer, roles, generation_prompt)
    before = skeleton(tokenizer, roles, generation_prompt)[0]
    if opening is None or closing is None:
        return None
    fits = before.startswith(opening) and before.endswith(closing) and len(before) >= len(opening) + len(closing)
    if not fits:
        return None
    start, end = len(opening), len(before) - len(closing)
    if start == end and opening == _start_text(tokenizer, opening):
        return None
    return Injected(start, end)


@lru_cache(maxsize=256)
def without_system(tokenizer: Tokenizer, roles: tuple[str, ...], generation_prompt: bool) -> str:
    """Give the text before the first message without a system block; raises ProbeError when it cannot be cut out."""
    before = skeleton(tokenizer, roles, generation_prompt)[0]
    opening, closing = _system_frame(tokenizer, roles, generation_prompt)
    if injected(tokenizer, roles, generation_prompt) is None:
        if opening is not None and re.search("system|<<SYS", before, re.IGNORECASE):
            raise _cannot_remove(before)
        return before
    kept = _keep_by_role_word(tokenizer, opening, closing, roles[0])
    kept = kept or _keep_by_turn(tokenizer, opening, closing, roles[0])
    if kept is None:
        raise _cannot_remove(before)
    return kept


def _system_frame(
    tokenizer: Tokenizer, roles: tuple[str, ...], generation_prompt: bool
) -> tuple[str | None, str | None]:
    try:
        chunks = skeleton(tokenizer, ("system", *roles), generation_prompt)
    except ProbeError:  # a template without a system role has no block to find
        return None, None
    return chunks[0], chunks[1]


def _keep_by_role_word(tokenizer: Tokenizer, opening: str, closing: str, role: str) -> str | None:
    """Cut from the header that says `system` to the like header that says the next role."""
    first, second = _pieces(tokenizer, opening), _pieces(tokenizer, closing)
    for i, piece in enumerate(first):
        header = piece.lower().replace("system", role)
        if header == piece.lower():
            continue
        for j in reversed(range(len(second))):
            if second[j].lower() != header:
                continue
            while i and j and first[i - 1] == second[j - 1]:
                i, j = i - 1, j - 1
            return "".join(first[:i]) + "".join(second[j:])
    return None


def _keep_by_turn(tokenizer: Tokenizer, opening: str, closing: str, role: str) -> str | None:
    """Take as the next role's header what a system block and an assistant's turn are both followed by."""
    try:
        between = skeleton(tokenizer, (role, "assistant", role), False)[2]
    except ProbeError:  # a template that refuses such a chat tells nothing
        return None
    if between == closing:
        return None
    first, second = _pieces(tokenizer, between), _pieces(tokenizer, closing)
    shared: list[str] = []
    while first and second and first[-1] == second[-1]:
        shared.insert(0, first.pop())
        second.pop()
    return _start_text(tokenizer, opening) + "".join(shared) if shared else None


def _pieces(tokenizer: Tokenizer, text: str) -> Sequence[str]:
    added = "|".join(re.escape(token) for token in tokenizer.added_contents)
    pattern = f"{added}|\n|[^\n]+?(?={added}|\n|$)" if added else "\n|[^\n]+"
    return re.findall(pattern, text)


def _start_text(tokenizer: Tokenizer, text: str) -> str:
    start = tokenizer.named_tokens.get("bos_token", "")
    return start if text.startswith(start) else ""


def _cannot_remove(before: str) -> ProbeError:
    return ProbeError(
        "system-block-stays",
        f"The chat template writes a system block that cannot be cut out: {before!r}.",
        "Use `empty`, or write the prompt as raw segments.",
    )
