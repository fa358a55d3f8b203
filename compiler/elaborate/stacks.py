"""Stacks: axes over models, prompts and other objects that are known one by one.

A stack is a list under an axis. Operations distribute over stacks (`f(stack)` is the stack of `f` of each), so that
stacks float outwards to the statement, and every model and prompt below them is a single known one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from ..graph import AxisType, Graph, Node, digest, walk
from ..kinds import (
    Boolean,
    Column,
    Direction,
    Integer,
    Kind,
    Nothing,
    Number,
    Part,
    Site,
    SystemMode,
    Test,
    Text,
    Unknown,
    Vector,
)  # fmt: skip

Make = Callable[[dict[str, Node | None]], Node]


class AxesDiffer(Exception):
    """Two stacks over one axis name have different labels."""

    def __init__(self, name: str, left: Node, right: Node) -> None:
        super().__init__(name)
        self.name, self.left, self.right = name, left, right


MOST_COPIES = 20_000  # of one expression: each is a run of its own, with its own nodes
MOST_CELLS = 200_000_000  # of one value, in labels that the text gives; a run refuses more, too


class TooMany(Exception):
    """An expression would stand for more cells than a run could compute; `sizes` are those of its axes."""

    def __init__(self, sizes: dict[str, int]) -> None:
        super().__init__(sizes)
        self.sizes = sizes


def check_size(sizes: dict[str, int], most: int) -> None:
    """Refuse a product of axes before it is made."""
    if math.prod(sizes.values()) > most:
        raise TooMany(sizes)


def stacked_sizes(nodes: Iterable[Node | None]) -> dict[str, int]:
    """How many labels the stacks among some values have, by axis."""
    found: dict[str, int] = {}
    seen: set[str] = set()
    waiting = [n for n in nodes if is_stack(n)]
    while waiting:
        node = waiting.pop()
        axis = stack_axis(node)
        found[axis.name] = max(found.get(axis.name, 0), len(axis))
        waiting += [e for e in elements(node) if is_stack(e) and e.key not in seen]
        seen |= {e.key for e in elements(node)}
    return found


def labels(stack: Node) -> tuple:
    return stack.param("labels")


def elements(stack: Node) -> list[Node]:
    return [n for _, n in sorted(stack.inputs, key=lambda pair: int(pair[0][1:]))]


def is_stack(node: Node | None) -> bool:
    return node is not None and node.op == "stack"


def stack_axis(node: Node) -> AxisType:
    return node.axes[0]


def stack(
    graph: Graph,
    name: str,
    shown: Iterable[object],
    nodes: list[Node],
    kind: str = "written",
    origin: str | None = None,
) -> Node:
    """Put nodes under a written axis. `origin` defaults to the labels themselves."""
    shown = tuple(shown)
    axis = AxisType(name, kind, origin or digest([name, [str(s) for s in shown]]), shown)
    common = [a for a in nodes[0].axes if a.name != name and all(a in n.axes for n in nodes)]
    inputs = {f"e{i}": n for i, n in enumerate(nodes)}
    params = {
        "axis": name,
        "labels": tuple(str(s) if not isinstance(s, (int, float, bool, str)) else s for s in shown),
        "origin": axis.origin,
    }
    return graph.node("stack", inputs, params, kind=common_kind([n.kind for n in nodes]), axes=(axis, *common))


def uneven(node: Node, axis: str) -> tuple[AxisType, tuple, str] | None:
    """Where an axis cannot be taken whole: the list that holds it, its elements that differ, and the axis they have.

    That is so along a list whose elements bring axes of their own, and along an axis that only some elements bring.
    """
    if not is_stack(node):
        return None
    own, inner = stack_axis(node), [visible_axes(e) for e in elements(node)]
    for name in dict.fromkeys(n for axes in inner for n in axes):
        having = tuple(label for label, axes in zip(own.labels, inner, strict=True) if name in axes)
        if len(having) < len(inner) and axis in (own.name, name):
            return own, having, name
    return next((found for e in elements(node) if (found := uneven(e, axis)) is not None), None)


# Kinds without a common base that may stand in one list, with what the list is then one of.
MIXED = (
    ((Site, Part), Part), ((Text, SystemMode), Text), ((Number, Boolean), Number), ((Column, Text), Column),
    ((Column, Number, Boolean), Column),
)  # fmt: skip


def common_kind(kinds: list[type[Kind]]) -> type[Kind]:
    """The narrowest kind that all are; `none` goes with anything."""
    rest = [k for k in kinds if k not in (Nothing, Unknown)]
    if not rest:
        return kinds[0] if kinds else Unknown
    first = rest[0]
    for base in first.__mro__:
        if base is not Kind and base is not object and all(issubclass(k, base) for k in rest):
            return base
    return next((whole for family, whole in MIXED if all(issubclass(k, family) for k in rest)), Unknown)


def visible_axes(node: Node) -> dict[str, AxisType]:
    """Axes of a node with those that only some elements of a stack have."""
    found = {a.name: a for a in node.axes}
    if is_stack(node):
        for element in elements(node):
            for name, axis in visible_axes(element).items():
                found.setdefault(name, axis)
    return found


def distribute(
    graph: Graph, inputs: dict[str, Node | None], make: Make, consumed: frozenset[str] = frozenset(),
    lead: frozenset[str] | None = None,
) -> Node:  # fmt: skip
    """Apply `make` below the stacks among `inputs`, except over axes that the operation itself consumes.

    With `lead`, only below the stacks of these inputs: the others follow where they share an axis. Raises TooMany.
    """
    sizes = stacked_sizes(n for name, n in inputs.items() if lead is None or name in lead)
    check_size({name: size for name, size in sizes.items() if name not in consumed}, MOST_COPIES)
    return _distribute(graph, inputs, make, consumed, lead)


def _distribute(
    graph: Graph, inputs: dict[str, Node | None], make: Make, consumed: frozenset[str], lead: frozenset[str] | None
) -> Node:
    leading = [n for name, n in inputs.items() if lead is None or name in lead]
    outer = next((s for n in leading if (s := outermost(n, consumed)) is not None), None)
    if outer is None:
        return make(inputs)
    axis = stack_axis(outer)
    made = []
    for i, label in enumerate(axis.labels):
        chosen = {}
        for name, node in inputs.items():
            if is_stack(node) and stack_axis(node).name == axis.name:
                if stack_axis(node).origin != axis.origin:
                    raise AxesDiffer(axis.name, outer, node)
                chosen[name] = elements(node)[i]
            elif node is not None:
                part = pick_inside(graph, node, axis.name, i, axis.origin)
                chosen[name] = restack(graph, part, lambda n, label=label: walked(graph, n, axis, label))
            else:
                chosen[name] = None
        made.append(_distribute(graph, chosen, make, consumed, lead))
    return stack(graph, axis.name, axis.labels, made, axis.kind, axis.origin)


def outermost(node: Node | None, consumed: frozenset[str]) -> Node | None:
    """The outermost stack of a node over an axis that is not consumed; it may lie below one that is."""
    if not is_stack(node):
        return None
    if stack_axis(node).name not in consumed:
        return node
    return next((s for e in elements(node) if (s := outermost(e, consumed)) is not None), None)


def pick_inside(graph: Graph, node: Node, name: str, index: int, origin: str) -> Node:
    """Take element `index` of an axis that lies below other stacks of `node`."""
    if not is_stack(node):
        return node
    if stack_axis(node).name == name:
        return elements(node)[index] if stack_axis(node).origin == origin else node
    parts = [pick_inside(graph, e, name, index, origin) for e in elements(node)]
    if all(new is old for new, old in zip(parts, elements(node), strict=True)):
        return node
    axis = stack_axis(node)
    return stack(graph, axis.name, axis.labels, parts, axis.kind, axis.origin)


def walked(graph: Graph, node: Node, axis: AxisType, label: object) -> Node:
    """A node beside a stack over plain labels (`prob(ask(name), name)`): its own free label is the element's."""
    if axis not in node.axes or not any(n.op == "label" and axis in n.axes for n in walk(node)):
        return node
    return substitute(graph, node, axis.name, constant(graph, label))


