"""Datasets that are left without items: by a `keep` whose condition no row meets, or as a part of a split."""

from __future__ import annotations

from ...compiler.graph import Node, walk
from ...compiler.kinds import Generated, Model
from ..errors import ProbeError
from .items import file_of
from .scene import Scene

NARROWING = ("keep", "part")
TOLD = ("not-a-condition", "not-numbers", "empty-split")  # what only the values tell; columns are looked at elsewhere


def look(scene: Scene) -> None:
    """Report a `keep` that leaves nothing of a dataset that is at hand whole, conditions that are none, empty parts."""
    found = [(node, statement) for node, statement in scene.nodes if node.op in NARROWING and at_hand(scene, node)]
    if not found:
        return
    from ..binding.bindings import Bindings

    bindings = Bindings(scene.root, scene.options.allow_outside, download=False)
    prompted = {d.key for n, _ in scene.nodes if n.op == "prompts" for d in _steps(n.input("source"))}
    for node, statement in found:
        made = node if node.op == "keep" else node.input("split")
        at = scene.at(made, statement)
        try:
            count = len(bindings.table(made.input("items")))
            if count and not len(bindings.table(node)):
                # what runs on prompts needs items; other values are only missing
                severity = "error" if node.key in prompted else "warning"
                message = f"this `keep` leaves none of the {count} item{'s' if count > 1 else ''}"
                scene.report(severity, "no-items", at, message, "look at what it asks for, and at the column's values")
        except ProbeError as problem:
            if problem.code in TOLD and not scene.told_inside(at.span):
                scene.report("error", problem.code, at, problem.message, problem.help)


def at_hand(scene: Scene, dataset: Node) -> bool:
    """Whether all rows are here, and neither models nor runs are needed to tell which of them stay."""
    items = scene.items(dataset) if of_rows(dataset) and file_of(dataset) is not None else None
    return items is not None and items.whole


def of_rows(value: Node) -> bool:
    """Whether a value follows from rows alone, without models and runs."""
    return not any(issubclass(n.kind, (Model, Generated)) or n.op == "label" for n in walk(value))


def _steps(dataset: Node | None) -> list[Node]:
    """A dataset and those that it was made of."""
    return [] if dataset is None else [n for n in walk(dataset) if n.op in NARROWING]
