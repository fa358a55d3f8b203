"""Prompts and contrasts: segments, roles, placeholders and the items they come from."""

from __future__ import annotations

import re

from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..builtins import RESERVED_SEGMENTS, ROLES, SIDES, TARGETS
from ..graph import AxisType, Node
from ..kinds import Column, Contrast, Dataset, Generated, Nothing, Number, Prompts, SystemMode, Text, Unknown
from . import stacks
from .core import Elaborator
from .env import Env

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\w+)\}")
SIDE_ORIGIN = "sides"


def item_axis(el: Elaborator, source: Node) -> AxisType:
    """The axis of a dataset's items. Derived columns keep the items; `keep` and `split` make other ones."""
    axis = AxisType("item", "data", items_of(source).key)
    if axis.origin not in el.item_sources or source.op == "derive":
        el.item_sources[axis.origin] = source
    return axis


def data_axes(el: Elaborator, source: Node | None) -> tuple[AxisType, ...]:
    """The axes of what prompts are made from: items, and where texts were written several times, samples."""
    if source is None:
        return ()
    if issubclass(source.kind, Generated):
        return tuple(a for a in source.axes if a.kind == "data")
    return (item_axis(el, source),)


def items_of(source: Node) -> Node:
    """The node that decides which items there are."""
    while True:
        if source.op == "derive":
            source = source.input("dataset")
        elif source.op == "generate":
            source = prompts_of_run(source)
        elif source.op == "run":
            source = source.input("prompts")
        elif source.op == "keep_pairs":
            return source.input("pairs")
        elif source.op == "prompts":
            inner = source.input("source")
            if inner is None:
                return source
            source = inner
        else:
            return source


def prompts_of_run(node: Node) -> Node:
    inner = node.input("prompts") or node.input("p")
    return inner.input("prompts") if inner is not None and inner.op == "run" else inner


def prompts(el: Elaborator, name: str, statement: ir.PromptsOf | ir.ContrastOf, env: Env) -> Node:
    """The node of a prompts or contrast declaration."""
    source = el.expr(statement.source, env) if statement.source is not None else None
    if source is not None and source.kind is Unknown:
        return el.unknown
    if source is not None and not issubclass(source.kind, (Dataset, Generated)):
        return el.report(
            errors.wrong_kind(
                statement.source.span or NOWHERE, f"what `{name}` comes from", "dataset", el.spoken(source)
            )
        )
    if isinstance(statement, ir.ContrastOf):
        node = contrast(el, name, statement, source, env)
    else:
        node = one(el, name, statement.segments, source, env, statement)
    el.names[node.key] = name
    if statement.params is None:
        el.program.prompts[name] = node
    return node


def contrast(el: Elaborator, name: str, statement: ir.ContrastOf, source: Node | None, env: Env) -> Node:
    found = [s.name for s in statement.sides]
    if sorted(found) != sorted(SIDES):
        return el.report(
            errors.wrong_sides(next((s.span for s in statement.sides if s.name not in SIDES), None) or NOWHERE, found)
        )
    by_name = {s.name: s for s in statement.sides}
    first, second = (by_name[s] for s in SIDES)
    names = [[s.name for s in side.segments] for side in (first, second)]
    for a, b, side in ((0, 1, "negative"), (1, 0, "positive")):
        for i, segment in enumerate(by_name[SIDES[a]].segments):
            if segment.name not in names[b]:
                return el.report(errors.sides_differ(segment.span or NOWHERE, segment.name, side))
    if [s.value for s in first.segments] == [s.value for s in second.segments]:
        el.report(errors.same_sides(statement.name_span or NOWHERE, name))
    made = [one(el, f"{name}.{side}", by_name[side].segments, source, env, statement) for side in SIDES]
    if any(m.kind is Unknown for m in made):
        return el.unknown
    node = stacks.stack(el.graph, "side", SIDES, made, origin=SIDE_ORIGIN)
    return el.graph.node("stack", {"e0": made[0], "e1": made[1]}, dict(node.params), kind=Contrast, axes=node.axes)


def one(el: Elaborator, name: str, segments: tuple[ir.Segment, ...], source: Node | None, env: Env, statement) -> Node:
    """Prompts without sides."""
    if not check_names(el, segments):
        return el.unknown
    inputs: dict[str, Node] = {}
    used: set[str] = set()
    for i, segment in enumerate(segments):
        node = el.expr(segment.value, env)
        span = segment.value.span or NOWHERE
        if node.kind is Unknown:
            return el.unknown
        role = segment.name.split(".")[0]
        allowed = (Text, Column, Number) + ((SystemMode, Nothing) if role == "system" else ())
        if not issubclass(node.kind, allowed):
            return el.report(errors.wrong_kind(span, f"segment `{segment.name}`", "text", el.spoken(node)))
        inputs[f"s{i}"] = node
        look_alike(el, name, segment, node, source)
        for text in literal_texts(node):
            for column in placeholders(text):
                if segment.name not in TARGETS:
                    used.add(column)
                if column in env.params:
                    inputs[f"v_{column}"] = env.params[column]
                elif not check_column(el, name, column, source, span, text):
                    return el.unknown
    if not any(s.name.split(".")[0] not in TARGETS for s in segments):
        return el.report(errors.empty_prompts(statement.name_span or NOWHERE, name))
    if (
        source is not None
        and not (used - set(env.params))
        and not any(inputs[f"s{i}"].op == "column" for i, s in enumerate(segments) if s.name not in TARGETS)
    ):
        el.report(errors.unused_source(statement.name_span or NOWHERE, name))
    params = {"name": name, "segments": tuple(s.name for s in segments)}
    kind = Prompts

    def make(ins: dict[str, Node | None]) -> Node:
        swept = tuple(a for a in el.join([n for n in ins.values() if n is not None], None) if a.kind != "data")
        return el.graph.node("prompts", ins, params, kind=kind, axes=data_axes(el, ins["source"]) + swept)

    node = stacks.distribute(el.graph, {**inputs, "source": source}, make)
    return expand_labels(el, node)


