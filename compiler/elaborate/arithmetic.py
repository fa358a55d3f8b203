"""Operators: arithmetic over axes, comparisons, boolean logic, unions and complements of tokens."""

from __future__ import annotations

from ...grammar.tree import NOWHERE
from .. import errors, ir
from ..expression_text import text_of
from ..graph import Node
from ..kinds import (
    Activation,
    Boolean,
    Column,
    Direction,
    Integer,
    Matrix,
    Model,
    Nothing,
    Number,
    Site,
    SystemMode,
    Test,
    Text,
    Tokens,
    Unknown,
    Vector,
)  # fmt: skip
from . import stacks
from .attributes import prompts_under
from .core import Elaborator
from .env import Env

COMPARE = ("==", "!=", "<=", ">=", "<", ">")


def unary(el: Elaborator, e: ir.UnaryOf, env: Env) -> Node:
    node = el.expr(e.operand, env)
    span = e.span or NOWHERE
    if node.kind is Unknown:
        return node
    if e.operator == "not":
        if issubclass(node.kind, Tokens):
            return el.make("complement", {"tokens": node}, {}, Tokens, span)
        if issubclass(node.kind, (Boolean, Column)):
            return el.make("not", {"operand": node}, {}, Boolean, span)
        return el.report(errors.wrong_kind(e.operand.span or span, "what `not` negates", "boolean", el.spoken(node)))
    if node.op == "const" and issubclass(node.kind, Number):
        value = node.param("value")
        return el.const(-value if e.operator == "-" else value)
    if not issubclass(node.kind, (Number, Vector, Column, Boolean)):
        return el.report(
            errors.wrong_kind(e.operand.span or span, f"what `{e.operator}` stands before", "number", el.spoken(node))
        )
    return (
        el.make(
            "negate", {"operand": node}, {}, Number if issubclass(node.kind, (Boolean, Column)) else node.kind, span
        )
        if e.operator == "-"
        else node
    )


def binary(el: Elaborator, e: ir.BinaryOf, env: Env) -> Node:
    before = len(el.reads)
    left = el.expr(e.left, env)
    middle = len(el.reads)
    right = el.expr(e.right, env)
    span = e.span or NOWHERE
    if left.kind is Unknown or right.kind is Unknown:
        return el.unknown
    if e.operator in ("+", "-"):
        warn_one_side(el, e, env, set(map(id, el.reads[before:middle])), set(map(id, el.reads[middle:])))
    for node, side in ((left, e.left), (right, e.right)):
        if issubclass(node.kind, Test):
            return el.report(errors.attribute_of_record(side.span or span, text_of(side), "its fields"))
        if node.op == "list":
            return el.report(errors.bad_operands(span, e.operator, el.spoken(left), el.spoken(right)))
    doubts(el, e, left, right)
    if e.operator in ("and", "or"):
        return logic(el, e, left, right)
    if e.operator in COMPARE:
        return compare(el, e, left, right, meant_column(env, left, right))
    return arithmetic(el, e, left, right, meant_column(env, left, right))


def warn_one_side(el: Elaborator, e: ir.BinaryOf, env: Env, left: set[int], right: set[int]) -> None:
    outer = id(env.model_scope)
    if not left or not right:
        return
    if (outer in left) != (outer in right) and left.isdisjoint(right):
        bound, open_ = (e.right, e.left) if outer in left else (e.left, e.right)
        el.report(errors.one_side_bound(e.span or NOWHERE, bound.span or NOWHERE, open_.span or NOWHERE))


def doubts(el: Elaborator, e: ir.BinaryOf, left: Node, right: Node) -> None:
    """Warn of a value joined with itself, and of a condition in brackets that holds for one side only."""
    span = e.span or NOWHERE
    if left is right and left.op != "const" and e.operator not in ("+", "*", "**"):
        el.report(errors.same_operands(span, e.operator))
    for one, other, source in ((left, right, e.left), (right, left, e.right)):
        if one.op != "filter" or other.op == "filter" or not isinstance(source, ir.SelectOf):
            continue
        restricted = set(stacks.visible_axes(one.input("predicate")))
        if restricted & set(stacks.visible_axes(other)):
            el.report(errors.one_side_filtered(span, source.span or span))


def logic(el: Elaborator, e: ir.BinaryOf, left: Node, right: Node) -> Node:
    for node, side in ((left, e.left), (right, e.right)):
        if not issubclass(node.kind, (Boolean, Column)):
            return el.report(
                errors.wrong_kind(side.span or NOWHERE, f"a side of `{e.operator}`", "boolean", el.spoken(node))
            )
    return el.make("binary", {"left": left, "right": right}, {"operator": e.operator}, Boolean, e.span)


def meant_column(env: Env, *nodes: Node) -> str | None:
    """What to say of a bare site among the columns of a dataset, which may have a column of that name."""
    sites = [str(n.param("name")) for n in nodes if n.op == "site" and not n.inputs]
    return errors.column_as_site(sites[0]) if env.columns_of is not None and sites else None


