"""`x[axis=label]`, `x[predicate]`, `resid_post[layer]`, `weights[part]`: one syntax for all selections."""

from __future__ import annotations

from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..builtins import SITES
from ..expression_text import text_of
from ..graph import AxisType, Node, walk
from ..kinds import Boolean, Column, Integer, Matrix, Number, Part, Site, Table, Test, Text, Unknown, Vector
from . import stacks
from .apply import model_in_force
from .core import Elaborator
from .env import Env


def select(el: Elaborator, e: ir.SelectOf, env: Env) -> Node:
    if isinstance(e.base, ir.Ref) and e.base.to == "builtin" and e.base.name == "weights":
        return weights(el, e, env)
    base = el.expr(e.base, env.with_(place=False))
    if base.kind is Unknown:
        return base
    if issubclass(base.kind, Site) and base.op != "list":
        return site(el, base, e, env)
    if base.op == "label" or (base.op == "list" and all(a.name is None for a in e.arguments)):
        return element(el, base, e, env)
    node = base
    for argument in e.arguments:
        if argument.name is None:
            named_so = e.base.name if isinstance(e.base, ir.Ref) and e.base.to == "declaration" else ""
            node = filtered(el, node, e.base, argument, env, errors.hidden_site(named_so))
        else:
            node = named(el, node, argument, env)
        if node.kind is Unknown:
            return node
    return node


def weights(el: Elaborator, e: ir.SelectOf, env: Env) -> Node:
    """`weights[part]`, or `weights[part, layer]`: matrices of the model in force."""
    span = e.span or NOWHERE
    inputs: dict[str, Node | None] = {}
    for name, argument in zip(("part", "layer"), e.arguments, strict=False):
        inputs[name] = el.expr(argument.value, env)
    if len(e.arguments) not in (1, 2) or any(a.name for a in e.arguments):
        return el.report(errors.site_index_count(span, "weights", ("part", "layer"), len(e.arguments)))
    part = inputs["part"]
    if part.kind is Unknown:
        return part
    if not issubclass(part.kind, (Part, Site)):
        return el.report(
            errors.wrong_kind(
                e.arguments[0].span or span, "what `weights` selects", "part of the weights", el.spoken(part)
            )
        )
    return el.make("weights", {**inputs, "model": model_in_force(el, env, span)}, {}, Matrix, span)


def site(el: Elaborator, base: Node, e: ir.SelectOf, env: Env) -> Node:
    span = e.span or NOWHERE
    name = stacks.leaves(base)[0].param("name")
    indices = SITES[name].indices
    inputs: dict[str, Node | None] = dict(base.inputs)
    for i, argument in enumerate(e.arguments):
        key = argument.name or (indices[i] if i < len(indices) else None)
        if key not in indices:
            return el.report(errors.site_index_count(span, name, indices, len(e.arguments)))
        node = el.expr(argument.value, env.with_(place=False))
        if node.kind is Unknown:
            return node
        if not issubclass(node.kind, (Integer, Column)) and node.op not in ("range", "label"):
            return el.report(
                errors.wrong_kind(
                    argument.span or span, f"the {key} of `{name}`", "whole number", el.spoken(node), at_depth(node)
                )
            )
        if node.op == "const" and node.param("value") < 0:
            return el.report(errors.layer_below_zero(argument.span or span, key, node.param("value")))
        inputs[key] = node
    return el.make("site", inputs, {"name": name}, Site, span)


def at_depth(node: Node) -> str | None:
    """Advice for a layer that is written as a share of the depth."""
    value = node.param("value") if node.op == "const" else None
    return f"`layers({value})` is the layer at that depth" if isinstance(value, float) and 0 <= value <= 1 else None


def element(el: Elaborator, base: Node, e: ir.SelectOf, env: Env) -> Node:
    """`set[0]`, `set[-1]`: an element of a label that is itself a list; `names[0]` of a list."""
    index = el.expr(e.arguments[0].value, env) if len(e.arguments) == 1 and e.arguments[0].name is None else None
    if index is None or index.op != "const" or not isinstance(index.param("value"), int):
        return el.report(errors.not_a_position(e.span or NOWHERE))
    if base.op == "list":
        items = [n for _, n in sorted(base.inputs, key=lambda pair: int(pair[0][1:]))]
        at = index.param("value")
        if not -len(items) <= at < len(items):
            return el.report(errors.no_element(e.span or NOWHERE, len(items), at))
        return items[at]
    return el.make("label-item", {"label": base}, {"index": index.param("value")}, Integer, e.span)


