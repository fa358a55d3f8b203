"""`x.name`: tokens and segments of prompts, columns of datasets, sides, fields of records, parts of the weights."""

from __future__ import annotations

from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..builtins import PARTS, POOLS, ROLES, SIDES, TARGETS
from ..expression_text import text_of
from ..graph import Node
from ..kinds import (
    Column,
    Dataset,
    Generated,
    Number,
    Part,
    Pool,
    Prompts,
    Site,
    SteerPath,
    Table,
    Test,
    Text,
    Tokens,
    Unknown,
)  # fmt: skip
from . import stacks
from .axis_names import columns_of_axis
from .core import Elaborator
from .datasets import column, columns_of
from .env import Env
from .prompts import placeholders, prompts_of_run

WHOLE = ("first", "last", "bos", "template", "all", "tokens")
RECORD = {"value": Number, "stat": Number, "p": Number, "adjusted": Number, "n": Number, "z": Number}


def attribute(el: Elaborator, e: ir.AttributeOf, env: Env) -> Node:
    base = el.expr(e.base, env.with_(place=False))
    span = e.span or NOWHERE
    if base.kind is Unknown:
        return base
    if issubclass(base.kind, Prompts):
        return of_prompts(el, base, e, span)
    if issubclass(base.kind, Tokens):
        return of_tokens(el, base, e, span)
    if issubclass(base.kind, Dataset):
        return dataset_column(el, base, e.name, span)
    if issubclass(base.kind, (Site, Part)) and base.op in ("site", "part"):
        return of_part(el, base, e, span)
    if issubclass(base.kind, (Test, Table)):
        return of_record(el, base, e, span)
    if base.op == "label" and base.axes:
        return label_attribute(el, base, e.name, span)
    if issubclass(base.kind, SteerPath) and e.name == "start":
        return el.make("path-start", {"path": base}, {}, SteerPath, span)
    return el.report(errors.unknown_attribute(span, el.spoken(base), e.name, []))


def label_attribute(el: Elaborator, base: Node, name: str, span: Span) -> Node:
    """`revision.tokens`, `token.segment`: a further column of an axis."""
    known = columns_of_axis(el, base, base.axes[0])
    if known is not None and name not in known:
        return el.report(errors.unknown_attribute(span, f"axis `{base.axes[0].name}`", name, list(known)))
    kind = known[name] if isinstance(known, dict) else Column
    return el.make("label-attribute", {"label": base}, {"name": name}, kind, span)


def of_record(el: Elaborator, base: Node, e: ir.AttributeOf, span: Span) -> Node:
    fields = record_fields(el, base)
    if e.name not in fields:
        return el.report(errors.unknown_attribute(span, el.spoken(base), e.name, list(fields)))
    return el.make("field", {"record": base}, {"name": e.name}, fields[e.name], span)


def record_fields(el: Elaborator, base: Node) -> dict:
    node = base
    while node.op in ("statement", "stack", "select", "filter"):
        node = node.input("value") or node.input("base") or stacks.leaves(node)[0]
    signature = el.catalogue.get(node.op)
    return dict(signature.fields) if signature is not None and signature.fields else RECORD


def dataset_column(el: Elaborator, base: Node, name: str, span: Span) -> Node:
    known = columns_of(base)
    if known is not None and name not in known:
        return el.report(errors.unknown_column(span, name, el.dataset_names.get(base.key, "the dataset"), known))
    return column(el, base, name)


def of_part(el: Elaborator, base: Node, e: ir.AttributeOf, span: Span) -> Node:
    name = f"{base.param('name')}.{e.name}"
    if name not in PARTS:
        return el.report(
            errors.unknown_attribute(
                span,
                f"`{base.param('name')}`",
                e.name,
                [p.partition(".")[2] for p in PARTS if p.startswith(str(base.param("name")) + ".")],
            )
        )
    return el.graph.node("part", params={"name": name}, kind=Part)


