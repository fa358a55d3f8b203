"""Physical stages: rows of one model as columns of arrays, what is asked of them, and the batches they run in.

A row is one sequence under one set of edits. Nothing here is an object per cell: a stage of a million cells is a
handful of arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps

import numpy as np

from .cost import CostModel
from .graph import Node

Where = tuple[str, int | None, int | None]  # site, layer, head


@dataclass(frozen=True, eq=False)
class Request:
    """One site asked at n places; `slots` says where each result goes in the work it is for.

    `rows`, `positions`, `slots`: int arrays [n]. `logits` at a place means the head applied there, `lens` that norm and
    head are applied to what is read; `narrow` that only the logits of some answers are measured.
    """

    work: int
    site: Where
    rows: np.ndarray
    positions: np.ndarray
    slots: np.ndarray
    lens: bool = False
    narrow: bool = False


@dataclass(frozen=True, eq=False)
class EditGroup:
    """Edits of one kind at one site. `operand` names a value, `index` the vector in it that each edit takes.

    Without an operand `index` is the key of a `knockout`, which then has an edit for each edge, and the component of a
    `clamp` (-1: all).

    `rows`, `positions`, `index`: int arrays [n]; `amount`: floats [n], or None for one; `idle` [n] tells which edits
    put in what an unedited row has there, None where none does.
    """

    site: Where
    kind: str
    order: int
    rows: np.ndarray
    positions: np.ndarray
    operand: str | None
    index: np.ndarray
    amount: np.ndarray | None
    idle: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Rows:
    """The sequences of a stage: `prompt` indexes `prompts` (token ids, each sequence once), lengths in tokens."""

    prompt: np.ndarray
    prompts: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.prompt)

    @cached_property
    def lengths(self) -> np.ndarray:
        return (
            np.array([len(p) for p in self.prompts], dtype=np.int64)[self.prompt]
            if len(self.prompt)
            else np.zeros(0, np.int64)
        )


@dataclass(frozen=True, eq=False)
class Starts:
    """Where rows begin: at a block `layer` and a token `position`, with what the row `source` has computed before.

    Three int arrays [rows]; `source` is -1, and the others are 0, for a row that runs from the beginning. `group`
    [rows] numbers the rows whose sources are held at the same time.
    """

    source: np.ndarray
    layer: np.ndarray
    position: np.ndarray
    group: np.ndarray

    @staticmethod
    def none(rows: int) -> Starts:
        return Starts(np.full(rows, -1), *(np.zeros(rows, np.int64) for _ in range(3)))

    @cached_property
    def generation(self) -> np.ndarray:
        """Per row, the number of rows that must have run before it, one from the other."""
        count, at = np.zeros(len(self.source), np.int64), self.source
        while (at >= 0).any():
            count += at >= 0
            at = np.where(at >= 0, self.source[at], -1)
        return count

    def first_token(self, batch: np.ndarray) -> int:
        """The token that a batch begins with: the earliest that one of its rows needs."""
        return int(self.position[batch].min())

    def origins(self, batch_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Per row, the nearest row before it in its own batch that begins at an earlier block, and the nearest in
        another batch; -1 where there is none. `batch_of` [rows] numbers the batches."""
        inside, outside, at = (np.full(len(self.source), -1) for _ in range(3))
        at[:] = self.source
        while len(rows := np.flatnonzero(at >= 0)):
            of = at[rows]
            same = batch_of[of] == batch_of[rows]
            inside[rows] = np.where((inside[rows] < 0) & same & (self.layer[of] < self.layer[rows]), of, inside[rows])
            outside[rows[~same]] = of[~same]
            at[rows] = np.where(same, self.source[of], -1)
        return inside, outside


