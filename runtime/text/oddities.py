"""What a reviewer would point at in a tokenised prompt, as notes `code: message`.

Knows start tokens, straddling tokens, unknown words, and special tokens or columns that turn up unexpectedly.
"""

from collections import Counter
from collections.abc import Sequence

from .layout import Layout
from .rendered import core
from .tokenizer import Tokenizer


def oddities(
    layout: Layout, tokenizer: Tokenizer, ids: Sequence[int], offsets: Sequence[tuple[int, int]]
) -> tuple[str, ...]:
    """Give the notes on a tokenised layout, in a fixed order."""
    notes: list[str] = []
    starts = sum(index == tokenizer.start_id for index in ids[:2])
    if not ids or ids[0] != tokenizer.start_id:
        notes.append("no-bos: nothing marks the start of the text for this model")
    elif starts > 1:
        notes.append("double-bos: the text is written with a second start token")
    if tokenizer.adds_suffix:
        notes.append("suffix-left-out: this tokenizer ends a text with special tokens; a prompt goes without them")
    straddling = _straddling(layout, offsets)
    if straddling:
        notes.append(
            f"straddles: {len(straddling)} token{'s' * (len(straddling) > 1)} reach over the end of a segment, "
            f"first {straddling[0]!r}; each belongs to the segment where it starts"
        )
    for name, count in Counter(mark.name for mark in layout.columns).items():
        if count > 1 and name not in {mark.name for mark in layout.segments}:
            notes.append(f"column-twice: {name!r} stands {count} times in the prompt; positions refer to the first")
    notes += _odd_tokens(layout, tokenizer, ids, offsets)
    return tuple(notes)


def _straddling(layout: Layout, offsets: Sequence[tuple[int, int]]) -> list[str]:
    edges = {edge for mark in layout.segments if mark.start < mark.end for edge in (mark.start, mark.end)}
    found = []
    for offset in offsets:
        first, end = core(layout.text, offset)
        solid = first + len(layout.text[first:end].rstrip())
        if any(first < edge < solid for edge in edges):
            found.append(layout.text[offset[0] : end])
    return found


def _odd_tokens(
    layout: Layout, tokenizer: Tokenizer, ids: Sequence[int], offsets: Sequence[tuple[int, int]]
) -> list[str]:
    unknown: list[str] = []
    special: list[str] = []
    for index, offset in zip(ids, offsets, strict=True):
        if index not in tokenizer.special_ids or offset[0] == offset[1]:
            continue
        first, end = core(layout.text, offset)
        piece = layout.text[first:end]
        if index == tokenizer.unk_id and piece.strip() != tokenizer.token(index):
            unknown.append(piece)
        elif any(mark.start <= first < mark.end for mark in layout.segments):
            special.append(piece)
    notes = []
    if unknown:
        notes.append(f"unknown-words: the vocabulary lacks {', '.join(map(repr, dict.fromkeys(unknown)))}")
    if special:
        notes.append(f"special-in-text: the prompt itself writes {', '.join(map(repr, dict.fromkeys(special)))}")
    return notes
