"""Statements to layout documents, and the cells that adjacent statements align."""

from __future__ import annotations

from dataclasses import dataclass

from . import tree as t
from .attach import Comments
from .expressions import expression, items_in_lines, quoted
from .layout import Cat, Doc, Group, HardLine, Line, Nest, Note, WhenBroken, cat, join, lay_out

_NO_COMMENTS = Comments()
_NO_LIMIT = 1 << 30


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths that adjacent statements share: of the cells before the value, and of the segments of prompts."""

    head: tuple[int, ...]
    segments: tuple[int, ...] = ()


def shared_columns(nodes: list[t.Statement]) -> list[Columns]:
    """The alignments to try for statements of one family, the finest first."""
    head = _widths([cells(node) for node in nodes])
    segments = _segment_widths([n.segments for n in nodes]) if all(isinstance(n, t.Prompts) for n in nodes) else ()
    return [Columns(head, segments), Columns(head)] if segments else [Columns(head)]


def _widths(rows: list[tuple[str, ...]]) -> tuple[int, ...]:
    return tuple(max(map(len, column)) for column in zip(*rows, strict=True))


def _segment_widths(blocks: list[tuple[t.Segment, ...]]) -> tuple[int, ...]:
    """Widths of the segments of several blocks, if all have the same labels."""
    if len({tuple(s.label.text for s in block) for block in blocks}) > 1:
        return ()
    texts = [tuple(flat(expression(s.value, _NO_COMMENTS)) for s in block) for block in blocks]
    return () if any("\n" in text for block in texts for text in block) else _widths(texts)


def family(node: t.Statement) -> tuple | None:
    """What must agree for adjacent statements to be aligned; None for statements that stand alone."""
    match node:
        case t.Define(keyword="model" | "axis"):
            return "model", node.params is None
        case t.Define():
            return node.keyword, node.params is None
        case t.Dataset(names=(_,)):
            return ("dataset",)
        case t.Prompts():
            return ("prompts",)
    return None


def cells(node: t.Statement) -> tuple[str, ...]:
    """The texts before the value that align: keyword, name with parameters, and the source of prompts."""
    match node:
        case t.Define():
            return node.keyword, _named(node)
        case t.Dataset():
            return "dataset", ", ".join(n.text for n in node.names)
        case t.Prompts() | t.Contrast():
            source = "from " + flat(expression(node.source, _NO_COMMENTS)) if node.source else ""
            return "prompts" if isinstance(node, t.Prompts) else "contrast", _named(node), source
    raise TypeError(f"{type(node).__name__} has no cells")


def statement(node: t.Statement, columns: Columns | None, comments: Comments) -> Doc:
    """Make the document of a statement, in the columns that it shares with its neighbours."""
    match node:
        case t.Version():
            return f"probe {node.number.raw}"
        case t.Use():
            head = f"use {quoted(node.path.raw)}" + (f" as {node.alias.text}" if node.alias else "")
            given = _with(node.overrides, comments)
            return Group(cat(head, Nest(cat(Line(), given)))) if given else head
        case t.Prompts():
            return cat(_head(node, columns), " ", _block(node, comments, columns.segments if columns else ()))
        case t.Contrast():
            return cat(_head(node, columns), " ", _sides(node, comments))
    parts: list[Doc] = [_head(node, columns), " = ", expression(node.value, comments)]
    clause = _loop(node.loop, comments) if isinstance(node, t.Define) else _with(node.columns, comments)
    if clause:
        note = comments.trailing.get(id(node.value))
        parts.append(Nest(cat(Note(note.text), HardLine(), clause) if note else cat(Line(), clause)))
    return Group(Cat(tuple(parts)))


def flat(doc: Doc) -> str:
    """Print a document on one line."""
    return "\n".join(row.code for row in lay_out(doc, _NO_LIMIT))


def _named(node: t.Define | t.Prompts | t.Contrast) -> str:
    params = "" if node.params is None else f"({', '.join(p.text for p in node.params)})"
    return node.name.text + params


def _head(node: t.Statement, columns: Columns | None) -> str:
    texts = cells(node)
    widths = columns.head if columns else tuple(map(len, texts))
    return " ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True) if width)


def _loop(loop: t.Loop | None, comments: Comments) -> Doc | None:
    """`for …`: if it does not fit, one name with values per line, with `in` in one column."""
    if loop is None:
        return None
    lines: list[tuple[str, Doc]] = []
    names: list[str] = []
    for binder in loop.binders:
        names.append(binder.name.text)
        if binder.values is not None or binder is loop.binders[-1]:
            values = "" if binder.values is None else cat(" in ", expression(binder.values, comments))
            lines.append((", ".join(names), values))
            names = []
    column = max(len(name) for name, _ in lines)
    docs: list[Doc] = []
    for i, (name, values) in enumerate(lines):
        padding = WhenBroken(" " * (column - len(name))) if values else ""
        docs.append(cat(name, padding, values, "," if i + 1 < len(lines) else ""))
    binders = Nest(join(Line(), docs), 4 if len(docs) > 1 else 0)
    where = (Line(), "where ", expression(loop.where, comments)) if loop.where else ()
    return Group(cat("for ", binders, *where))


def _with(columns: tuple[t.Column, ...], comments: Comments) -> Doc | None:
    """`with …`: if it does not fit, one column per line, with `=` in one column."""
    if not columns:
        return None
    widest = max(len(c.name.text) for c in columns)
    docs: list[Doc] = []
    for column in columns:
        padding = WhenBroken(" " * (widest - len(column.name.text)))
        comma = "," if column is not columns[-1] else ""
        docs.append(cat(column.name.text, padding, " = ", expression(column.value, comments), comma))
    return Group(cat("with ", Nest(join(Line(), docs), 5)))


def _block(node: t.Prompts | t.Side, comments: Comments, widths: tuple[int, ...] = ()) -> Doc:
    """Segments in braces: on one line if they fit, else one per line with their values in one column.

    `widths` are those that the values take on one line, to stand under those of another block.
    """
    if not node.segments and not comments.touches(node, ()):
        return "{}"
    widest = max((len(s.label.text) for s in node.segments), default=0)
    docs: list[Doc] = []
    for i, segment in enumerate(node.segments):
        value = expression(segment.value, comments)
        before = WhenBroken(" " * (widest - len(segment.label.text)))
        after = WhenBroken("", " " * (widths[i] - len(flat(value)))) if i + 1 < len(widths) else ""
        docs.append(cat(segment.label.text, ": ", before, value, after))
    if comments.touches(node, node.segments):
        return Group(cat("{", Nest(items_in_lines(node.segments, docs, node, "", comments)), HardLine(), "}"))
    return Group(cat("{", Nest(cat(Line(), join(Line(), docs))), Line(), "}"))


def _sides(node: t.Contrast, comments: Comments) -> Doc:
    """One side per line; sides with the same labels have their segments in common columns."""
    widths = _segment_widths([side.segments for side in node.sides])
    widest = max(len(side.label.text) for side in node.sides)
    docs: list[Doc] = []
    for side in node.sides:
        padding = " " * (widest - len(side.label.text))
        docs.append(cat(side.label.text, ": ", padding, _block(side, comments, widths)))
    return cat("{", Nest(items_in_lines(node.sides, docs, node, "", comments)), HardLine(), "}")
