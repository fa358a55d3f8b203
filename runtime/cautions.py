"""What to know of the intervals of records: those that come from drawing few items again are too narrow."""

from __future__ import annotations

import numpy as np

from ..compiler.elaborate.stacks import leaves
from ..compiler.graph import Node
from .evaluate import Evaluator
from .intervals import caution, least, without_width
from .record import Record
from .replicates import Scheme, replay

THROUGH = ("statement", "filter", "select")
UNITS = ("sign_flip",)  # their interval is a bootstrap of the units that `.n` counts


def of_record(evaluator: Evaluator, node: Node, record: Record) -> tuple[str, ...]:
    """Notes on a record whose interval is a bootstrap; none on other tests, whose intervals know how few items are."""
    tests = list(_tests(node))
    if all(t.op in UNITS for t in tests):
        return caution(record["n"].values[record.value.present()]) + without_width(record["low"], record["high"])
    if all(t.op == "bootstrap" for t in tests):
        few = caution(np.concatenate([_drawn(evaluator, t, node) for t in tests]))
        return few + without_width(record["low"], record["high"])
    return ()


def _tests(node: Node) -> list[Node]:
    """The operations whose records a value is made of."""
    while node.op in THROUGH:
        node = node.input("value") or node.input("base")
    return [node] if node.op != "stack" else [t for leaf in leaves(node) for t in _tests(leaf)]


def _drawn(evaluator: Evaluator, test: Node, home: Node) -> np.ndarray:
    """The numbers of items that a bootstrap draws for its cells."""
    x, cluster, counts = test.input("x"), test.input("cluster"), []
    name = None if cluster is None or cluster.op == "none" else str(cluster.param("name"))
    point = evaluator.at_home(home).cube(x)
    replay(lambda context: evaluator.under(context).at_home(home).cube(x), Scheme("bootstrap", 1, name), 0, counts)
    return least(counts, point)[point.present()]