def compare(el: Elaborator, e: ir.BinaryOf, left: Node, right: Node, help_: str | None) -> Node:
    numeric = all(issubclass(n.kind, (Number, Column, Boolean)) for n in (left, right))
    textual = all(issubclass(n.kind, (Text, Column, SystemMode, Nothing)) for n in (left, right))
    equality = e.operator in ("==", "!=")
    same = equality and any(all(issubclass(n.kind, k) for n in (left, right)) for k in (Model, Site))
    boolean = all(issubclass(n.kind, Boolean) for n in (left, right))
    if not (numeric or (textual and equality) or same) or (boolean and not equality):
        help_ = help_ or written_text(e, left, right)
        return el.report(errors.bad_operands(e.span or NOWHERE, e.operator, el.spoken(left), el.spoken(right), help_))
    return el.make("binary", {"left": left, "right": right}, {"operator": e.operator}, Boolean, e.span)


def written_text(e: ir.BinaryOf, left: Node, right: Node) -> str | None:
    """What to write where a response is compared with a text."""
    tokens = [side for node, side in ((left, e.left), (right, e.right)) if issubclass(node.kind, Tokens)]
    texts = [side for node, side in ((left, e.left), (right, e.right)) if issubclass(node.kind, (Text, Column))]
    if len(tokens) == len(texts) == 1 and e.operator in ("==", "!="):
        text = errors.as_written(texts[0].value) if isinstance(texts[0], ir.Literal_) else text_of(texts[0])
        call = f"exact_match({text_of(tokens[0])}, {text})"
        return f"a text that was written is compared by `{call if e.operator == '==' else f'not {call}'}`"
    return None


def arithmetic(el: Elaborator, e: ir.BinaryOf, left: Node, right: Node, help_: str | None) -> Node:
    span = e.span or NOWHERE
    kinds = (left.kind, right.kind)
    if all(issubclass(k, Tokens) for k in kinds):
        if e.operator != "+":
            return el.report(
                errors.bad_operands(
                    span, e.operator, "tokens", "tokens", "tokens are joined with `+`, `not` gives the others"
                )
            )
        owners = {p.key for n in (left, right) for leaf in stacks.leaves(n) for p in prompts_under(leaf)}
        if len(owners) > max(len(stacks.leaves(left)), len(stacks.leaves(right))):
            return el.report(
                errors.wrong_kind(
                    e.right.span or span, "the second part", "tokens of the same prompts", "tokens of others"
                )
            )
        return el.make("union", {"left": left, "right": right}, {}, Tokens, span)
    number = (Number, Boolean, Column)
    if left.op == right.op == "const" and all(issubclass(k, Number) for k in kinds):
        return folded(el, e, left, right)
    if all(issubclass(k, number) for k in kinds):
        kind = (
            Integer
            if all(issubclass(k, (Integer, Boolean)) for k in kinds) and e.operator not in ("/", "**")
            else Number
        )
    elif all(issubclass(k, Vector) for k in kinds) and e.operator in ("+", "-"):
        kind = Direction if Direction in kinds else Activation if Activation in kinds else Vector
        if el.width_of(left) and el.width_of(right) and el.width_of(left) != el.width_of(right):
            return el.report(
                errors.bad_operands(
                    span,
                    e.operator,
                    f"vector of width {el.width_of(left)}",
                    f"vector of width {el.width_of(right)}",
                    "vectors of two sites of different width",
                )
            )
    elif issubclass(kinds[0], Vector) and issubclass(kinds[1], number) and e.operator in ("*", "/"):
        kind = kinds[0]
    elif issubclass(kinds[1], Vector) and issubclass(kinds[0], number) and e.operator == "*":
        kind = kinds[1]
    elif all(issubclass(k, Matrix) for k in kinds) and e.operator in ("+", "-"):
        kind = Matrix
    else:
        return el.report(
            errors.bad_operands(span, e.operator, el.spoken(left), el.spoken(right), help_ or advice(left, right))
        )
    return el.make("binary", {"left": left, "right": right}, {"operator": e.operator}, kind, span)


def advice(left: Node, right: Node) -> str | None:
    for node in (left, right):
        if issubclass(node.kind, Site):
            return "a site is read `at` tokens"
        if issubclass(node.kind, Model):
            return "a model is read through a site or a measure: `… on m`"
    return None


def folded(el: Elaborator, e: ir.BinaryOf, left: Node, right: Node) -> Node:
    a, b = left.param("value"), right.param("value")
    if e.operator in ("/", "%") and b == 0:
        return el.report(errors.division_by_zero(e.span or NOWHERE))
    results = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "%": lambda: a % b,
        "**": lambda: a**b,
    }
    try:
        value = results[e.operator]()
    except OverflowError:
        return el.report(errors.number_too_large(e.span or NOWHERE))
    return el.const(float(value) if isinstance(value, complex) else value)