def look_alike(el: Elaborator, prompts_name: str, segment: ir.Segment, node: Node, source: Node | None) -> None:
    """Warn of a segment that is nearly a role, and of a text that is nearly a placeholder."""
    role, _, part = segment.name.partition(".")
    meant = errors.near(role, [*ROLES, *TARGETS], 0.75) if not part and role not in (*ROLES, *TARGETS) else None
    if meant is not None:
        el.report(errors.like_a_role(segment.span or NOWHERE, segment.name, meant))
    known = source_columns(source) if source is not None else None
    for text in literal_texts(node):
        if known is not None and text.strip() in known:
            el.report(errors.bare_column(segment.value.span or NOWHERE, prompts_name, text.strip()))


def check_names(el: Elaborator, segments: tuple[ir.Segment, ...]) -> bool:
    seen: dict[str, Span | None] = {}
    chat: Span | None = None
    raw: Span | None = None
    good = True
    for s in segments:
        span = s.span or NOWHERE
        role, _, part = s.name.partition(".")
        if s.name in TARGETS:
            continue
        if s.name in seen:
            el.report(errors.segment_twice(span, s.name, seen[s.name]))
            good = False
        seen[s.name] = span
        if part and role not in ROLES:
            el.report(errors.unknown_role(span, role, ROLES))
            good = False
        if (part or s.name) in RESERVED_SEGMENTS:
            el.report(errors.reserved_segment(span, part or s.name))
            good = False
        chat, raw = (chat or span, raw) if role in ROLES else (chat, raw or span)
        if chat is not None and raw is not None:
            raws = [x.name for x in segments if x.name.partition(".")[0] not in (*ROLES, *TARGETS)]
            meant = next((r for name in raws if (r := errors.near(name, ROLES, 0.75))), None)
            el.report(errors.mixed_segments(span, raw if role in ROLES else chat, meant))
            return False
    return good


def placeholders(text: str) -> list[str]:
    """Column names between single braces; doubled braces are plain ones."""
    return [m.group(1) for m in PLACEHOLDER.finditer(text) if m.group(1)]


def literal_texts(node: Node) -> list[str]:
    if node.op == "const" and isinstance(node.param("value"), str):
        return [node.param("value")]
    return []


def check_column(el: Elaborator, prompts_name: str, column: str, source: Node | None, span: Span, text: str) -> bool:
    at = place_in(span, "{" + column + "}", text)
    if source is None:
        el.report(errors.column_without_source(at, column, prompts_name))
        return False
    known = source_columns(source)
    if known is not None and column not in known:
        el.report(errors.unknown_column(at, column, el.dataset_names.get(items_of(source).key, "the dataset"), known))
        return False
    return True


def source_columns(source: Node) -> list[str] | None:
    """Columns that placeholders may name; generated prompts have their source's, and `response`."""
    from .datasets import columns_of

    if source.op == "generate":
        outer = prompts_of_run(source).input("source")
        columns = source_columns(outer) if outer is not None else []
        own = ["sample", "response"] if source.axis("sample") is not None else ["response"]
        return None if columns is None else list(dict.fromkeys([*columns, *own]))
    if source.op in ("keep", "keep_pairs", "pairs") and source.input("items") is not None:
        return source_columns(source.input("items"))
    return columns_of(source)


def place_in(span: Span, piece: str, text: str) -> Span:
    """The span of a piece inside a string literal, where it can be told."""
    at = text.find(piece)
    if at < 0 or "\n" in text[:at] or "\\" in text[:at] or span.end - span.start != len(text) + 2:
        return span
    start = span.start + 1 + at
    return Span(start, start + len(piece), span.line, span.column + 1 + at)


def expand_labels(el: Elaborator, node: Node) -> Node:
    """Turn symbolic axes with known labels of an object into a stack: every model and prompt is a single known one."""

    known = {a.name: len(a) for n in stacks.leaves(node) for a in n.axes if a.kind != "data" and a.labels is not None}
    stacks.check_size({**stacks.stacked_sizes([node]), **known}, stacks.MOST_COPIES)

    def expand(n: Node) -> Node:
        axis = next((a for a in n.axes if a.kind != "data" and a.labels is not None), None)
        if axis is None:
            return n
        parts = [expand(stacks.substitute(el.graph, n, axis.name, el.const(v))) for v in axis.labels]
        return stacks.stack(el.graph, axis.name, axis.labels, parts, axis.kind, axis.origin)

    return stacks.restack(el.graph, node, expand)
