"""Where in which file a node was written: the spec's own text, or the `use` that brings it in."""

from __future__ import annotations

from collections.abc import Iterator

from ...compiler import ir
from ...compiler.check import Checked
from ...compiler.graph import Node
from ...compiler.places import Foreign
from ...grammar.diagnostics import Label
from ...grammar.tree import NOWHERE, Span


class Places:
    """Finds labels for nodes, prompts and datasets of a checked spec."""

    def __init__(self, checked: Checked) -> None:
        self.spec = checked.spec
        self.spans = checked.program.spans if checked.program is not None else {}
        self.foreign = Foreign(checked.spec)

    def of(self, node: Node, fallback: Span = NOWHERE) -> Label:
        """The place where a node was first written, else that of `fallback`."""
        return self.at(self.spans.get(node.key, fallback))

    def at(self, span: Span, text: str = "") -> Label:
        """A label at a span; one in a used file points at the `use` and names the line there."""
        return self.foreign.at(span, text)

    def of_model(self, model: Node, named: str, fallback: Span) -> Label:
        """The place of a model: where its node was written, else the declaration that names the same files.

        Models of a list of revisions are made one by one, and have no place of their own.
        """
        if model.key in self.spans:
            return self.of(model)
        for call in _calls(self.spec, model.op):
            if any(isinstance(a.value, ir.Literal_) and a.value.value == named for a in call.arguments):
                return self.at(call.span or fallback)
        return self.at(fallback)

    def of_prompts(self, prompts: Node, segment: int | None = None) -> Label:
        """The place of a prompts declaration, or of the text of one of its segments."""
        parts = str(prompts.param("name") or "").split(".")
        spec = self.spec
        while len(parts) > 1 and (use := next((u for u in spec.uses if u.alias == parts[0]), None)) is not None:
            spec, parts = use.spec, parts[1:]
        for statement in spec.statements:
            if not isinstance(statement, (ir.PromptsOf, ir.ContrastOf)) or statement.name != parts[0]:
                continue
            span = statement.name_span
            if segment is not None:
                segments = _side(statement, parts[1] if len(parts) > 1 else None)
                span = segments[segment].value.span if segment < len(segments) else span
            return self.at(span or NOWHERE)
        return Label(NOWHERE)


def _side(statement: ir.PromptsOf | ir.ContrastOf, side: str | None) -> tuple[ir.Segment, ...]:
    if isinstance(statement, ir.PromptsOf):
        return statement.segments
    return next((s.segments for s in statement.sides if s.name == side), ())


def _calls(spec: ir.Spec, operation: str) -> Iterator[ir.CallOf]:
    """The calls of an operation that declare models, in the spec and in those it uses."""
    for statement in spec.statements:
        if isinstance(statement, ir.Define) and isinstance(statement.value, ir.CallOf):
            if statement.value.operation == operation:
                yield statement.value
    for use in spec.uses:
        yield from _calls(use.spec, operation)
