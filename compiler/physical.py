"""Physical stages: rows of one model as columns of arrays, what is asked of them, and the batches they run in.

A row is one sequence under one set of edits. Nothing here is an object per cell: a stage of a million cells is a
handful of arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from .graph import Node

Where = tuple[str, int | None, int | None]  # site, layer, head


@dataclass(frozen=True, eq=False)
class Request:
    """One site asked at n places; `slots` says where each result goes in the work it is for.

    `rows`, `positions`, `slots`: int arrays [n]. `logits` at a place means the head applied there.
    """

    work: int
    site: Where
    rows: np.ndarray
    positions: np.ndarray
    slots: np.ndarray
    lens: bool = False


@dataclass(frozen=True, eq=False)
class EditGroup:
    """Edits of one kind at one site. `operand` names a value, `index` the vector in it that each edit takes.

    `rows`, `positions`, `index`: int arrays [n]; `amount`: floats [n], or None for one.
    """

    site: Where
    kind: str
    order: int
    rows: np.ndarray
    positions: np.ndarray
    operand: str | None
    index: np.ndarray
    amount: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Rows:
    """The sequences of a stage: `prompt` indexes `prompts` (token ids, each distinct sequence once), lengths in tokens."""

    prompt: np.ndarray
    prompts: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.prompt)

    @property
    def lengths(self) -> np.ndarray:
        return (
            np.array([len(p) for p in self.prompts], dtype=np.int64)[self.prompt]
            if len(self.prompt)
            else np.zeros(0, np.int64)
        )


@dataclass(frozen=True, eq=False)
class PhysicalStage:
    """The rows that one model runs for one stage.

    `work` are the nodes whose results come out of it. `batches` are arrays of row indices. `depth` is, per row, the
    number of blocks it must enter. `saved` notes what each pass did, for the plan's text.
    """

    stage: int
    model: Node
    layers: int
    work: tuple[Node, ...]
    rows: Rows
    requests: tuple[Request, ...]
    edits: tuple[EditGroup, ...]
    batches: tuple[np.ndarray, ...] = ()
    saved: tuple[tuple[str, str], ...] = ()
    bound: bool = False
    cells: int = 0
    budget: int = 8192
    extra: dict = field(default_factory=dict)

    def with_(self, **changes) -> PhysicalStage:
        return replace(self, **changes)

    def note(self, name: str, text: str) -> PhysicalStage:
        return self.with_(saved=(*self.saved, (name, text)))


def blocks_entered(site: Where, layers: int) -> int:
    """Blocks that a forward enters until a site is known."""
    name, layer, _ = site
    if name == "embed":
        return 0
    if name in ("final_norm", "logits"):
        return layers
    return int(layer) if name == "resid_pre" else int(layer) + 1


def depth_of_rows(stage: PhysicalStage) -> np.ndarray:
    """Per row, the number of blocks it must enter for what is asked of it."""
    depth = np.zeros(len(stage.rows), dtype=np.int64)
    for request in stage.requests:
        site = ("logits", None, None) if request.lens else request.site
        entered = blocks_entered(site if not request.lens else request.site, stage.layers)
        np.maximum.at(depth, request.rows, entered)
    return depth


@dataclass(frozen=True)
class Cost:
    """What a stage is predicted to count: forwards, and rows x padded tokens x blocks entered."""

    rows: int
    tokens: int
    forwards: int
    row_layer_tokens: int


def cost(stage: PhysicalStage) -> Cost:
    """The exact counts of a stage, by the rule by which the engine counts."""
    lengths, depth = stage.rows.lengths, depth_of_rows(stage)
    asked = np.zeros(len(stage.rows), dtype=bool)
    for request in stage.requests:
        asked[request.rows] = True
    total = forwards = 0
    for batch in stage.batches:
        if not asked[batch].any():
            continue
        forwards += 1
        total += len(batch) * int(lengths[batch].max()) * int(depth[batch].max())
    return Cost(len(stage.rows), int(lengths.sum()), forwards, total)
