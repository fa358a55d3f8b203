"""The end of a statement: its kind, what must not be left open, and which binders changed nothing."""

from __future__ import annotations

from ...grammar.tree import NOWHERE
from .. import errors, ir
from ..expression_text import text_of
from ..graph import AxisType, Node, walk
from ..kinds import (
    Boolean,
    Column,
    Direction,
    Distribution,
    Matrix,
    Number,
    Plot,
    Prompts,
    Site,
    Table,
    Test,
    Text,
    Unknown,
    Vector,
)  # fmt: skip
from . import stacks
from .attainable import check_attainable
from .attributes import response_text
from .core import Elaborator
from .env import Env
from .lineage import check_choice
from .program import StatementNode
from .select import left_in, reduced_later
from .sense import is_of_both_sides

RESULTS = (Number, Boolean, Vector, Text, Test, Table, Column)


def finish(el: Elaborator, name: str, statement: ir.Define, node: Node, env: Env) -> Node:
    """Check a statement's value, and put it down as a root of the program when the file itself declares it."""
    where = (
        el.expr(statement.loop.where, env) if statement.loop is not None and statement.loop.where is not None else None
    )
    if node.kind is Unknown:
        return node
    span = statement.value.span or NOWHERE
    for n in walk(*(n for n in (node, where) if n is not None)):
        axes = {a.name: len(a) for a in n.axes if a.kind != "data" and a.labels is not None} if n.op != "stack" else {}
        stacks.check_size(axes, stacks.MOST_CELLS)
    checked = CHECKS[statement.keyword](el, name, statement, node, span)
    if checked.kind is Unknown:
        return checked
    unused_binders(el, statement, checked, where, env)
    if statement.keyword in ("statistic", "claim"):
        check_choice(el, checked, span)
    if where is not None and not issubclass(where.kind, (Boolean, Unknown)):
        el.report(
            errors.wrong_kind(
                statement.loop.where.span or span, "what stands behind `where`", "boolean", el.spoken(where)
            )
        )
        where = None
    if where is not None and where.kind is not Unknown:
        # `where` is part of the value: whoever uses the statement sees the same cells as its table.
        condition = statement.loop.where
        checked = left_in(el, checked, where, condition.span or span, reduced_later(statement.value, condition))
        if checked.kind is Unknown:
            return checked
    binders = tuple(b.name for b in statement.loop.binders) if statement.loop is not None else ()
    if issubclass(checked.kind, Test) and statement.keyword == "statistic":
        # The family of a test is all cells of its statement, so selecting from it must not make it smaller.
        checked = el.graph.node("statement", {"value": checked}, {"name": name}, kind=Test, axes=checked.axes)
    el.names.setdefault(checked.key, name)
    if "." not in name and not env.params:
        el.program.statements.append(
            StatementNode(statement.keyword, name, checked, statement.span or NOWHERE, binders)
        )
    return checked


def direction(el: Elaborator, name: str, statement: ir.Define, node: Node, span) -> Node:
    if not issubclass(node.kind, Vector):
        return el.report(errors.wrong_kind(span, f"direction `{name}`", "direction", el.spoken(node)))
    axes = stacks.visible_axes(node)
    if "side" in axes:
        return el.report(errors.side_left(span, name))
    data = [a for a in axes.values() if a.kind == "data"]
    if data:
        what = "tokens" if data[0].name == "token" else "items"
        return el.report(errors.direction_has_items(span, name, what))
    if is_of_both_sides(el, node):
        el.report(errors.sides_averaged(span, "mean"))
    return stacks.restack(el.graph, node, lambda n: as_direction(el, n))


def as_direction(el: Elaborator, node: Node) -> Node:
    if issubclass(node.kind, Direction):
        return node
    made = el.graph.node("direction", {"x": node}, kind=Direction, axes=node.axes)
    return made


def statistic(el: Elaborator, name: str, statement: ir.Define, node: Node, span) -> Node:
    node = response_text(el, node)
    if node.op == "list" or not issubclass(node.kind, RESULTS):
        help_ = "a matrix is reduced to a number with `norm`" if issubclass(node.kind, Matrix) else None
        if issubclass(node.kind, Site):
            return el.report(errors.site_without_tokens(span, text_of(statement.value)))
        if issubclass(node.kind, (Prompts, Distribution)):
            help_ = "measure it: `prob(…)`, `logit(…)`, `rank(…)`, `entropy(…)`"
        return el.report(
            errors.wrong_kind(
                span, f"statistic `{name}`", "number, boolean, vector, text or test", el.spoken(node), help_
            )
        )
    return node


def claim(el: Elaborator, name: str, statement: ir.Define, node: Node, span) -> Node:
    if not issubclass(node.kind, Boolean):
        return el.report(errors.claim_not_boolean(span, el.spoken(node)))
    if any(a.kind == "data" for a in stacks.visible_axes(node).values()):
        return el.report(errors.claim_has_items(span))
    named = {b.name for b in statement.loop.binders} if statement.loop is not None else set()
    several = [n for n, a in stacks.visible_axes(node).items() if n not in named and len(a) != 1]
    if several:
        el.report(errors.claim_many_verdicts(span, several))
    check_attainable(el, node, statement.value.span or span)
    return node


def plot(el: Elaborator, name: str, statement: ir.Define, node: Node, span) -> Node:
    if not issubclass(node.kind, Plot):
        return el.report(
            errors.wrong_kind(
                span, f"plot `{name}`", "plot", el.spoken(node), "`line(…)`, `bar(…)`, `heatmap(…)`, `scatter(…)`"
            )
        )
    return node


CHECKS = {"direction": direction, "statistic": statistic, "claim": claim, "plot": plot}


def unused_binders(el: Elaborator, statement: ir.Define, node: Node, where: Node | None, env: Env) -> None:
    """A binder whose axis the value does not have changed nothing."""
    walked: dict[str, list[AxisType]] = {}
    for n in walk(*(n for n in (node, where) if n is not None)):
        if n.op in ("label", "stack"):
            walked.setdefault(str(n.param("name") if n.op == "label" else n.param("axis")), []).append(n.axes[0])
    for binder in statement.loop.binders if statement.loop is not None else ():
        bound = env.binders.get(binder.name)
        if bound is None or bound.kind is Unknown:
            continue
        own, found = stacks.visible_axes(bound).get(binder.name), walked.get(binder.name, ())
        if not any(own is None or a.origin == own.origin or a.labels == own.labels for a in found):
            over = binder.values
            same = over.name if isinstance(over, ir.Ref) and over.name in stacks.visible_axes(bound) else None
            el.report(errors.unused_binder(binder.span or NOWHERE, binder.name, same))