def of_prompts(el: Elaborator, base: Node, e: ir.AttributeOf, span: Span) -> Node:
    """`p.last`, `p.subject`, `p.response`; `c.positive` is one side of a contrast."""
    if e.name in SIDES and any(a == "side" for a in stacks.visible_axes(base)):
        from .select import choose_label

        return choose_label(el, base, "side", el.const(e.name), span)
    shown = text_of(e.base)
    leaves = stacks.leaves(base)
    if e.name == "response" and all(issubclass(leaf.kind, Generated) for leaf in leaves):
        return tokens(el, base, ("response",), span)
    if e.name in WHOLE:
        return tokens(el, base, (e.name,), span)
    if e.name in POOLS:
        whole = tokens(el, base, ("all",), span)
        return el.make("pool", {"tokens": whole}, {"how": e.name}, Pool, span)
    for leaf in leaves:
        segments, columns = names_of(leaf)
        if e.name in TARGETS and e.name in segments:
            return el.report(errors.target_as_tokens(span, shown, e.name))
        if e.name not in segments and e.name not in columns:
            return no_segment(el, leaf, shown, e.name, span)
    return tokens(el, base, (e.name,), span)


def no_segment(el: Elaborator, prompts: Node, shown: str, name: str, span: Span) -> Node:
    """Say that prompts have no segment of a name, which they have, and where a column of that name would be."""
    segments, columns = names_of(prompts)
    source = prompts.input("source")
    dataset = el.dataset_names.get(source.key) if source is not None else None
    has = columns_of(source) if dataset is not None else ()
    beside = dataset if has is None or name in has else None
    written = ["response"] if issubclass(prompts.kind, Generated) else []
    known = [*written, *(s for s in segments if s not in TARGETS), *columns]
    return el.report(errors.unknown_segment(span, el.names.get(prompts.key, shown), name, known, beside))


def names_of(prompts: Node) -> tuple[list[str], list[str]]:
    """Segment names that tokens can be asked of (`user.body` is `body`, and `user`), and placeholder columns."""
    while prompts.op in ("generate", "keep", "keep_pairs"):
        prompts = prompts.input("items") or prompts_of_run(prompts)
    names: list[str] = []
    columns: list[str] = []
    for i, full in enumerate(prompts.param("segments") or ()):
        role, _, part = full.partition(".")
        names += [part or role] + ([role] if part and role in ROLES and role not in names else [])
        node = prompts.input(f"s{i}")
        if node is not None and node.op == "const" and isinstance(node.param("value"), str) and full not in TARGETS:
            columns += placeholders(node.param("value"))
    return list(dict.fromkeys(names)), list(dict.fromkeys(columns))


def tokens(el: Elaborator, base: Node, path: tuple[str, ...], span: Span) -> Node:
    def make(ins: dict[str, Node | None]) -> Node:
        node = el.graph.node("tokens", ins, {"path": path}, kind=Tokens)
        el.program.tokens.append((node, span))
        return node

    return stacks.distribute(el.graph, {"prompts": base}, make)


def of_tokens(el: Elaborator, base: Node, e: ir.AttributeOf, span: Span) -> Node:
    """`p.subject.last`, and pools."""
    if e.name in POOLS:
        return el.make("pool", {"tokens": base}, {"how": e.name}, Pool, span)
    first = stacks.leaves(base)[0]
    if (
        e.name in ("first", "last")
        and first.op == "tokens"
        and len(first.param("path")) == 1
        and first.param("path")[0] not in ("first", "last", "bos")
    ):
        return stacks.restack(
            el.graph, base, lambda t: tokens(el, t.input("prompts"), (*t.param("path"), e.name), span)
        )
    if e.name == "tokens" and first.op == "tokens":
        return base
    known = [*POOLS, "first", "last"]
    return el.report(errors.unknown_attribute(span, "tokens", e.name, known))


def prompts_under(node: Node) -> list[Node]:
    """The prompts that a tokens node is about (one, unless an author joined two)."""
    match node.op:
        case "tokens" | "occurrences":
            return [node.input("prompts")]
        case "pool" | "token-at" | "complement":
            return prompts_under(node.input("tokens"))
        case "union":
            return list(dict.fromkeys([*prompts_under(node.input("left")), *prompts_under(node.input("right"))]))
    return []


def response_text(el: Elaborator, node: Node) -> Node:
    """The text of a response, where one was meant and its tokens were named; anything else as it is."""
    if not issubclass(node.kind, Tokens) or any(
        t.op != "tokens" or t.param("path") != ("response",) for t in stacks.leaves(node)
    ):
        return node

    def text(t: Node) -> Node:
        generated = t.input("prompts")
        return el.graph.node("response-text", {"generated": generated}, kind=Text, axes=generated.axes)

    return stacks.restack(el.graph, node, text)


def is_many(node: Node) -> bool:
    """Whether tokens can be several per item."""
    match node.op:
        case "tokens":
            path = node.param("path")
            return path[-1] not in ("first", "last", "bos")
        case "token-at":
            return False
    return True
