"""Cells of a node as columns of coordinates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...compiler.graph import Node
from ..cube import Axis, Cube
from ..errors import NotYet, ProbeError
from ..evaluate import Evaluator

MOST_CELLS = 200_000_000
LISTS = ("list", "all-layers", "layers", "range")  # layers that are written, and all meant at once


@dataclass(frozen=True, eq=False)
class Grid:
    """The cells of a product of axes, in row-major order; `at` has one int array [cells] per axis."""

    axes: tuple[Axis, ...]
    at: dict[str, np.ndarray]
    count: int

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(a) for a in self.axes)

    def ravel(self, axes: tuple[Axis, ...]) -> np.ndarray:
        """Per cell, the flat index of its coordinates on some of the axes."""
        flat = np.zeros(self.count, dtype=np.int64)
        for axis in axes:
            flat = flat * len(axis) + self.at[axis.name]
        return flat

    def spread(self, cube: Cube) -> np.ndarray:
        """Per cell, the value of a cube over some of the axes."""
        return cube.values.reshape((-1,) + cube.feature)[self.index(cube)]

    def index(self, cube: Cube) -> np.ndarray:
        """Per cell, the flat index of its cell of a cube over some of the axes."""
        index = np.zeros(self.count, dtype=np.int64)
        for axis in cube.axes:
            if axis.name not in self.at:
                raise ProbeError("axes-differ", f"a value has an axis {axis.name} that what uses it does not have")
            index = index * len(axis) + self.at[axis.name]
        return index


def grid(axes: tuple[Axis, ...]) -> Grid:
    count = 1
    for axis in axes:
        count *= len(axis)
    if count > MOST_CELLS:
        sizes = " x ".join(f"{len(a):,} {a.name}" for a in axes)
        raise ProbeError("too-many-cells", f"this would be {count:,} cells ({sizes})", "select fewer labels of an axis")
    cells = np.arange(count)
    at: dict[str, np.ndarray] = {}
    inner = count
    for axis in axes:
        inner //= max(len(axis), 1)
        at[axis.name] = (cells // max(inner, 1)) % max(len(axis), 1)
    return Grid(axes, at, count)


def one_index(values: np.ndarray, what: str) -> np.ndarray:
    """Layers or heads as whole numbers; raises `several-layers` where one is a set of more than one."""
    if values.dtype == object:
        wrong = next((v for v in values if isinstance(v, tuple) and len(v) != 1), None)
        if wrong is not None:
            message = f"this takes one {what} at a time, not the set {wrong}"
            raise ProbeError("several-layers", message, f"walk them: `for {what}`")
        values = np.array([v[0] if isinstance(v, tuple) else v for v in values])
    refuse_fractions(values, what)
    return values.astype(np.int64)


def refuse_fractions(values: np.ndarray, what: str) -> None:
    """Raise `not-whole` for a layer or head that lies between two of them."""
    wrong = values[values != np.floor(values)] if values.dtype.kind == "f" else ()
    if len(wrong):
        raise ProbeError("not-whole", f"there is no {what} {float(wrong[0]):g}", "round(…) gives a whole number")


def in_model(site: str, layer: int, layers: int) -> None:
    """Raise `layer-out-of-range` for a layer that a model does not have."""
    if not 0 <= layer < layers:
        raise ProbeError(
            "layer-out-of-range",
            f"{site}[{layer}] does not exist: the model has layers 0..{layers - 1}",
            "layers are 0-based blocks; a negative layer does not count from the end",
        )


def index_in_model(operation: str, argument: str, number: object, count: int) -> None:
    """Raise `layer-out-of-range` or `head-out-of-range` for a number of an intervention that a model does not have."""
    what = "head" if argument == "head" else "layer"
    if isinstance(number, (int, np.integer)) and not 0 <= number < count:
        raise ProbeError(
            f"{what}-out-of-range",
            f"`{argument}` of `{operation}` names {what} {number}: the model has {what}s 0..{count - 1}",
            f"{what}s are counted from 0; a negative one does not count from the end",
        )


def per_cell(
    evaluator: Evaluator, node: Node | None, cells: Grid, home: Node, default: float | None = None
) -> np.ndarray | None:
    """The value of a small expression (a layer, a scale) in each cell; None when there is no such expression.

    Before the stage that computes it has run, `default` stands for it, where there is one.
    """
    if node is None:
        return None
    values, index = values_at(evaluator, node, cells, home, default)
    return values[index]


def values_at(
    evaluator: Evaluator, node: Node, cells: Grid, home: Node, default: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The values of a small expression, each once, and per cell the index of its own.

    Where there is none, zero stands for it: `reasons_at` says where that is.
    """
    try:
        cube = evaluator.at_home(home).cube(node)
    except NotYet:
        if default is None:
            raise
        return np.array([default]), np.zeros(cells.count, np.int64)
    values = cube.values.reshape((-1,) + cube.feature)
    if cube.missing is not None:
        values = values.copy()
        values[~cube.present().reshape(-1)] = 0
    return values, cells.index(cube)


def parts_of(node: Node) -> list[Node]:
    """The elements of a written list, which may be swept; any other expression is its own."""
    return [element for _, element in node.inputs] if node.op == "list" else [node]


def reasons_at(evaluator: Evaluator, nodes: Iterable[Node | None], cells: Grid, home: Node) -> np.ndarray | None:
    """Per cell, why one of some small expressions has no value, or None; None where all have one everywhere."""
    found = None
    for node in (part for n in nodes if n is not None for part in parts_of(n)):
        try:
            cube = evaluator.at_home(home).cube(node) if node.op not in LISTS else None
        except NotYet:
            continue
        if cube is not None and cube.missing is not None:
            here = cube.missing.reshape(-1)[cells.index(cube)]
            found = here if found is None else np.where(np.equal(found, None), here, found)
    return found