def named(el: Elaborator, base: Node, argument: ir.Argument, env: Env) -> Node:
    """`x[axis=label]`: a name found nowhere is a label's text."""
    span = argument.span or NOWHERE
    value = argument.value
    if isinstance(value, ir.ListOf):
        items = [label_value(el, base, argument.name, i, env) for i in value.items]
        if any(i.kind is Unknown for i in items):
            return el.unknown
        return choose_label(el, base, argument.name, el.listed(items), span, text_of(value))
    label = label_value(el, base, argument.name, value, env)
    if label.kind is Unknown:
        return label
    el.program.labels.setdefault((argument.name, label.key), value.span or span)
    return choose_label(el, base, argument.name, label, span, text_of(value))


def label_value(el: Elaborator, base: Node, axis: str, e: ir.Expr, env: Env) -> Node:
    """A label as it is written; a name that means nothing else is a label's text where labels are texts."""
    if not (isinstance(e, ir.Ref) and e.to == "column"):
        return el.expr(e, env.clean())
    known = labels_in(base, axis) if axis in stacks.visible_axes(base) else ()
    if known is None or any(not isinstance(x, str) for x in known):
        return el.report(errors.unknown_name(e.span or NOWHERE, e.name, env.binders))
    return el.const(e.name)


def choose_label(el: Elaborator, node: Node, axis: str, label: Node, span: Span, shown: str = "") -> Node:
    """Select a label of an axis, wherever in the stacks of `node` the axis is."""
    axes = stacks.visible_axes(node)
    whole = family_of(node)
    if whole is not None:
        axes = {**stacks.visible_axes(whole.input("value")), **axes}
        gone = {
            axis for axis in axes if axis not in {a.name for a in node.axes} and axis in {a.name for a in whole.axes}
        }
        axes = {name: a for name, a in axes.items() if name not in gone}
    if axis not in axes:
        return el.report(errors.unknown_axis(span, axis, list(axes)))
    if not on_axis(el, node if whole is None else whole.input("value"), axes[axis], label, span):
        return el.unknown
    if whole is not None:
        return from_family(el, node, whole, axis, label, span, shown)
    if stacks.is_stack(node):
        return in_stack(el, node, axis, label, span, shown)
    known = axes[axis]
    if not any(n.op == "label" and n.param("name") == axis for n in walk(node)):
        return looked_up(el, node, axis, label, span)
    if label.op == "label" and label.axes and label.axes[0].origin == known.origin:
        return node  # x[layer=layer] is x
    unsure = told_by_the_run(node, known) or leaves_axis(known, label)
    if label.op in ("const", "label") and issubclass(node.kind, VALUES) and unsure:
        return looked_up(el, node, axis, label, span)
    if label.op == "const" or (label.op == "label" and known.kind != "data"):
        return stacks.substitute(el.graph, node, axis, label)
    return looked_up(el, node, axis, label, span)


def looked_up(el: Elaborator, node: Node, axis: str, label: Node, span: Span) -> Node:
    return el.make("select", {"base": node, "label": label}, {"axis": axis}, node.kind, span, without=frozenset({axis}))


VALUES = (Number, Boolean, Text, Vector)
RESULTS = (*VALUES, Test, Table)


def told_by_the_run(node: Node, axis: AxisType) -> bool:
    """Whether only the run knows the labels of an axis, and can say that a written one is not among them."""
    values = (n.input("values") for n in walk(node) if n.op == "label" and n.param("origin") == axis.origin)
    return any(v is not None and v.op in ("layers", "column") for v in values)


def leaves_axis(axis: AxisType, label: Node) -> bool:
    """Whether the labels of a sweep go beyond those of the axis they select on: there the value is missing."""
    swept = label.axes[0].labels if label.op == "label" and label.axes else None
    return axis.labels is not None and swept is not None and not set(swept) <= set(axis.labels)


