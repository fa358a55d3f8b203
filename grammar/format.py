"""The canonical style: comments are kept, meaning never changes, and formatting twice changes nothing.

A clause that does not fit goes to the next line; statements of one kind in adjacent lines share their columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import tree as t
from .attach import Comments, attach
from .diagnostics import Diagnostic
from .layout import Note, Row, cat, lay_out
from .parse import parse
from .statements import Columns, family, shared_columns, statement

WIDTH = 100
NOTE_COLUMN = 57  # where trailing comments start, unless the code is longer


class NotFormatted(ValueError):
    """The text has syntax errors, so there is no tree to write out; `diagnostics` holds them."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


def format(text: str, width: int = WIDTH) -> str:
    """Format a spec. Raises `NotFormatted` if it does not parse."""
    spec, problems = parse(text)
    if problems:
        raise NotFormatted(problems)
    return format_tree(spec, text, width)


def format_tree(spec: t.Spec, text: str, width: int = WIDTH) -> str:
    """Format the tree of `text`, which gives the blank lines that are kept."""
    comments = attach(spec)
    entries = _entries(spec, text, comments)
    for block in _blocks(entries):
        _align(block, comments, width)
    rows: list[Row] = []
    for entry in entries:
        rows += [Row()] if entry.blank_before and rows else []
        rows += [Row(entry.code)] if entry.node is None else _rows(entry, comments, width)
    return "".join(line + "\n" for line in _lines(rows))


@dataclass(slots=True)
class _Entry:
    """A line of comment (`code`) or a statement, in the order of the file."""

    blank_before: bool
    code: str = ""
    node: t.Statement | None = None
    columns: Columns | None = None


def _entries(spec: t.Spec, text: str, comments: Comments) -> list[_Entry]:
    entries: list[_Entry] = []
    end = 0  # of what was last written, in the source
    for node in spec.statements:
        above = comments.above.get(id(node), [])
        moved = [c for c in above if c.span.start > node.span.start]
        for comment in (c for c in above if c.span.start < node.span.start):
            entries.append(_Entry(_blank(text, end, comment.span.start), comment.text))
            end = comment.span.end
        blank = _blank(text, end, node.span.start)
        entries += [_Entry(blank and i == 0, c.text) for i, c in enumerate(moved)]
        entries.append(_Entry(blank and not moved, node=node))
        trailing = comments.trailing.get(id(node))
        end = trailing.span.end if trailing else node.span.end
    for comment in comments.last.get(id(spec), []):
        entries.append(_Entry(_blank(text, end, comment.span.start), comment.text))
        end = comment.span.end
    return entries


def _blank(text: str, start: int, end: int) -> bool:
    return text.count("\n", start, end) > 1


def _blocks(entries: list[_Entry]) -> list[list[_Entry]]:
    """Runs of statements of one family, with no blank line or comment between them."""
    blocks: list[list[_Entry]] = []
    last = None
    for entry in entries:
        kind = family(entry.node) if entry.node else None
        if kind is None:
            last = None
            continue
        if kind == last and not entry.blank_before:
            blocks[-1].append(entry)
        else:
            blocks.append([entry])
        last = kind
    return blocks


def _align(block: list[_Entry], comments: Comments, width: int) -> None:
    """Give the statements of a block common columns; prompts that take several lines stand apart."""
    run: list[_Entry] = []
    for entry in [*block, None]:
        if entry is not None and not _breaks(entry.node, None, comments, width):
            run.append(entry)
            continue
        if len(run) > 1:
            _align_run(run, comments, width)
        run = []


def _align_run(run: list[_Entry], comments: Comments, width: int) -> None:
    for columns in shared_columns([entry.node for entry in run]):
        broken = [_breaks(entry.node, columns, comments, width) for entry in run]
        if not any(broken):
            for entry in run:
                entry.columns = columns
            return
    left_out = broken.index(True)
    for part in (run[:left_out], run[left_out + 1 :]):
        if len(part) > 1:
            _align_run(part, comments, width)


def _breaks(node: t.Statement, columns: Columns | None, comments: Comments, width: int) -> bool:
    return isinstance(node, t.Prompts) and len(lay_out(statement(node, columns, comments), width)) > 1


def _rows(entry: _Entry, comments: Comments, width: int) -> list[Row]:
    note = comments.trailing.get(id(entry.node))
    doc = statement(entry.node, entry.columns, comments)
    return lay_out(cat(doc, Note(note.text)) if note else doc, width)


def _lines(rows: list[Row]) -> list[str]:
    """Join code and trailing comments; comments of adjacent lines stand in one column."""
    lines: list[str] = []
    for index, row in enumerate(rows):
        if not row.note:
            lines.append(row.code)
            continue
        first, last = index, index
        while first and rows[first - 1].note:
            first -= 1
        while last + 1 < len(rows) and rows[last + 1].note:
            last += 1
        column = max(NOTE_COLUMN, *(len(r.code) + 2 for r in rows[first : last + 1]))
        lines.append(row.code.ljust(column) + row.note)
    return lines
