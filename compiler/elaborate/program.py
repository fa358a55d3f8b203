"""What elaboration gives: the graph's roots, statement by statement."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...grammar.tree import Span
from ..graph import Graph, Node


@dataclass(frozen=True)
class StatementNode:
    """A statement that leaves a result: direction, statistic, claim or plot.

    `binders` are the names of its `for`, in order: they are the first columns of its table.
    """

    keyword: str
    name: str
    node: Node
    span: Span
    binders: tuple[str, ...] = ()


@dataclass
class Program:
    """A spec, elaborated: `statements` in file order; `models`, `prompts` and `datasets` by name, for previews."""

    graph: Graph
    statements: list[StatementNode] = field(default_factory=list)
    models: dict[str, Node] = field(default_factory=dict)
    prompts: dict[str, Node] = field(default_factory=dict)
    datasets: dict[str, Node] = field(default_factory=dict)
    tokens: list[tuple[Node, Span]] = field(
        default_factory=list
    )  # token expressions with their places, for previews and the second tier
    labels: dict[tuple[str, str], Span] = field(
        default_factory=dict
    )  # axis and key of a label that a selection names -> where it is written first
    spans: dict[str, Span] = field(default_factory=dict)  # node key -> where it was first written
