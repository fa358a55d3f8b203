"""What a reviewer would point at in a tokenised prompt, as notes `code: message`.

Knows start tokens, straddling tokens, unknown words, and special tokens or columns that turn up unexpectedly.
"""

from collections import Counter
from collections.abc import Sequence

from .layout import Layout
from .tokenizer import Tokenizer


def oddities(
    layout: Layout, tokenizer: Tokenizer, ids: Sequence[int], cores: Sequence[tuple[int, int]]
) -> tuple[str, ...]:
    """Give the notes on a tokenised layout, in a fixed order; `cores` are characters without leading white space."""
    notes: list[str] = []
    starts = sum(index == tokenizer.start_id for index in ids[:2])
    if not ids or ids[0] != tokenizer.start_id:
        notes.append("no-bos: nothing marks the start of the text for this model")
    elif starts > 1:
        notes.append("double-bos: the text is written with a second start token")
    if tokenizer.adds_suffix:
        notes.append("suffix-left-out: this tokenizer ends a text with special tokens; a prompt goes without them")
    straddling = _straddling(layout, cores)
    if straddling:
        notes.append(
            f"straddles: {len(straddling)} token{'s' * (len(straddling) > 1)} reach over the end of a segment, "
            f"first {straddling[0]!r}; each belongs to the segment where it starts"
        )
    for name, count in Counter(mark.name for mark in layout.columns).items():
        if count > 1 and name not in {mark.name for mark in layout.segments}:
            notes.append(f"column-twice: {name!r} stands {count} times in the prompt; positions refer to the first")
    notes += _odd_tokens(layout, tokenizer, ids, cores)
    return tuple(notes)


def _straddling(layout: Layout, cores: Sequence[tuple[int, int]]) -> list[str]:
    edges = {edge for mark in layout.segments if mark.start < mark.end for edge in (mark.start, mark.end)}
    over = {pair: edge for edge in edges for pair in cores if pair[0] < edge < pair[1]}
    pieces = {first: (layout.text[first:end].rstrip(), edge - first) for (first, end), edge in over.items()}
    return [piece for _, (piece, length) in sorted(pieces.items()) if length < len(piece)]


def _odd_tokens(
    layout: Layout, tokenizer: Tokenizer, ids: Sequence[int], cores: Sequence[tuple[int, int]]
) -> list[str]:
    unknown: list[str] = []
    special: list[str] = []
    for index, (first, end) in zip(ids, cores, strict=True):
        if index not in tokenizer.special_ids or first == end:
            continue
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
