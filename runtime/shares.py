"""Shares of items, also times a number of the spec: what they are shares of, so that Wilson's interval can be given."""

from __future__ import annotations

from dataclasses import dataclass

from ..compiler.elaborate.stacks import elements, is_stack
from ..compiler.graph import Node
from .cube import Axis, Cube, stack
from .errors import ProbeError
from .evaluate import Evaluator
from .reduction import SIDE


@dataclass(frozen=True, eq=False)
class Share:
    """Truth values of items, and what their mean is multiplied by (1000 for mentions in a thousand)."""

    truth: Cube
    factor: float


def share_of(evaluator: Evaluator, node: Node, value: Cube, mean: bool) -> Share | None:
    """What a statistic is a share of: the truth values that it is the mean of, or (not `mean`) that it still has.

    None where it is anything else, or has other axes than its `value`.
    """
    found = found_in(evaluator, node, mean)
    if found is None:
        return None
    left = {a.name for a in found.truth.axes if not mean or (a.kind != "data" and a.name != SIDE)}
    return found if left == set(value.names) else None


def found_in(evaluator: Evaluator, node: Node, mean: bool) -> Share | None:
    if is_stack(node):
        return stacked(node, [found_in(evaluator, e, mean) for e in elements(node)])
    node, factor = unscaled(node)
    if mean:
        if node.op != "mean" or node.input("over") is not None:
            return None
        node = node.input("x")
    found = evaluator.value(node)
    plain = isinstance(found, Cube) and found.dtype.kind == "b" and found.data_axes()
    return Share(found, factor) if plain else None


def stacked(node: Node, parts: list[Share | None]) -> Share | None:
    """The shares of a list as one; None where they are not alike."""
    if not parts or None in parts or len({p.factor for p in parts}) > 1:
        return None
    axis = Axis(node.axes[0].name, tuple(node.param("labels")), node.axes[0].kind)
    try:
        return Share(stack(axis, [p.truth for p in parts]), parts[0].factor)
    except ProbeError:
        return None  # the parts have items of their own


def unscaled(node: Node) -> tuple[Node, float]:
    """A value without the positive number of the spec that it is multiplied by, and that number."""
    if node.op != "binary" or node.param("operator") != "*":
        return node, 1.0
    left, right = node.input("left"), node.input("right")
    number, other = (left, right) if left.op == "const" else (right, left)
    value = number.param("value") if number.op == "const" else None
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    return (other, float(value)) if whole else (node, 1.0)


def times(cube: Cube, factor: float) -> Cube:
    """A cube of numbers, multiplied."""
    return cube if factor == 1 else Cube(cube.axes, cube.values * factor, cube.missing)
