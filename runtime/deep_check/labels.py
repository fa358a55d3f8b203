"""Labels that say nothing: a classifier whose `y` is one and the same value in every row."""

from __future__ import annotations

from ...compiler.graph import Node, walk
from .items import file_of
from .scene import Scene


def look(scene: Scene) -> None:
    """Report columns that are used as labels, or to split by, and have one value only."""
    for node, statement in scene.nodes:
        for name in ("y", "stratify"):
            given = node.input(name)
            if given is None:
                continue
            for dataset, column in _columns(node, given):
                items = scene.items(dataset)
                if items is None or not items.whole or items.narrowed or column not in items.own or len(items.rows) < 2:
                    continue
                values = {repr(row.get(column)) for row in items.rows}
                if len(values) == 1:
                    message = (
                        f"`{column}` is {values.pop()} in all {len(items.rows)} rows: there is nothing to tell apart"
                    )
                    help_ = "name a column that differs between items"
                    scene.report("error", "constant-labels", scene.at(node, statement), message, help_)


def _columns(user: Node, given: Node) -> list[tuple[Node, str]]:
    """The dataset columns that an argument is made of."""
    if given.op == "axis":
        dataset = file_of(user)
        return [(dataset, str(given.param("name")))] if dataset is not None else []
    return [(n.input("dataset"), str(n.param("name"))) for n in walk(given) if n.op == "column"]
