"""Places that are not in the spec's own text: those in specs that it uses, and values from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..grammar.diagnostics import Diagnostic, Label
from ..grammar.tree import NOWHERE, Span
from . import ir


class Foreign:
    """Tells the spans of used files, which count characters of another text; they are told apart by identity."""

    def __init__(self, spec: ir.Spec) -> None:
        self.spans: dict[int, tuple[ir.Use, Span]] = {
            id(span): (use, span) for use in spec.uses for span in spans_of(use.spec)
        }

    def at(self, span: Span, text: str = "") -> Label:
        """A label at a span; one in a used file points at the `use` and names the line there."""
        if id(span) not in self.spans:
            return Label(span, text)
        use, inner = self.spans[id(span)]
        return Label(use.span or NOWHERE, f"in line {inner.line} of it{f': {text}' if text else ''}")

    def relabelled(self, d: Diagnostic) -> Diagnostic:
        """The diagnostic with every place in the spec's own text; a replacement elsewhere is none here."""
        if not any(id(label.span) in self.spans for label in (d.primary, *d.secondary)):
            return d
        primary, *secondary = (self.at(label.span, label.text) for label in (d.primary, *d.secondary))
        gone = id(d.primary.span) in self.spans
        return replace(d, primary=primary, secondary=tuple(secondary), replacement=None if gone else d.replacement)


def spans_of(value: object) -> Iterator[Span]:
    """Every span below a node of the IR."""
    if isinstance(value, Span):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from spans_of(part)
    else:
        for name in getattr(value, "__dataclass_fields__", ()):
            yield from spans_of(getattr(value, name))


def placed(value: ir.Expr, span: Span | None) -> ir.Expr:
    """An expression that was written elsewhere, at one place of this file: that of what it stands for."""
    changes: dict[str, object] = {"span": span}
    for name in value.__dataclass_fields__:
        part = getattr(value, name)
        if hasattr(part, "__dataclass_fields__") and not isinstance(part, Span):
            changes[name] = placed(part, span)
        elif isinstance(part, tuple):
            changes[name] = tuple(placed(p, span) if hasattr(p, "__dataclass_fields__") else p for p in part)
    return replace(value, **changes)
