"""Which comment belongs to which node: above it, trailing it, or last in its brackets.

A comment inside an expression that is no item of a list, call or block goes above the item or statement around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from . import tree as t


@dataclass(slots=True)
class Comments:
    """Comments by the `id` of their node."""

    above: dict[int, list[t.Comment]] = field(default_factory=dict)
    trailing: dict[int, t.Comment] = field(default_factory=dict)
    last: dict[int, list[t.Comment]] = field(default_factory=dict)

    def touches(self, container: t.Node, items: tuple[t.Node, ...]) -> bool:
        """Whether a comment stands among a container's items."""
        return id(container) in self.last or any(id(i) in self.above or id(i) in self.trailing for i in items)


def attach(spec: t.Spec) -> Comments:
    """Give every comment of a spec its place."""
    found = Comments()
    for comment in spec.comments:
        _place(comment, spec, spec.statements, found)
    return found


def _place(comment: t.Comment, container: t.Node, items: tuple[t.Node, ...], found: Comments) -> None:
    start = comment.span.start
    previous = None
    for item in items:
        if start < item.span.start:
            if previous is not None and not comment.own_line and id(previous) not in found.trailing:
                found.trailing[id(previous)] = comment
            else:
                found.above.setdefault(id(item), []).append(comment)
            return
        if start < item.span.end:
            _place_inside(comment, item, found)
            return
        previous = item
    if previous is not None and not comment.own_line and id(previous) not in found.trailing:
        found.trailing[id(previous)] = comment
    else:
        found.last.setdefault(id(container), []).append(comment)


def _place_inside(comment: t.Comment, item: t.Node, found: Comments) -> None:
    """Place a comment that stands inside `item`: in the innermost brackets, or before a clause, or above the item."""
    container, clause_end = None, None
    for node in _around(item, comment.span.start):
        items, begin = bracketed(node)
        if begin is not None and begin <= comment.span.start:
            container = (node, items)
            break
        if isinstance(node, t.Prompts | t.Contrast):
            break  # in the header, which stays on one line
        clause = _clause(node)
        if clause and node.value.span.end <= comment.span.start < clause.span.start:
            clause_end = node.value
    if container:
        _place(comment, *container, found)
    elif clause_end and not comment.own_line and id(clause_end) not in found.trailing:
        found.trailing[id(clause_end)] = comment
    else:
        found.above.setdefault(id(item), []).append(comment)


def _clause(node: t.Node) -> t.Node | None:
    """What stands on a line of its own after a statement's value, if that is long."""
    if isinstance(node, t.Dataset) and node.columns:
        return node.columns[0]
    return node.loop if isinstance(node, t.Define) else None


def bracketed(node: t.Node) -> tuple[tuple[t.Node, ...], int | None]:
    """The items that stand in a node's own brackets, and the offset from which a comment is among them."""
    match node:
        case t.List():
            return node.items, node.span.start
        case t.Call():
            return node.arguments, node.function.span.end
        case t.Select():
            return node.arguments, node.base.span.end
        case t.Prompts() | t.Contrast():
            header = node.source or (node.params or (node.name,))[-1]
            return node.segments if isinstance(node, t.Prompts) else node.sides, header.span.end
        case t.Side():
            return node.segments, node.label.span.end
    return (), None


def _around(node: t.Node, at: int) -> Iterator[t.Node]:
    """The nodes around an offset, outermost first, starting with `node`; stops before a further item in brackets."""
    yield node
    for name in (f.name for f in fields(node)):
        value = getattr(node, name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, t.Node) and child.span.start <= at < child.span.end:
                yield from _around(child, at)
                return
