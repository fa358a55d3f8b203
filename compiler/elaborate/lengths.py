"""How long the directions are that are added as they are: of several models, or of several norms under one scale."""

from __future__ import annotations

from ...grammar.tree import Span
from .. import errors
from ..graph import Node, walk
from ..kinds import Nothing
from ..signature import Signature
from . import stacks
from .core import Elaborator

OF_NORM_ONE = ("unit", "random_unit")


def check_lengths(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> None:
    """Report doubts about a `steer` in raw units: its scale multiplies the length that a direction happens to have."""
    if signature.name == "z_score" and "x" in arguments and "null" in arguments:
        null_norm(el, arguments["x"], arguments["null"], span)
    direction, unit = arguments.get("direction"), arguments.get("unit")
    if signature.name != "steer" or direction is None or (unit is not None and unit.param("value") != "raw"):
        return
    raw_steering(el, direction, span)
    several_norms(el, direction, arguments.get("scale"), span)


def arms(direction: Node) -> list[Node]:
    """The directions of a list, without `none`."""
    return [leaf for leaf in stacks.leaves(direction) if leaf.kind is not Nothing]


def raw_steering(el: Elaborator, direction: Node, span: Span) -> None:
    """A direction of several models or revisions that is added with its own length."""
    if all(map(has_scale, arms(direction))):
        return
    for axis in stacks.visible_axes(direction).values():
        if is_model_axis(direction, axis.name) and any(n.op == "read" for n in walk(direction)):
            el.report(errors.raw_scale(span, "steering by a direction's own length", axis.name))


def several_norms(el: Elaborator, direction: Node, scale: Node | None, span: Span) -> None:
    """Arms of which some are of norm one and others as long as they came, under one scale."""
    if scale is not None and any(n.op == "norm" for n in walk(scale)):
        return
    ones = {is_one(leaf) for leaf in arms(direction)}
    if ones == {True, False} and not follows(scale, direction):
        el.report(errors.null_of_another_norm(span))


def null_norm(el: Elaborator, x: Node, null: Node, span: Span) -> None:
    """A value steered by directions as long as they came, and a null by some of norm one, with the same scale."""
    if any(d.code == "null-of-another-norm" for d in el.problems.values()):
        return
    steered, drawn = steers(x), steers(null)
    own, others = (
        {(is_one(edit.input("direction")), edit.input("scale")) for key, edit in some.items() if key not in rest}
        for some, rest in ((steered, drawn), (drawn, steered))
    )
    if any((not one, scale) in others for one, scale in own):
        el.report(errors.null_of_another_norm(span))


def steers(node: Node) -> dict[str, Node]:
    """The interventions below a value that add a direction in raw units, by key."""
    found = [n for n in walk(node) if n.op == "steer" and n.input("direction").kind is not Nothing]
    return {n.key: n for n in found if n.input("unit") is None or n.input("unit").param("value") == "raw"}


def is_one(node: Node) -> bool:
    """Whether a direction is of norm one by construction."""
    while node.op in ("select", "filter", "direction"):
        node = node.input("base") or node.input("x")
    return all(map(is_one, stacks.elements(node))) if stacks.is_stack(node) else node.op in OF_NORM_ONE


def follows(scale: Node | None, direction: Node) -> bool:
    """Whether the scale has a value of its own for each arm."""
    return stacks.is_stack(scale) and stacks.stack_axis(scale).name in stacks.visible_axes(direction)


def has_scale(node: Node) -> bool:
    """Whether a direction is of norm one, or a share of a norm: what it was divided by says what its length means."""
    if node.op in ("unit", "random_unit", "stack"):
        return node.op != "stack" or all(map(has_scale, stacks.leaves(node)))
    inner = node.input("base") or node.input("value")
    if inner is not None:
        return has_scale(inner)
    sides = [n for n in (node.input("left"), node.input("right")) if n is not None]
    if node.op == "binary" and node.param("operator") == "/" and any(n.op == "norm" for n in walk(sides[1])):
        return True
    return any(has_scale(n) for n in sides if stacks.is_vector(n))


def is_model_axis(node: Node, axis: str) -> bool:
    """Whether an axis runs over models: its elements are read in different ones."""
    if stacks.is_stack(node):
        own = stacks.stack_axis(node).name == axis
        models = {frozenset(m.key for m in models_below(e)) for e in stacks.elements(node) if e.kind is not Nothing}
        return (own and len(models) > 1) or any(is_model_axis(e, axis) for e in stacks.elements(node))
    return False


def models_below(node: Node) -> list[Node]:
    return [n.input("model") for n in walk(node) if n.op == "run"]
