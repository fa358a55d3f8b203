"""What is known while one stage is lowered: rows, requests and edits so far, and why some rows have no value."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...compiler.graph import Node, walk
from ...compiler.physical import EditGroup, Request
from ..binding.bindings import Bindings
from ..cube import Axis
from ..evaluate import ASKED, Evaluator
from ..facts import ModelFacts
from ..judges.questions import Questions
from ..judges.scale import Branches
from .grid import Grid


@dataclass(frozen=True, eq=False)
class Judged:
    """What a judge's kernel needs to know: the questions, and the scale's tokens."""

    questions: Questions
    branches: Branches


@dataclass(frozen=True, eq=False)
class Lowered:
    """What is known of one work node: its axes, and how slots make its cells.

    `cell` maps each slot to a cell. `how` is single, mean, max or sum (pools). `reasons` are per cell, None where there
    is a value. `prompt` is the number of each cell's prompt. `judged` is what a judge is asked. `following` are the ids
    of the tokens behind the slots, where these are what is measured.
    """

    node: Node
    axes: tuple[Axis, ...]
    cell: np.ndarray
    how: str
    reasons: np.ndarray
    prompt: np.ndarray
    judged: Judged | None = None
    following: np.ndarray | None = None

    @property
    def along(self) -> int | None:
        """The number of the axis of items."""
        return next((i for i, a in enumerate(self.axes) if a.name == "item" and a.kind == "data"), None)

    @property
    def items(self) -> np.ndarray:
        """The number of each cell's item."""
        shape = [len(a) for a in self.axes]
        along = next((i for i, a in enumerate(self.axes) if a.name == "item"), None)
        return np.zeros(len(self.reasons), np.int64) if along is None else np.indices(shape)[along].reshape(-1)


@dataclass
class RunRows:
    """Rows of one run node: `base` + variant x prompts + prompt. `own` are the axes of its prompts, items last."""

    run: Node
    axes: tuple[Axis, ...]
    own: tuple[Axis, ...]
    prompts: int
    base: int
    cells: Grid

    def prompt_of(self, cells: Grid) -> np.ndarray:
        """Per cell, the number of its prompt."""
        return cells.ravel(tuple(a for a in self.own if a.name in cells.at))


@dataclass
class Lowering:
    """State while the work of one model in one stage is lowered."""

    bindings: Bindings
    evaluator: Evaluator
    model: Node
    layers: int
    facts: ModelFacts
    runs: dict[str, RunRows] = field(default_factory=dict)
    prompt: list[np.ndarray] = field(default_factory=list)
    prompts: dict[tuple[int, ...], int] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    edits: list[EditGroup] = field(default_factory=list)
    lowered: list[Lowered] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)  # rows that cannot be edited as asked, and why
    count: int = 0
    bound: bool = False
    planning: bool = False
    writing: bool = False  # texts behind the rows are to be written: `later` are the edits of what is written
    later: list[EditGroup] = field(default_factory=list)

    def stand_in(self, layer: Node | None) -> int | None:
        """While planning: the last layer, for one that an earlier stage computes; the stage's cost is a bound then."""
        if not self.planning or layer is None or not any(n.op in ASKED for n in walk(layer)):
            return None
        self.bound = True
        return self.layers - 1

    def explained(self, row: np.ndarray, reasons: np.ndarray) -> np.ndarray:
        """Reasons per cell, with those of the rows that they are read in."""
        for at in np.flatnonzero(np.isin(row, list(self.reasons))) if self.reasons else ():
            if reasons[at] is None:
                reasons[at] = self.reasons[int(row[at])]
        return reasons

    def row_of(self, rows: RunRows, cells: Grid) -> np.ndarray:
        """Per cell of some node, the row that it is read in."""
        return rows.base + cells.ravel(rows.axes) * rows.prompts + rows.prompt_of(cells)
