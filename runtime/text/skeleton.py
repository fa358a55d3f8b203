"""Where a chat template puts each message: the fixed text between messages, found by rendering marks.

Knows how to line up a rendered chat with its contents. Does not know segments or tokens.
"""

from collections.abc import Sequence
from functools import lru_cache

from ..errors import ProbeError
from .chat import render_chat
from .tokenizer import Tokenizer

# Private-use characters: no template and hardly any text has them.
_MARK = "\ue000{}\ue001"


@lru_cache(maxsize=256)
def skeleton(tokenizer: Tokenizer, roles: tuple[str, ...], generation_prompt: bool) -> tuple[str, ...]:
    """Give the template's own text before, between and after messages of these roles (one more than messages).

    Raises ProbeError when the template leaves a message out, repeats it, or changes the order.
    """
    marks = [_MARK.format(index) for index in range(len(roles))]
    text = render_chat(tokenizer, list(zip(roles, marks, strict=True)), generation_prompt=generation_prompt)
    chunks: list[str] = []
    end = 0
    for role, mark in zip(roles, marks, strict=True):
        start = text.find(mark, end)
        if start < 0 or text.count(mark) > 1:
            raise ProbeError(
                "chat-template-drops-message",
                f"The model's chat template does not write the {role} message exactly once and in its place.",
                "Use the roles that this model knows.",
            )
        chunks.append(text[end:start])
        end = start + len(mark)
    return (*chunks, text[end:])


def place(text: str, chunks: Sequence[str], contents: Sequence[str]) -> list[tuple[int, int, int]] | None:
    """Find each content in a rendered chat as (start, end, characters trimmed on its left).

    Templates may trim a message; any other change gives None.
    """
    if not text.startswith(chunks[0]):
        return None
    places: list[tuple[int, int, int]] = []
    cursor = len(chunks[0])
    for content, chunk in zip(contents, chunks[1:], strict=True):
        for variant in (content, content.strip(), content.rstrip(), content.lstrip()):
            if text.startswith(variant + chunk, cursor):
                break
        else:
            return None
        lead = len(content) - len(content.lstrip()) if variant and not content.startswith(variant) else 0
        places.append((cursor, cursor + len(variant), lead))
        cursor += len(variant) + len(chunk)
    return places if cursor == len(text) else None


def search(text: str, contents: Sequence[str]) -> list[tuple[int, int, int]] | None:
    """Find each content in order by looking for its trimmed text, when the template's own text depends on it."""
    places: list[tuple[int, int, int]] = []
    cursor = 0
    for content in contents:
        variant = content if text.find(content, cursor) >= 0 else content.strip()
        start = text.find(variant, cursor)
        if start < 0:
            return None
        lead = len(content) - len(content.lstrip()) if variant != content else 0
        cursor = start + len(variant)
        places.append((start, cursor, lead))
    return places
