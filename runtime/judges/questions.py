"""A judge node as questions: the text and the rubric of every cell. Knows nothing of who answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...compiler.graph import Node
from ..cells import literal
from ..cube import Axis, Cube, align, merge_missing
from ..data.paths import locate
from ..text_cells import texts
from .rubric import asked, check_rubric, read_rubric
from .scale import integers

if TYPE_CHECKING:
    from ..binding.bindings import Bindings
    from ..evaluate import Evaluator

DEFAULTS = {"scale": "0..100", "least": 0.25, "give": "score"}


@dataclass(frozen=True, eq=False)
class Questions:
    """One question for each cell of `axes`, flat; None where the cell has `reasons` for being missing."""

    axes: tuple[Axis, ...]
    asked: tuple[str | None, ...]
    reasons: np.ndarray
    scale: tuple[int, ...]
    least: float
    give: str


def questions(bindings: Bindings, evaluator: Evaluator, node: Node) -> Questions:
    """The questions of a judge node, whose texts have been written; raises what a bad rubric raises."""
    judged = texts(evaluator.at_home(node).cube(node.input("answers")), "judge")
    rubric = texts(rubric_of(bindings, evaluator, node), "judge")
    for one in set(rubric.values.reshape(-1)):
        check_rubric(one)
    judged, rubric = align(judged, rubric)
    missing = merge_missing([judged, rubric])
    reasons = np.full(judged.shape, None, dtype=object) if missing is None else missing
    rows = rows_of(judged.axes)
    made = []
    for cell in np.ndindex(judged.shape):
        row = rows[cell[judged.names.index("item")]] if rows else {}
        made.append(asked(rubric.values[cell], judged.values[cell], row) if reasons[cell] is None else None)
    given = {name: option(evaluator, node, name) for name in DEFAULTS}
    return Questions(
        judged.axes, tuple(made), reasons.reshape(-1), integers(given["scale"]), float(given["least"]), given["give"]
    )


def rubric_of(bindings: Bindings, evaluator: Evaluator, node: Node) -> Cube | str:
    given = node.input("rubric")
    if given.op == "file":
        return read_rubric(rubric_path(bindings, given))
    return evaluator.at_home(node).cube(given)


def rubric_path(bindings: Bindings, file: Node):
    """Where a rubric file is: beside the spec, or among the zoo's data."""
    name = str(file.input("path").param("value"))
    if name.startswith("zoo/"):
        from ..zoo import data_path

        return data_path(name.removeprefix("zoo/"))
    return locate(name, root=bindings.root, allow_outside=bindings.allow_outside)


def rows_of(axes: tuple[Axis, ...]) -> list[dict]:
    """The columns of each item, as rubrics may name them."""
    item = next((a for a in axes if a.name == "item"), None)
    if item is None:
        return []
    return [{name: values[i] for name, values in item.coords.items()} for i in range(len(item))]


def option(evaluator: Evaluator, node: Node, name: str) -> object:
    given = node.input(name)
    return DEFAULTS[name] if given is None else literal(evaluator.at_home(node).value(given), name)
