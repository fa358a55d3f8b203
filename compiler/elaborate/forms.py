"""Forms: operations that take an expression, not a value."""

from __future__ import annotations

from ...grammar.tree import NOWHERE
from .. import errors, ir
from ..graph import Node
from ..kinds import Boolean, Number, Tokens, Unknown, Vector
from ..signature import Signature
from . import stacks
from .arguments import elaborated
from .core import Elaborator
from .env import Env
from .kept import keep, keep_pairs
from .select import choose_label


def shift(el: Elaborator, e: ir.CallOf, env: Env, signature: Signature) -> Node:
    """`shift(f under i)` is `f under i - f`."""
    inner = e.arguments[0].value
    bare = without_under(inner)
    if bare is None:
        return el.report(errors.needs_under(inner.span or NOWHERE, "shift"))
    after, before = el.expr(inner, env), el.expr(bare, env)
    if Unknown in (after.kind, before.kind):
        return el.unknown
    if not issubclass(after.kind, (Number, Boolean, Vector)):
        return el.report(errors.wrong_kind(inner.span or NOWHERE, "what `shift` compares", "number", el.spoken(after)))
    kind = Number if issubclass(after.kind, (Number, Boolean)) else after.kind
    return el.make("binary", {"left": after, "right": before}, {"operator": "-"}, kind, e.span)


def recovery(el: Elaborator, e: ir.CallOf, env: Env, signature: Signature) -> Node:
    """`recovery(f under i)` is `(f[negative] under i - f[negative]) / (f[positive] - f[negative])`."""
    inner = e.arguments[0].value
    bare = without_under(inner)
    if bare is None:
        return el.report(errors.needs_under(inner.span or NOWHERE, "recovery"))
    after, before = el.expr(inner, env), el.expr(bare, env)
    if Unknown in (after.kind, before.kind):
        return el.unknown
    span = e.span or NOWHERE
    if "side" not in stacks.visible_axes(before):
        return el.report(errors.no_side(inner.span or span, "recovery"))
    if not issubclass(before.kind, Number):
        return el.report(errors.wrong_kind(inner.span or span, "what `recovery` compares", "number", el.spoken(before)))
    negative, positive = el.const("negative"), el.const("positive")
    patched = choose_label(el, after, "side", negative, span)
    corrupt = choose_label(el, before, "side", negative, span)
    clean = choose_label(el, before, "side", positive, span)
    top = el.make("binary", {"left": patched, "right": corrupt}, {"operator": "-"}, Number, span)
    bottom = el.make("binary", {"left": clean, "right": corrupt}, {"operator": "-"}, Number, span)
    return el.make("binary", {"left": top, "right": bottom}, {"operator": "/"}, Number, span)


def without_under(e: ir.Expr) -> ir.Expr | None:
    """The expression without its outermost `under`."""
    match e:
        case ir.ApplyOf(operator="under"):
            return e.left
        case ir.ApplyOf():
            bare = without_under(e.left)
            return bare and ir.ApplyOf(operator=e.operator, left=bare, right=e.right, span=e.span)
        case ir.CallOf(arguments=(first, *rest)):
            bare = without_under(first.value)
            return bare and ir.CallOf(
                operation=e.operation,
                arguments=(ir.Argument(name=first.name, value=bare, span=first.span), *rest),
                span=e.span,
            )
        case ir.SelectOf() | ir.AttributeOf():
            bare = without_under(e.base)
            if bare is None:
                return None
            if isinstance(e, ir.AttributeOf):
                return ir.AttributeOf(base=bare, name=e.name, span=e.span)
            return ir.SelectOf(base=bare, arguments=e.arguments, span=e.span)
    return None


def occurrences(el: Elaborator, e: ir.CallOf, env: Env, signature: Signature) -> Node:
    """`tokens(p, "text")`: tokens of prompts by their text."""
    arguments = elaborated(el, e, env, signature)
    if arguments is None:
        return el.unknown

    def make(ins: dict[str, Node | None]) -> Node:
        node = el.graph.node("occurrences", {"prompts": ins["of"], "text": ins["text"]}, kind=Tokens)
        el.program.tokens.append((node, e.span or NOWHERE))
        return node

    return stacks.distribute(el.graph, arguments, make)


FORMS = {"shift": shift, "recovery": recovery, "tokens": occurrences, "keep": keep, "keep_pairs": keep_pairs}
