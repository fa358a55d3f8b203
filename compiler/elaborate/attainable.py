"""Claims about p values that no data could make true: the fewest draws of a null, and the cells of its family."""

from __future__ import annotations

from ...grammar.tree import Span
from .. import errors
from ..graph import Node
from . import stacks
from .core import Elaborator
from .rules import count_cells

FEWER = {"<": ("left", "right"), "<=": ("left", "right"), ">": ("right", "left"), ">=": ("right", "left")}
PER_FAMILY = ("holm", "bonferroni")
THROUGH = ("statement", "select", "filter", "stack")


def check_attainable(el: Elaborator, node: Node, span: Span) -> None:
    """Warn where a claim asks for a p that its test cannot reach, whatever the data say."""
    waiting = [node]
    while waiting:
        n = waiting.pop()
        if n.op == "binary" and n.param("operator") == "and":
            waiting += [n.input("left"), n.input("right")]
        elif n.op in ("all", "any") and n.input("x") is not None:
            waiting.append(n.input("x"))
        elif n.op == "binary" and n.param("operator") in FEWER:
            one_claim(el, n, span)


def one_claim(el: Elaborator, n: Node, span: Span) -> None:
    small, large = (n.input(side) for side in FEWER[str(n.param("operator"))])
    if large is None or large.op != "const" or not isinstance(large.param("value"), (int, float)):
        return
    while small is not None and small.op in ("select", "filter"):
        small = small.input("base")
    name = str(small.param("name")) if small is not None and small.op == "field" else None
    if name not in ("p", "adjusted"):
        return
    test, cells = small.input("record"), 1
    while test is not None and test.op in THROUGH:
        if test.op == "statement":
            cells = count_cells(test)
        test = test.input("value") or test.input("base") or stacks.leaves(test)[0]
    draws = draws_of(el, test)
    if draws is None:
        return
    method = test.input("adjust")
    family = method is None or method.param("value") in PER_FAMILY
    smallest = (cells if name == "adjusted" and family else 1) / (1 + draws)
    asked = float(large.param("value"))
    if smallest > asked or (smallest == asked and n.param("operator") in ("<", ">")):
        el.report(errors.claim_out_of_reach(span, smallest, asked, draws, cells if smallest > 1 / (1 + draws) else 1))


def draws_of(el: Elaborator, test: Node | None) -> int | None:
    """How many values a test's null has, as far as the text tells."""
    if test is None:
        return None
    if test.op == "label_permutation":
        given = test.input("n")
        default = el.catalogue[test.op].parameter("n").default
        return int(default if given is None else given.param("value")) if given is None or given.op == "const" else None
    if test.op != "z_score":
        return None
    over = test.input("over")
    axis = stacks.visible_axes(test.input("null")).get("seed" if over is None else str(over.param("name")))
    return len(axis.labels) if axis is not None and axis.labels is not None else None
