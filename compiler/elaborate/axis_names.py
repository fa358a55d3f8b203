"""Arguments that name an axis: of plots (`x=layer`, `y=set[-1]`, `color=test.task`), of clusters (`cluster=question`).

What an operation reduces (`over=`) is looked up where its axes are worked out, in `calls`.
"""

from __future__ import annotations

import re

from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..graph import AxisType, Node, walk
from ..kinds import AxisName, Number, Text, Tokens, Unknown
from ..signature import Signature
from . import declarations, stacks
from .core import Elaborator
from .datasets import columns_of
from .env import Env
from .prompts import items_of, source_columns

# Further columns of axes: name -> kind. Items have those of their dataset.
REVISION = {"tokens": Number, "step": Number}
TOKEN = {"segment": Text, "index": Number, "text": Text}
_PARTS = re.compile(r"(\w+)(?:\.(\w+)|\[(-?\d+)\])?$")


def check_axis_names(el: Elaborator, signature: Signature, arguments: dict[str, Node], e: ir.CallOf, env: Env) -> bool:
    """Report axes that the operation's subject does not have; False when there are any."""
    subject = arguments.get(signature.subject or "")
    if subject is None:
        return True
    places = {a.name: a.value.span for a in e.arguments}
    good = True
    for parameter in signature.parameters:
        node = arguments.get(parameter.name)
        if AxisName not in parameter.kinds or parameter.name == "over" or node is None or node.op != "axis":
            continue
        span = places.get(parameter.name) or NOWHERE
        if parameter.name == "cluster":
            good = is_cluster(el, subject, str(node.param("name")), span) and good
        else:
            good = is_channel(el, subject, str(node.param("name")), span, signature, env) and good
    return good


def is_channel(el: Elaborator, y: Node, text: str, span: Span, signature: Signature, env: Env) -> bool:
    """Whether a plot can show this: an axis of what is drawn, a column of one, or an element of its labels."""
    axes = stacks.visible_axes(y)
    found = _PARTS.match(text)
    name, column, _ = found.groups() if found is not None else (text, None, None)
    if name not in axes:
        if column is not None and isinstance(el.modules.statements.get(env.module + name), ir.DatasetOf):
            return is_column_of_items(el, y, env.module + name, column, span)
        what = f"`{el.names[y.key]}`" if y.key in el.names else f"what `{signature.name}` draws"
        el.report(errors.unknown_axis(span, name, list(axes), what))
        return False
    known = columns_of_axis(el, y, axes[name]) if column is not None else None
    if known is not None and column not in known:
        el.report(errors.unknown_attribute(span, f"axis `{name}`", column, list(known)))
        return False
    return True


def is_column_of_items(el: Elaborator, y: Node, name: str, column: str, span: Span) -> bool:
    """Whether `test.task` is a column of the dataset whose items are drawn."""
    data = declarations.value(el, name, Env(), span)
    if data.kind is Unknown:
        return False
    item = stacks.visible_axes(y).get("item")
    if item is None or item.origin != items_of(data).key:
        el.report(errors.column_of_others(span, name, column, el.dataset_name(item) if item is not None else None))
        return False
    known = columns_of(data)
    if known is not None and column not in known:
        el.report(errors.unknown_column(span, column, name, known))
        return False
    return True


def is_cluster(el: Elaborator, x: Node, name: str, span: Span) -> bool:
    """Whether `cluster=question` names a column of the items, or an axis of the value."""
    axes = stacks.visible_axes(x)
    item = axes.get("item")
    known = columns_of_items(el, item) if item is not None else None
    if known is None or name in known or name in axes:
        return True
    el.report(errors.unknown_column(span, name, el.dataset_name(item), known))
    return False


def columns_of_axis(el: Elaborator, node: Node, axis: AxisType) -> dict | list | None:
    """The further columns of an axis, or None when only the run tells."""
    if axis.name == "item":
        return columns_of_items(el, axis)
    if axis.name == "revision":
        return REVISION
    if axis.name == "token" or any(
        n.op == "label" and n.param("origin") == axis.origin and is_tokens(n) for n in walk(node)
    ):
        return TOKEN
    return {} if axis.kind == "written" else None


def is_tokens(label: Node) -> bool:
    values = label.input("values")
    return values is not None and issubclass(values.kind, Tokens)


def columns_of_items(el: Elaborator, axis: AxisType) -> list[str] | None:
    """The columns of the dataset that items come from, with derived ones."""
    source = el.item_sources.get(axis.origin)
    return source_columns(source) if source is not None else None
