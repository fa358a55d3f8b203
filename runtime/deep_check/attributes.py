"""Attributes whose effect is asked for, and that the rows make one and the same: one of two groups has no text."""

from __future__ import annotations

from ...compiler.graph import walk
from ..errors import ProbeError
from .kept import at_hand, of_rows
from .scene import Scene


def look(scene: Scene) -> None:
    """Warn of a `rate` whose `treated` is true, or false, in every row of a dataset that is at hand whole."""
    for node, statement in scene.nodes:
        treated = node.input("treated") if node.op == "rate" else None
        if treated is None:
            continue
        found = {n.input("dataset").key: n.input("dataset") for n in walk(treated) if n.op == "column"}
        if len(found) != 1 or not of_rows(treated):
            continue
        (dataset,) = found.values()
        if not at_hand(scene, dataset):
            continue
        from ..binding.bindings import Bindings
        from ..evaluate import column_values

        bindings = Bindings(scene.root, scene.options.allow_outside, download=False)
        try:
            values = [bool(v) for v in column_values(bindings, treated, bindings.table(dataset)) if v is not None]
        except ProbeError:
            continue  # told where the condition is looked at
        if len(values) > 1 and len(set(values)) == 1:
            message = f"all {len(values)} items have the same attribute ({str(values[0]).lower()})"
            help_ = "name a column, or a condition over one, that differs between items"
            scene.report("warning", "constant-attribute", scene.at(treated, statement), message, help_)
