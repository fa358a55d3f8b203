"""A prompt with more text after it: a generated response, or an answer that is teacher-forced.

Knows how to extend a rendered prompt by ids without tokenising anything again. Does not generate.
"""

from collections.abc import Sequence
from dataclasses import replace

from ..errors import ProbeError
from .answers import answer_ids
from .layout import Mark
from .rendered import Rendered
from .tokenizer import Tokenizer

_UNFINISHED = "\ufffd"


def with_ids(rendered: Rendered, ids: Sequence[int], tokenizer: Tokenizer, *, name: str = "response") -> Rendered:
    """Append tokens exactly as they were chosen, as a segment of their own; special ones add no text."""
    if any(mark.name == name for mark in rendered.segments):
        raise ProbeError("duplicate-segment", f"The prompt already has a segment {name!r}.")
    start = len(rendered.text)
    special = tokenizer.control_ids
    added, lengths = _spell(rendered, ids, tokenizer, special)
    text = rendered.text + added
    offsets = tuple((start + low, start + high) for low, high in lengths)
    pieces = tuple(text[low:high] or tokenizer.token(index) for index, (low, high) in zip(ids, offsets, strict=True))
    return replace(
        rendered,
        text=text,
        ids=rendered.ids + tuple(ids),
        offsets=rendered.offsets + offsets,
        pieces=rendered.pieces + pieces,
        token_kinds=rendered.token_kinds + tuple("special" if index in special else "text" for index in ids),
        segments=(*rendered.segments, Mark(name, start, len(text))),
        spans={**rendered.spans, name: (start, len(text))},
        response_start=len(rendered.ids) if name == "response" else rendered.response_start,
    )


def without_response(rendered: Rendered) -> Rendered:
    """Take away the tokens that a model wrote behind a prompt."""
    count = rendered.response_start
    if count is None:
        return rendered
    parts = {name: getattr(rendered, name)[:count] for name in ("ids", "offsets", "pieces", "token_kinds")}
    start = rendered.spans["response"][0]
    return replace(
        rendered,
        text=rendered.text[:start],
        **parts,
        segments=tuple(mark for mark in rendered.segments if mark.name != "response"),
        spans={name: span for name, span in rendered.spans.items() if name != "response"},
        response_start=None,
    )


def with_answer(rendered: Rendered, answer: str, tokenizer: Tokenizer, *, name: str = "answer") -> Rendered:
    """Append an answer for teacher-forcing, tokenised in the context of the prompt."""
    return with_ids(rendered, answer_ids(tokenizer, rendered, answer, policy="joint").ids, tokenizer, name=name)


def _spell(
    rendered: Rendered, ids: Sequence[int], tokenizer: Tokenizer, special: frozenset[int]
) -> tuple[str, list[tuple[int, int]]]:
    """Decode token by token in a short window; tokens that share a character all get its place."""
    window = [index for index in rendered.ids if index not in special][-4:]
    done = len(window)
    text = ""
    places: list[tuple[int, int]] = []
    waiting = 0
    for number, index in enumerate(ids):
        if index in special:
            places.append((len(text), len(text)))
            continue
        window.append(index)
        waiting += 1
        places.append((len(text), len(text)))
        known = tokenizer.decode(window[:done])
        grown = tokenizer.decode(window)
        if grown.endswith(_UNFINISHED) and number + 1 < len(ids):
            continue
        piece = grown[len(known) :]
        pending = [place for place in range(number + 1 - waiting, number + 1) if ids[place] not in special]
        for place in pending:
            places[place] = (len(text), len(text) + len(piece))
        text += piece
        window = window[max(0, done - 4) :]
        done = len(window)
        waiting = 0
    return text, places