def on_axis(el: Elaborator, node: Node, axis: AxisType, label: Node, span: Span) -> bool:
    """Whether a written label can be on an axis: by its text where the labels are known, else by its kind."""
    written = [n for _, n in label.inputs] if label.op == "list" else [label]
    known = labels_in(node, axis.name)
    numbers = axis.origin in ("layers", "heads") or any(
        n.op == "label" and n.param("origin") == axis.origin and issubclass(n.kind, Integer) for n in walk(node)
    )
    for one in written:
        value = one.param("value") if one.op == "const" else None
        absent = (
            value is not None
            and known is not None
            and label.op != "list"
            and value not in known
            and str(value) not in map(str, known)
        )
        if absent or (known is None and numbers and issubclass(one.kind, Text)):
            el.report(errors.unknown_label(span, axis.name, f"`{value}`", list(map(str, known or ()))))
            return False
    return True


def labels_in(node: Node, axis: str) -> tuple | None:
    """All labels of an axis in a value, also those below other axes; None where only the run tells."""
    if not stacks.is_stack(node):
        found = node.axis(axis)
        return found.labels if found is not None else ()
    inner = [labels_in(e, axis) for e in stacks.elements(node)]
    if any(labels is None for labels in inner):
        return None
    own = stacks.labels(node) if stacks.stack_axis(node).name == axis else ()
    return (*own, *dict.fromkeys(x for labels in inner for x in labels))


def family_of(node: Node) -> Node | None:
    """The statement of tests that a value is selected from, if it is one."""
    while node.op == "select":
        node = node.input("base")
    return node if node.op == "statement" else None


def from_family(el: Elaborator, node: Node, whole: Node, axis: str, label: Node, span: Span, shown: str) -> Node:
    """Select from a family of tests: the family stays whole, so the labels are looked up in its table."""
    path = [(axis, label)]
    if label.op not in ("const", "label", "list"):
        found = locate(el, whole.input("value"), axis, label, shown)
        if found is None:
            return el.report(
                errors.unknown_label(
                    span,
                    axis,
                    f"`{shown}`",
                    list(map(str, stacks.visible_axes(whole.input("value"))[axis].labels or ())),
                )
            )
        path = [(name, el.const(text)) for name, text in found]
    for name, chosen in path:
        node = el.make(
            "select", {"base": node, "label": chosen}, {"axis": name}, node.kind, span, without=frozenset({name})
        )
    return node


def locate(el: Elaborator, node: Node, axis: str, label: Node, shown: str) -> list[tuple[str, str]] | None:
    """The labels, outer axis first, under which a value stands in a stack."""
    own = stacks.stack_axis(node)
    if own.name != axis:
        return next(
            (p for e in stacks.elements(node) if stacks.is_stack(e) and (p := locate(el, e, axis, label, shown))), None
        )
    for text, value in zip(own.labels, el.stack_values.get(own.origin, ()), strict=False):
        if value.key == label.key or str(text) == shown:
            return [(axis, str(text))]
        if stacks.is_stack(value):
            inner = stacks.stack_axis(value)
            for name, leaf in zip(inner.labels, stacks.elements(value), strict=True):
                if leaf.key == label.key:
                    return [(axis, str(text)), (inner.name, str(name))]
    return None


def in_stack(el: Elaborator, node: Node, axis: str, label: Node, span: Span, shown: str) -> Node:
    own = stacks.stack_axis(node)
    if own.name != axis:
        parts = []
        for i, (element_, name) in enumerate(zip(stacks.elements(node), own.labels, strict=True)):
            if axis in stacks.visible_axes(element_):
                here = stacks.pick_inside(el.graph, label, own.name, i, own.origin)
                parts.append((name, choose_label(el, element_, axis, here, span, shown)))
        if any(p.kind is Unknown for _, p in parts):
            return el.unknown
        if len(parts) == len(own.labels):
            return stacks.stack(el.graph, own.name, own.labels, [p for _, p in parts], own.kind, own.origin)
        return stacks.stack(el.graph, own.name, [n for n, _ in parts], [p for _, p in parts], own.kind)
    if label.op == "label":  # a symbolic label: one element after the other
        values = label.axes[0].labels if label.axes else None
        if values is not None and all(str(v) in map(str, own.labels) for v in values):
            found = [stacks.elements(node)[list(map(str, own.labels)).index(str(v))] for v in values]
            return stacks.stack(el.graph, label.axes[0].name, values, found)
        return el.report(errors.unknown_label(span, axis, shown, list(map(str, own.labels))))
    found = find(el, node, label, shown)
    texts = all(isinstance(x, str) for x in own.labels)
    may_be = label.op not in ("const", "list", "none") and issubclass(label.kind, (Text, Column) if texts else Number)
    if found is None and may_be and issubclass(node.kind, VALUES):
        return computed_label(el, node, axis, label, span)
    if found is None:
        return el.report(
            errors.unknown_label(span, axis, f"`{shown or label.param('value')}`", list(map(str, own.labels)))
        )
    return found


