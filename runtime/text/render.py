"""Renders a template for a row and a tokenizer: lays it out, tokenises it as a whole, and notes what is odd.

Knows the start-of-text rule and the kinds of tokens. Does not know token expressions.
"""

import sys
from collections.abc import Mapping
from typing import Any

from .layout import Layout, Mark, lay_out
from .oddities import oddities
from .rendered import Rendered, TokenKind, core
from .template import SystemMode, Template, fill
from .tokenizer import Tokenizer


def render(
    template: Template,
    row: Mapping[str, Any],
    tokenizer: Tokenizer,
    *,
    system: SystemMode | None = None,
    close: bool = False,
) -> Rendered:
    """Render a template for a row as this model reads it; `system` replaces the system prompt by one of its modes.

    A chat gets the generation prompt, unless it ends with an assistant message: then the text ends where that message's
    text ends, or, with `close`, where the template ends it. Raises ProbeError when something cannot be laid out.
    """
    layout = lay_out(template, row, tokenizer, system=system, close=close)
    targets = {
        segment.name: fill(segment.text, row).text
        for segment in template.segments
        if segment.is_target and isinstance(segment.text, str)
    }
    return tokenise(layout, tokenizer, targets)


def render_text(text: str, tokenizer: Tokenizer, *, name: str = "body") -> Rendered:
    """Render a plain text as one raw segment, without placeholders."""
    return tokenise(Layout(text, (Mark(name, 0, len(text)),), ()), tokenizer, {})


def tokenise(layout: Layout, tokenizer: Tokenizer, targets: Mapping[str, str]) -> Rendered:
    """Tokenise a layout as a whole, with exactly one start token if the tokenizer adds one."""
    text = layout.text
    encoded = tokenizer.encode(text)
    prefix = tokenizer.prefix_ids
    if encoded.ids and encoded.ids[0] in (tokenizer.start_id, *prefix[:1]):
        prefix = ()
    ids = prefix + encoded.ids
    offsets = ((0, 0),) * len(prefix) + encoded.offsets
    cores = tuple(core(text, offset) for offset in offsets)
    kinds = tuple(_kind(layout, tokenizer, *pair) for pair in zip(ids, cores, strict=True))
    spelled = (text[start:end] or tokenizer.token(index) for index, (start, end) in zip(ids, offsets, strict=True))
    pieces = tuple(map(sys.intern, spelled))
    segments = layout.segments if layout.injected is None else (layout.injected, *layout.segments)
    spans: dict[str, tuple[int, int]] = {}
    for mark in (*segments, *layout.columns):
        spans.setdefault(mark.name, (mark.start, mark.end))
    notes = layout.notes + oddities(layout, tokenizer, ids, cores)
    return Rendered(text, ids, offsets, pieces, kinds, segments, spans, dict(targets), notes, tokenizer.start_id)


def _kind(layout: Layout, tokenizer: Tokenizer, index: int, characters: tuple[int, int]) -> TokenKind:
    first, end = characters
    if first == end:
        return "special"
    if index in tokenizer.special_ids:
        unknown_word = index == tokenizer.unk_id and layout.text[first:end].strip() != tokenizer.token(index)
        if not unknown_word:
            return "special"
    for mark in layout.segments:
        if mark.start <= first < mark.end:
            return "text"
    return "template"
