"""The logical graph: hash-consed nodes, symbolic over axes.

A node is an operation with named inputs and literal parameters. Its *recipe key* is a hash of these, the operation's
version and its inputs' keys: equal keys mean the same computation. Axes are part of what a node is, labels may be
unknown until a model's config or a dataset is at hand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .kinds import Kind

VERSION = 1  # of the graph's meaning: part of every key
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class AxisType:
    """An axis as it is known before anything runs.

    `origin` identifies the set of labels: two axes of one name must agree in it. `kind` is written, model, data or
    computed. `labels` are there when the text alone tells them.
    """

    name: str
    kind: str
    origin: str
    labels: tuple | None = None

    def __len__(self) -> int:
        return len(self.labels or ())


@dataclass(frozen=True, eq=False)
class Node:
    """A value to be computed. Identity is by key: nodes come from `Graph.node`, equal ones are one object."""

    op: str
    inputs: tuple[tuple[str, Node], ...]
    params: tuple[tuple[str, object], ...]
    kind: type[Kind]
    axes: tuple[AxisType, ...]
    key: str
    lineage: frozenset[str] = field(default=frozenset())  # datasets whose rows were used to fit this value

    def input(self, name: str) -> Node | None:
        return next((n for k, n in self.inputs if k == name), None)

    def param(self, name: str, default: object = None) -> object:
        return next((v for k, v in self.params if k == name), default)

    def axis(self, name: str) -> AxisType | None:
        return next((a for a in self.axes if a.name == name), None)

    def __repr__(self) -> str:
        return f"<{self.op} {self.key[:8]} {[a.name for a in self.axes]}>"


class Graph:
    """The set of nodes of a spec; asking for an equal node again gives the same one."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}

    def node(
        self,
        op: str,
        inputs: dict[str, Node | None] | None = None,
        params: dict[str, object] | None = None,
        *,
        kind: type[Kind],
        axes: tuple[AxisType, ...] = (),
        version: int = 1,
        lineage: frozenset[str] = frozenset(),
    ) -> Node:
        """Make a node, or find the equal one that exists."""
        ins = tuple(sorted(((k, n) for k, n in (inputs or {}).items() if n is not None), key=lambda pair: pair[0]))
        pars = tuple(sorted((params or {}).items()))
        key = key_of(op, dict(ins), dict(pars), version)
        found = self._nodes.get(key)
        if found is None:
            inherited = lineage.union(*(n.lineage for _, n in ins)) if ins else lineage
            found = self._nodes[key] = Node(op, ins, pars, kind, axes, key, inherited)
        return found

    def __len__(self) -> int:
        return len(self._nodes)


def key_of(op: str, inputs: dict[str, Node | None], params: dict[str, object], version: int = 1) -> str:
    """The key that a node has, or would have."""
    ins = sorted((k, n.key) for k, n in inputs.items() if n is not None)
    return digest([VERSION, op, version, ins, [[k, plain(v)] for k, v in sorted(params.items())]])


def digest(value: object) -> str:
    """A short stable hash of plain data."""
    return hashlib.blake2b(ENCODER.encode(value).encode(), digest_size=16).hexdigest()


def plain(value: object) -> object:
    """Plain JSON data for a literal parameter, with types told apart."""
    if isinstance(value, (list, tuple)):
        return [type(value).__name__[0], *[plain(v) for v in value]]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, int):
        return ["i", value]
    if isinstance(value, float):
        return ["f", value.hex()]
    raise TypeError(f"{value!r} is no literal")


def walk(*roots: Node) -> Iterator[Node]:
    """Every node below the roots once, inputs before the nodes that use them."""
    seen: set[str] = set()
    stack: list[tuple[Node, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if done:
            yield node
        elif node.key not in seen:
            seen.add(node.key)
            stack.append((node, True))
            stack.extend((child, False) for _, child in reversed(node.inputs) if child.key not in seen)


def rebuild(graph: Graph, root: Node, change: Callable[[Node, dict[str, Node]], Node | None]) -> Node:
    """Rewrite a graph bottom-up: `change` gets a node and its new inputs, and returns the new node, or None."""
    made: dict[str, Node] = {}
    for node in walk(root):
        inputs = {name: made[child.key] for name, child in node.inputs}
        made[node.key] = change(node, inputs) or node
    return made[root.key]