def computed_label(el: Elaborator, node: Node, axis: str, label: Node, span: Span) -> Node:
    """`x[arm=argmax(x, over=arm)]`: a label that is known when it has been computed selects in the whole table."""
    uneven = stacks.uneven(node, axis)
    if uneven is not None:
        outer, having, inner = uneven
        return el.report(errors.uneven_list(span, axis, "look up a computed label of", outer.name, having, inner))
    return looked_up(el, node, axis, label, span)


def find(el: Elaborator, node: Node, label: Node, shown: str) -> Node | None:
    """The element with this label: by its text, or by being that very value, also inside an inner axis."""
    own = stacks.stack_axis(node)
    if label.op == "const" and label.param("value") in own.labels:
        return stacks.elements(node)[own.labels.index(label.param("value"))]
    texts = [str(x) for x in own.labels]
    wanted = str(label.param("value")) if label.op == "const" else None
    for text in (wanted, shown, getattr(label, "op", None) if label.op == "none" else None):
        if text is not None and text in texts:
            return stacks.elements(node)[texts.index(text)]
    origin = el.stack_values.get(own.origin)
    for element_, value in zip(stacks.elements(node), origin or (), strict=False):
        if value.key == label.key:
            return element_
        if stacks.is_stack(value):
            for inner, leaf in zip(
                stacks.elements(element_) if stacks.is_stack(element_) else (), stacks.elements(value), strict=False
            ):
                if leaf.key == label.key:
                    return inner
    return None


def filtered(el: Elaborator, base: Node, whole: ir.Expr, argument: ir.Argument, env: Env, hidden: str | None) -> Node:
    """`x[predicate]`: a sub-axis, of the labels for which the predicate holds."""
    span = argument.span or NOWHERE
    predicate = el.expr(argument.value, env.with_(axes_of=base))
    if predicate.kind is Unknown:
        return predicate
    if not issubclass(predicate.kind, (Boolean, Column)):
        help_ = hidden or "to select a label, name the axis: `x[axis=label]`"
        return el.report(
            errors.wrong_kind(
                span, "what stands in the brackets", "condition over the axes", el.spoken(predicate), help_
            )
        )
    return left_in(el, base, predicate, span, reduced_later(whole, argument.value))


def reduced_later(e: ir.Expr, condition: ir.Expr) -> str:
    """`mean(x)[condition]` with the condition where it belongs: `mean(x[condition])`."""
    match e:
        case ir.CallOf(arguments=(first, *rest)):
            inside = ir.SelectOf(base=first.value, arguments=(ir.Argument(value=condition),))
            return text_of(
                ir.CallOf(operation=e.operation, arguments=(ir.Argument(name=first.name, value=inside), *rest))
            )
    return f"mean(x[{text_of(condition)}])"


def left_in(el: Elaborator, base: Node, predicate: Node, span: Span, instead: str) -> Node:
    """The cells for which a condition holds. What has no items cannot be chosen by them: it would only be repeated."""
    own = stacks.visible_axes(base)
    gone = [a.name for a in stacks.visible_axes(predicate).values() if a.kind == "data" and a.name not in own]
    if gone and issubclass(base.kind, RESULTS):
        return el.report(errors.condition_over_items(span, gone[0], instead))
    return el.make("filter", {"base": base, "predicate": predicate}, {}, base.kind, span)