@dataclass(frozen=True, eq=False)
class PhysicalStage:
    """The rows that one model runs for one stage.

    `work` are the nodes whose results come out of it. `batches` are arrays of row indices. `stops` is whether a batch
    ends with what is asked of it, `narrow` whether only those logits are computed that are measured, `tails` whether
    the last block of a batch runs for the tokens that are measured alone, which it can where blocks are `divisible`.
    `width` and `kv_width` are the numbers that a token has in the residual stream, and in the keys of a layer. `prices`
    is what passes weigh one plan against another with. `saved` notes what each pass did, for the plan's text.
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
    stops: bool = False
    narrow: bool = False
    tails: bool = False
    divisible: bool = True
    width: int = 0
    kv_width: int = 0
    begins: Starts | None = None
    prices: CostModel = CostModel()
    extra: dict = field(default_factory=dict)

    def with_(self, **changes) -> PhysicalStage:
        return replace(self, **changes)

    @property
    def starts(self) -> Starts:
        return Starts.none(len(self.rows)) if self.begins is None else self.begins

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


def block_of(site: Where) -> int:
    """The first block that must run for an edit of a site to be seen, or for it to be read."""
    name, layer, _ = site
    if name == "embed":
        return 0
    if name in ("final_norm", "logits"):
        return 1 << 30
    return int(layer) + (name == "resid_post")


def remembered(*names: str) -> Callable:
    """Make a function of a stage that looks at these fields alone keep what it found last, with the stage."""

    def made(function: Callable) -> Callable:
        @wraps(function)
        def found(stage: PhysicalStage):
            given = [getattr(stage, name) for name in names]
            known = stage.extra.get(function)
            if known is None or any(a is not b for a, b in zip(known[0], given, strict=True)):
                known = stage.extra[function] = given, function(stage)
                if isinstance(known[1], np.ndarray):
                    known[1].flags.writeable = False
            return known[1]

        return found

    return made


@remembered("rows", "requests", "stops", "begins", "layers")
def depth_of_rows(stage: PhysicalStage) -> np.ndarray:
    """Per row, the number of blocks it must enter for what is asked of it, and for the rows that start from it."""
    depth = np.zeros(len(stage.rows), dtype=np.int64)
    for request in sorted(stage.requests, key=lambda r: blocks_entered(r.site, stage.layers)):
        depth[request.rows] = blocks_entered(request.site, stage.layers) if stage.stops else stage.layers
    if stage.begins is None:
        return depth
    starts, generation = stage.starts, stage.starts.generation
    for number in range(int(generation.max(initial=0)), 0, -1):
        rows = np.flatnonzero(generation == number)
        # Keys and values of the prefix come from every block that a row enters, its hidden state from one.
        needed = np.where(starts.position[rows] > 0, depth[rows], starts.layer[rows])
        np.maximum.at(depth, starts.source[rows], needed)
    return depth


def measured(request: Request) -> bool:
    """Whether a request is for logits: of the model's own head, or of a lens."""
    return request.lens or request.site[0] == "logits"


def asked_together(stage: PhysicalStage) -> list[tuple[int, ...]]:
    """The requests that are read, and unembedded, as one: of one site at the same places in the same order."""
    found: dict[tuple, list[int]] = {}
    for number, request in enumerate(stage.requests):
        same = (number,)
        if measured(request):
            same = (request.site, request.lens, request.rows.tobytes(), request.positions.tobytes())
        found.setdefault(same, []).append(number)
    return [tuple(numbers) for numbers in found.values()]


def whole(stage: PhysicalStage, numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Those of requests that are unembedded together for which the logits of the whole vocabulary are computed."""
    requests = stage.requests
    return tuple(n for n in numbers if measured(requests[n]) and not (stage.narrow and requests[n].narrow))


def unembedded(stage: PhysicalStage) -> np.ndarray:
    """Per row, the places at which the logits of the whole vocabulary are computed."""
    count = np.zeros(len(stage.rows), dtype=np.int64)
    for numbers in asked_together(stage):
        if whole(stage, numbers):
            count += np.bincount(stage.requests[numbers[0]].rows, minlength=len(count))
    return count


def asked_rows(stage: PhysicalStage) -> np.ndarray:
    """Per row, whether anything is asked of it, by a request or by a row that starts from it."""
    asked = np.zeros(len(stage.rows), dtype=bool)
    for request in stage.requests:
        asked[request.rows] = True
    asked[stage.starts.source[stage.starts.source >= 0]] = True
    return asked


def batch_numbers(stage: PhysicalStage) -> np.ndarray:
    """Per row, the number of its batch."""
    found = np.full(len(stage.rows), -1)
    if stage.batches:
        found[np.concatenate(stage.batches)] = np.repeat(np.arange(len(stage.batches)), [len(b) for b in stage.batches])
    return found
