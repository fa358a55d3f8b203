"""Expressions to layout documents. Knows nothing of statements."""

from __future__ import annotations

import re

from . import tree as t
from .attach import Comments
from .layout import Cat, Doc, Fill, Group, HardLine, Line, Nest, Note, cat, join

_PIECE = re.compile(r"\\.|[^\\]", re.DOTALL)
_LEVELS = ({"or"}, {"and"}, {"==", "!=", "<", "<=", ">", ">="}, {"+", "-"}, {"*", "/", "%"}, {"**"})


def expression(node: t.Expr | t.Argument, comments: Comments) -> Doc:
    """Make the document of an expression or an argument."""
    match node:
        case t.Name():
            return node.text
        case t.Number():
            return node.raw
        case t.String():
            return quoted(node.raw)
        case t.Bool():
            return "true" if node.value else "false"
        case t.Paren():
            return cat("(", expression(node.inner, comments), ")")
        case t.Argument(name=None):
            return expression(node.value, comments)
        case t.Argument():
            return cat(node.name, "=", expression(node.value, comments))
        case t.List():
            return _bracketed("[", node, node.items, "]", comments)
        case t.Call():
            return cat(expression(node.function, comments), _bracketed("(", node, node.arguments, ")", comments))
        case t.Select():
            return cat(expression(node.base, comments), _bracketed("[", node, node.arguments, "]", comments))
        case t.Attribute():
            return cat(expression(node.base, comments), ".", node.name.text)
        case t.Unary():
            gap = " " if node.operator == "not" else ""
            return cat(node.operator, gap, expression(node.operand, comments))
        case t.Range():
            return _range(node, comments)
        case t.Apply() | t.Binary():
            return _chain(node, comments)


def items_in_lines(items: tuple[t.Node, ...], docs: list[Doc], container: t.Node, end: str, comments: Comments) -> Doc:
    """Put each item on its own line with its comments; `end` follows each item. Starts with a line break."""
    lines: list[Doc] = []
    for item, doc in zip(items, docs, strict=True):
        lines += [cat(HardLine(), c.text) for c in comments.above.get(id(item), ())]
        note = comments.trailing.get(id(item))
        lines.append(cat(HardLine(), doc, end, *((Note(note.text),) if note else ())))
    lines += [cat(HardLine(), c.text) for c in comments.last.get(id(container), ())]
    return Cat(tuple(lines))


def quoted(raw: str) -> str:
    """Write a string literal in double quotes, or in single ones if the text holds double quotes and no single one."""
    if raw.startswith('"""'):
        return raw
    pieces = ["'" if p == "\\'" else '"' if p == '\\"' else p for p in _PIECE.findall(raw[1:-1])]
    quote = "'" if '"' in pieces and "'" not in pieces else '"'
    return quote + "".join("\\" + p if p == quote else p for p in pieces) + quote


def _bracketed(opening: str, node: t.Node, items: tuple[t.Node, ...], closing: str, comments: Comments) -> Doc:
    docs = [expression(item, comments) for item in items]
    if comments.touches(node, items):
        return cat(opening, Nest(items_in_lines(items, docs, node, ",", comments)), HardLine(), closing)
    contents = Fill(tuple(cat(doc, ",") for doc in docs[:-1]) + tuple(docs[-1:]))
    return Group(cat(opening, contents if len(docs) == 1 else Nest(contents), closing))


def _range(node: t.Range, comments: Comments) -> Doc:
    dots = " .. " if isinstance(node.start, t.Binary) or isinstance(node.stop, t.Binary) else ".."
    step: tuple[Doc, ...] = (" by ", expression(node.step, comments)) if node.step else ()
    return cat(expression(node.start, comments), dots, expression(node.stop, comments), *step)


def _chain(node: t.Apply | t.Binary, comments: Comments) -> Doc:
    """Operators of one level, written one after the other, break together; `at`, `on` and `under` as needed."""
    links: list[Doc] = []
    first: t.Expr = node
    while type(first) is type(node) and _level(first.operator) == _level(node.operator):
        links.append(cat(first.operator, " ", expression(first.right, comments)))
        first = first.left
    start, links = expression(first, comments), links[::-1]
    if isinstance(node, t.Apply):
        return Fill((start, *links), by=2)
    return Group(cat(start, Nest(cat(Line(), join(Line(), links)))))


def _level(operator: str) -> int:
    return next((i for i, level in enumerate(_LEVELS) if operator in level), -1)
