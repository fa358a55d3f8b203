"""Operators between columns and values of another sort: what the rows hold is known once the file is here."""

from __future__ import annotations

from ...compiler.graph import Node
from ...compiler.kinds import Boolean, Number, Text
from ..errors import ProbeError
from .scene import Scene

SORTS = ((Number, "numbers"), (Boolean, "truth values"), (Text, "texts"))


def look(scene: Scene) -> None:
    """Report comparisons and arithmetic of texts with numbers, where a column is at hand whole."""
    found = [(n, at) for n, at in scene.nodes if n.op == "binary" and any(side.op == "column" for _, side in n.inputs)]
    if not found:
        return
    from ..arithmetic import refuse_mixed_sorts

    for node, statement in found:
        try:
            left, right = (_sort(scene, node.input(name)) for name in ("left", "right"))
            refuse_mixed_sorts(str(node.param("operator")), left, right)
        except ProbeError as problem:
            scene.report("error", problem.code, scene.at(node, statement), problem.message, problem.help)


def _sort(scene: Scene, node: Node) -> str | None:
    """What the values of an operand are, as far as the text and the rows tell."""
    from ..arithmetic import label_array, sort_of_values

    if node.op != "column":
        return next((sort for kind, sort in SORTS if issubclass(node.kind, kind)), None)
    items, name = scene.items(node.input("dataset")), str(node.param("name"))
    if items is None or not items.whole or name not in items.own:
        return None
    return sort_of_values(label_array(tuple(v for row in items.rows if (v := row.get(name)) is not None)))
