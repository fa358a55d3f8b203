"""Names and instances: what a declaration is worth where it is used.

Open declarations (`let`, `intervention`, `prompts` with parameters) are elaborated anew in the place that uses them, so
that `on` and `under` reach into them; closed ones (`direction`, `statistic`, `claim`) once, in their own place.
"""

from __future__ import annotations

from ...grammar.tree import NOWHERE
from .. import errors, ir
from ..builtins import AXES, PARTS, SITES
from ..graph import AxisType, Node
from ..kinds import Column, Integer, Model, Part, Site, SystemMode, Text, Unknown
from . import declarations
from .attributes import dataset_column
from .core import Elaborator
from .env import Env
from .prompts import source_columns
from .stacks import visible_axes


def reference(el: Elaborator, e: ir.Ref, env: Env) -> Node:
    span = e.span or NOWHERE
    if e.to == "binder":
        return env.binders.get(e.name, el.unknown)
    if e.to == "parameter":
        return env.params.get(e.name, el.unknown)
    if e.to == "builtin" and env.axes_of is not None and e.name in el_axes(env.axes_of):
        return column_name(el, e, env)  # an axis called as a site is: `x[k > 1]`
    if e.to == "builtin" and env.columns_of is not None and e.name in (known_columns(env.columns_of) or ()):
        return column_name(el, e, env)  # a column called as a site is: `q`, `head`
    if e.to == "builtin":
        return builtin(el, e, env)
    if e.to == "column":
        return column_name(el, e, env)
    return declaration(el, (env.module + e.name), e, env, span)


def known_columns(data: Node) -> list[str] | None:
    return source_columns(data)


def column_name(el: Elaborator, e: ir.Ref, env: Env) -> Node:
    """A name found nowhere else: an axis of the value selected from, a column of the dataset beside it, or a label."""
    if env.axes_of is not None:
        axes = el_axes(env.axes_of)
        if e.name not in axes:
            return el.report(errors.unknown_axis(e.span or NOWHERE, e.name, list(axes)))
        return label_node(el, axes[e.name])
    if env.columns_of is not None and env.columns_of.kind is Unknown:
        return el.unknown
    if env.columns_of is not None:
        return dataset_column(el, env.columns_of, e.name, e.span or NOWHERE)
    if e.name in AXES:
        return el.report(errors.axis_not_walked(e.span or NOWHERE, e.name))
    return el.report(errors.unknown_name(e.span or NOWHERE, e.name, []))


def el_axes(node: Node) -> dict[str, AxisType]:
    return visible_axes(node)


def label_node(el: Elaborator, axis: AxisType, values: Node | None = None, kind: type | None = None) -> Node:
    """The label of a symbolic axis, where the axis is walked."""
    if kind is None:
        sample = axis.labels[0] if axis.labels else None
        kind = (
            Integer
            if axis.origin in ("layers", "heads") or isinstance(sample, int)
            else Text
            if isinstance(sample, str)
            else Column
        )
    inputs = {"values": values} if values is not None else {}
    return el.graph.node("label", inputs, {"name": axis.name, "origin": axis.origin}, kind=kind, axes=(axis,))


def builtin(el: Elaborator, e: ir.Ref, env: Env) -> Node:
    name, span = e.name, e.span or NOWHERE
    if name == "none":
        return el.none
    if name in ("default", "empty"):
        return el.graph.node("mode", params={"mode": name}, kind=SystemMode)
    if name in SITES:
        if name in ("attn", "mlp") and not SITES[name].indices:
            return el.unknown
        return el.graph.node("site", params={"name": name}, kind=Site)
    if name == "all_layers":
        return el.graph.node("all-layers", kind=Integer)
    if name == "all_heads":
        return el.graph.node("all-heads", kind=Integer)
    if name in PARTS:
        return el.graph.node("part", params={"name": name}, kind=Part)
    if name == "weights":
        return el.graph.node("weights-of", kind=Part)
    if name == "previous":
        return el.graph.node("previous", kind=Model)
    if name in ("layer", "head"):
        return el.report(errors.axis_not_walked(span, name))
    return el.unknown


def declaration(el: Elaborator, name: str, e: ir.Expr, env: Env, span) -> Node:
    return declarations.value(el, name, env, span)


def instance(el: Elaborator, e: ir.Instance, env: Env) -> Node:
    """A declaration with parameters: its body, with the arguments in their places."""
    from . import declarations

    arguments = [el.expr(a, env) for a in e.arguments]
    if any(a.kind is Unknown for a in arguments):
        return el.unknown
    return declarations.applied(el, env.module + e.name, arguments, env, e.span or NOWHERE)