def constant(graph: Graph, value: object) -> Node:
    """A literal as a node."""
    kinds = ((bool, Boolean), (int, Integer), (float, Number))
    kind = next((kind for plain, kind in kinds if isinstance(value, plain)), Text)
    return graph.node("const", params={"value": value}, kind=kind)


def restack(graph: Graph, node: Node, change: Callable[[Node], Node]) -> Node:
    """Apply `change` to every element below all stacks."""
    if not is_stack(node):
        return change(node)
    axis = stack_axis(node)
    return stack(
        graph, axis.name, axis.labels, [restack(graph, e, change) for e in elements(node)], axis.kind, axis.origin
    )


def leaves(node: Node) -> list[Node]:
    """Every element below all stacks."""
    return [leaf for e in elements(node) for leaf in leaves(e)] if is_stack(node) else [node]


# What depends on all labels of an axis, or on what they are called, and so is not what it is at one of them alone: the
# p values of a family of tests, and random vectors, which are drawn for the labels of what they are like.
TOGETHER = {"statement": "value", "field": "record", "random_unit": "like", "random_gaussian": "like"}


def substitute(graph: Graph, node: Node, axis: str, value: Node) -> Node:
    """Replace the label of a symbolic axis by a value, wherever the axis is still free."""
    made: dict[str, Node] = {}

    def go(n: Node) -> Node:
        if n.axis(axis) is None and axis not in visible_axes(n):
            return n
        if n.key in made:
            return made[n.key]
        whole = together(n)
        if n.op == "label" and n.param("name") == axis:
            result = value
        elif whole is not None and axis in visible_axes(whole):  # looked up among all
            left = tuple(a for a in n.axes if a.name != axis)
            extra = tuple(a for a in value.axes if a.name not in {x.name for x in left})
            taken = {"base": n, "label": value}
            result = graph.node("select", taken, {"axis": axis}, kind=n.kind, axes=left + extra, lineage=n.lineage)
        else:
            inputs = {name: go(child) for name, child in n.inputs}
            left = tuple(a for a in n.axes if a.name != axis)
            extra = tuple(a for a in value.axes if a.name not in {x.name for x in left})
            result = graph.node(n.op, inputs, dict(n.params), kind=n.kind, axes=left + extra, lineage=n.lineage)
        made[n.key] = result
        return result

    return go(node)


def together(node: Node) -> Node | None:
    """The input of a node whose labels it depends on all at once, if there is one."""
    found = node.input(TOGETHER[node.op]) if node.op in TOGETHER else None
    return None if node.op == "field" and not issubclass(found.kind, Test) else found


def is_vector(node: Node) -> bool:
    return issubclass(node.kind, (Vector, Direction))
