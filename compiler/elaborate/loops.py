"""`for` clauses: binders, and the axes they walk.

A list of plain labels (numbers, texts) becomes a symbolic axis; a list of objects (models, prompts, directions) becomes
a stack. Tokens, layers, heads and `choose` give axes whose labels are known later.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...grammar.tree import NOWHERE
from .. import errors, ir
from ..expression_text import text_of
from ..graph import AxisType, Node, digest
from ..kinds import Column, Integer, Model, Tokens, Unknown
from . import declarations, stacks
from .core import Elaborator, label_origin
from .env import Env
from .references import label_node

BUILT_IN = {"layer": ("model", "layers"), "head": ("model", "heads")}


def bind(el: Elaborator, loop: ir.Loop | None, env: Env) -> Env:
    """Put the binders of a loop into scope. Binders see each other, whatever their order."""
    if loop is None:
        return env
    bound: dict[str, Node] = dict(env.binders)
    waiting = list(loop.binders)
    while waiting:
        names = {b.name for b in waiting}
        ready = [b for b in waiting if b.values is None or not (mentions(b.values) & (names - {b.name}))] or waiting[:1]
        for binder in ready:
            bound[binder.name] = values_of(el, binder, env.with_(binders=dict(bound)))
            waiting.remove(binder)
    return env.with_(binders=bound)


def mentions(e: object) -> set[str]:
    """Names of binders that an expression uses."""
    if isinstance(e, ir.Ref):
        return {e.name} if e.to == "binder" else set()
    found: set[str] = set()
    for name in getattr(e, "__dataclass_fields__", ()):
        value = getattr(e, name)
        for part in value if isinstance(value, tuple) else (value,):
            if hasattr(part, "__dataclass_fields__") and name not in ("span", "name_span"):
                found |= mentions(part)
    return found


def values_of(el: Elaborator, binder: ir.Binder, env: Env) -> Node:
    if binder.values is not None:
        return axis_values(el, binder.name, binder.values, env)
    declared = env.module + binder.name
    if declared in el.modules.statements:
        node = declarations.value(el, declared, env, binder.span or NOWHERE)
        if node.op == "list":
            return walk_list(el, binder.name, node, None, env)
        return node
    if binder.name not in BUILT_IN:
        return el.unknown
    kind, origin = BUILT_IN[binder.name]
    return label_node(el, AxisType(binder.name, kind, origin))


def axis_values(el: Elaborator, name: str, e: ir.Expr, env: Env) -> Node:
    """The value of a binder `name in e`, or of `axis name = e`: an element of e, with the axis."""
    node = el.expr(e, env)
    if node.kind is Unknown:
        return node
    if node.op == "list":
        return walk_list(el, name, node, e, env)
    if stacks.is_stack(node):
        if issubclass(node.kind, Tokens) and all(t.op == "tokens" for t in stacks.leaves(node)):
            return token_axis(el, name, node)
        return node
    if node.op == "range" and node.input("step") is None and all(n.op == "const" for _, n in node.inputs):
        message = "a range of fractions says no step, so it has no first and second number"
        return el.report(errors.error("bad-range", e.span or NOWHERE, message, "which numbers?", "write `0..1 by 0.1`"))
    if node.op in ("choose", "range", "layers"):
        kind = "written" if node.op == "range" else "model"
        inner = node.kind if node.op != "choose" else Integer
        return label_node(el, AxisType(name, kind, digest([name, node.key])), node, inner)
    if node.op in ("all-layers", "all-heads"):
        return label_node(el, AxisType(name, "model", node.op.removeprefix("all-")))
    if issubclass(node.kind, Tokens):
        return token_axis(el, name, node)
    if node.op == "column":
        return label_node(el, AxisType(name, "computed", digest([name, node.key])), node, node.kind)
    return el.report(errors.not_a_list(e.span or NOWHERE, el.spoken(node)))


def token_axis(el: Elaborator, name: str, node: Node) -> Node:
    """`for token in p.tokens`: single tokens, ragged over items; on a contrast the same coordinates on both sides."""
    axis = AxisType(name, "computed", digest(["tokens", node.key]))
    label = label_node(el, axis, node, Column)

    def single(tokens: Node) -> Node:
        return el.graph.node("token-at", {"tokens": tokens, "label": label}, kind=Tokens, axes=(axis,))

    return stacks.restack(el.graph, node, single)


def walk_list(el: Elaborator, name: str, node: Node, e: ir.Expr | None, env: Env) -> Node:
    items = [n for _, n in sorted(node.inputs, key=lambda pair: int(pair[0][1:]))]
    if not items:
        return el.report(errors.nothing_to_choose((e.span if e is not None else None) or NOWHERE))
    if all(i.op == "const" for i in items):
        values = tuple(i.param("value") for i in items)
        if (twice := doubled(values)) is not None:
            return el.report(errors.doubled_label((e.span if e is not None else None) or NOWHERE, str(twice)))
        return label_node(el, AxisType(name, "written", label_origin(name, values), values), kind=node.kind)
    sources = e.items if isinstance(e, ir.ListOf) and len(e.items) == len(items) else (None,) * len(items)
    shown = [label_of(el, item, source) for item, source in zip(items, sources, strict=True)]
    if (twice := doubled(shown)) is not None:
        return el.report(errors.doubled_label((e.span if e is not None else None) or NOWHERE, twice))
    made = [spread(el, item, source) for item, source in zip(items, sources, strict=True)]
    node = stacks.stack(el.graph, name, shown, made)
    el.stack_values[stacks.stack_axis(node).origin] = made
    return node


def doubled(labels: Iterable[object]) -> object | None:
    """The first label that stands twice; 1 and 1.0 are one label."""
    seen = set()
    return next((x for x in labels if x in seen or seen.add(x)), None)


def label_of(el: Elaborator, item: Node, source: ir.Expr | None) -> str:
    if item.op == "const":
        return str(item.param("value"))
    if source is not None:
        return text_of(source)
    return el.names.get(item.key, item.op)


def spread(el: Elaborator, item: Node, source: ir.Expr | None) -> Node:
    """`resid_post[all_layers]` in a list stands for one site after the other: a further column `layer`."""
    if item.op != "site":
        return item
    for index in ("layer", "head"):
        inner = item.input(index)
        if inner is not None and inner.op in ("all-layers", "all-heads", "layers", "range"):
            origin = inner.op.removeprefix("all-") if inner.op.startswith("all-") else digest([index, inner.key])
            label = label_node(
                el, AxisType(index, "model", origin), None if inner.op.startswith("all-") else inner, Integer
            )
            others = {k: n for k, n in item.inputs if k != index}
            item = el.graph.node("site", {**others, index: label}, dict(item.params), kind=item.kind,
                                 axes=tuple(a for a in item.axes) + label.axes)  # fmt: skip
    return item


def model_of(el: Elaborator, loop: ir.Loop | None, env: Env) -> Node | None:
    """The model a statement is bound to when it says nothing else: the model axis of its `for`, else the only one."""
    from . import declarations

    for binder in loop.binders if loop is not None else ():
        node = env.binders.get(binder.name)
        if node is not None and (issubclass(node.kind, Model) or node.kind is Unknown):
            return node
    prefix = env.module
    models = el.modules.of_keyword("model", prefix)
    if len(models) == 1 and el.modules.statements[models[0]].params is None:
        return declarations.value(el, models[0], env, NOWHERE)
    return None
