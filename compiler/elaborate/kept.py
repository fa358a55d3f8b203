"""Texts that are kept: `keep` and `keep_pairs` of what a model wrote. What is kept are items of their own."""

from __future__ import annotations

from ...grammar.tree import NOWHERE
from .. import errors, ir
from ..builtins import SIDES
from ..expression_text import text_of
from ..graph import AxisType, Node, key_of
from ..kinds import Dataset, Generated
from ..signature import Signature
from . import stacks
from .arguments import elaborated
from .core import Elaborator
from .env import Env
from .prompts import SIDE_ORIGIN, expand_labels
from .rules import check_call


def keep(el: Elaborator, e: ir.CallOf, env: Env, signature: Signature) -> Node:
    """`keep(drawn, condition)` of generated prompts; that of a dataset is an operation like others."""
    from .calls import result

    arguments = elaborated(el, e, env, signature)
    if arguments is None:
        return el.unknown
    if not issubclass(arguments["items"].kind, Generated):
        return result(el, e, env, signature, arguments)
    if not check_call(el, signature, arguments, e, env):
        return el.unknown
    span = e.span or NOWHERE

    def make(ins: dict[str, Node | None]) -> Node:
        el.join([ins["items"], ins["where"]], span)
        given = {k: n for k, n in ins.items() if n is not None}
        made = kept(el, "keep", given, key_of("keep", given, {}))
        el.unnamed.setdefault(key_of("keep", given, {}), f"{e.operation}({text_of(e.arguments[0].value)}, …)")
        el.program.spans.setdefault(made.key, span)
        return made

    return expand_labels(el, stacks.distribute(el.graph, dict(arguments), make))


def keep_pairs(el: Elaborator, e: ir.CallOf, env: Env, signature: Signature) -> Node:
    """Both texts of the items for which all conditions hold, each on its own side."""
    arguments = elaborated(el, e, env, signature)
    if arguments is None or not check_call(el, signature, arguments, e, env):
        return el.unknown
    span = e.span or NOWHERE
    if "side" not in stacks.visible_axes(arguments["items"]):
        return el.report(errors.no_side(span, signature.name))

    def make(ins: dict[str, Node | None]) -> Node:
        both = [on_side(ins["items"], i) for i in (0, 1)]
        conditions = {
            "positive": on_side(ins["positive"], 0),
            "negative": on_side(ins["negative"], 1),
            "both0": on_side(ins.get("both"), 0),
            "both1": on_side(ins.get("both"), 1),
        }
        el.join([*both, *(n for n in conditions.values() if n is not None)], span)
        pairs = el.graph.node("pairs", {"items": both[0], "other": both[1], **conditions}, kind=Dataset)
        el.unnamed.setdefault(pairs.key, f"{e.operation}({text_of(e.arguments[0].value)}, …)")
        made = [kept(el, "keep_pairs", {"items": side, "pairs": pairs}, pairs.key) for side in both]
        return stacks.stack(el.graph, "side", SIDES, made, origin=SIDE_ORIGIN)

    return expand_labels(el, stacks.distribute(el.graph, dict(arguments), make, frozenset({"side"})))


def on_side(node: Node | None, index: int) -> Node | None:
    """A value on one side of a contrast; one that has no sides is the same on both."""
    if stacks.is_stack(node) and stacks.stack_axis(node).name == "side":
        return stacks.elements(node)[index]
    return node


def kept(el: Elaborator, op: str, inputs: dict[str, Node], origin: str) -> Node:
    items = inputs["items"]
    axis = AxisType("item", "data", origin)
    rest = tuple(a for a in items.axes if a.kind != "data")
    node = el.graph.node(op, inputs, kind=Generated, axes=(*rest, axis))
    el.item_sources.setdefault(origin, node)
    return node
