"""Shows a prompt token by token: text, id, segment, and which positions were asked for.

Knows layout on a terminal, and degrades to plain text. Does not know how positions are found.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .positions import TokenExpression, positions
from .rendered import Rendered

if TYPE_CHECKING:
    from rich.text import Text

_VISIBLE = str.maketrans({" ": "·", "\n": "↵", "\t": "→"})
_COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "red")


def preview(rendered: Rendered, expressions: Mapping[str, TokenExpression], *, width: int = 100) -> "Text":
    """Build what `probe tokens` prints; its `.plain` is the form for files and pipes."""
    from rich.text import Text

    marks = {name: set(positions(rendered, expression)) for name, expression in expressions.items()}
    letters = dict(zip(marks, _letters(len(marks)), strict=True))
    names = list(dict.fromkeys(mark.name for mark in rendered.segments))
    colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}
    columns = [_column(rendered, position, marks, letters) for position in range(len(rendered.ids))]
    result = Text(no_wrap=True)
    for block in _blocks(columns, width):
        sizes = [max(len(cell) for cell in columns[position]) for position in block]
        for line in range(4):
            cells = Text()
            for position, size in zip(block, sizes, strict=True):
                cell = columns[position][line].ljust(size)
                cells.append(cell, style=_style(rendered, position, line, colours))
                cells.append(" ")
            cells.rstrip()
            if cells.plain:
                result.append_text(cells).append("\n")
        result.append("\n")
    for name, found in marks.items():
        result.append(f"{letters[name]}  {name}: {', '.join(map(str, sorted(found))) or 'none'}\n", style="bold")
    for note in rendered.notes:
        result.append(f"note  {note}\n", style="dim")
    return result


def _column(
    rendered: Rendered, position: int, marks: Mapping[str, set[int]], letters: Mapping[str, str]
) -> tuple[str, str, str, str]:
    kind = rendered.token_kinds[position]
    owner = rendered.token_segments[position] or kind
    before = rendered.token_segments[position - 1] or rendered.token_kinds[position - 1] if position else None
    text = rendered.pieces[position].translate(_VISIBLE)
    asked = "".join(letters[name] for name, found in marks.items() if position in found)
    return text, str(rendered.ids[position]), owner if owner != before else "", asked


def _blocks(columns: list[tuple[str, str, str, str]], width: int) -> list[list[int]]:
    blocks: list[list[int]] = []
    used = width
    for position, column in enumerate(columns):
        size = max(len(cell) for cell in column) + 1
        if used + size > width:
            blocks.append([])
            used = 0
        blocks[-1].append(position)
        used += size
    return blocks


def _style(rendered: Rendered, position: int, line: int, colours: Mapping[str, str]) -> str:
    if line == 3:
        return "bold"
    colour = colours.get(rendered.token_segments[position] or "", "")
    if line == 1 or rendered.token_kinds[position] != "text":
        return f"dim {colour}".strip()
    return colour


def _letters(count: int) -> list[str]:
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return [alphabet[index] if index < len(alphabet) else f"[{index}]" for index in range(count)]
