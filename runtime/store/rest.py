"""What is left of a lowered stage once the pieces that the store has are taken out, and whole values again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from ...compiler.physical import EditGroup, PhysicalStage, Request, Rows
from ..cube import Cube
from ..lowering.lower import Lowered
from .content import Contents
from .cubes import Part, Piece, cut, joined
from .store import Store

if TYPE_CHECKING:
    from ..kernels import Kernel


@dataclass(frozen=True, eq=False)
class Rest:
    """A stage without what is stored. `cuts` are, per work, its axis and pieces; `found` are stored pieces by key."""

    stage: PhysicalStage
    cuts: tuple[tuple[int | None, tuple[Piece, ...]], ...]
    found: Mapping[str, Part]

    @property
    def counted(self) -> tuple[int, int]:
        """How many pieces were found, and how many were not."""
        every = [p.key for _, pieces in self.cuts for p in pieces]
        found = sum(key in self.found for key in every)
        return found, len(every) - found

    def missing(self, number: int) -> tuple[Piece, ...]:
        """The pieces of a work that have to be computed."""
        return tuple(p for p in self.cuts[number][1] if p.key not in self.found)

    def whole(self, number: int, work: Lowered, kernel: Kernel | None, made: Cube | None) -> Cube:
        """The value of a work: what was computed now (None: nothing of it), with what was found in its place."""
        along, pieces = self.cuts[number]
        if made is not None and len(self.missing(number)) == len(pieces):
            return made
        axes = work.axes if kernel is None else (*work.axes, *kernel.extra)
        parts = []
        for piece in pieces:
            part = self.found.get(piece.key)
            parts.append(cut(made, along, piece) if part is None else part)
        return joined(axes, along, parts)


def rest_of(
    store: Store,
    contents: Contents,
    lowered: Sequence[Lowered],
    kernels: Sequence[Kernel | None],
    recipes: Sequence[str],
) -> Rest:
    """Look up every piece of a stage's work, and leave what is not there."""
    stage = contents.stage
    cuts = tuple(contents.pieces(i, w, k, r) for i, (w, k, r) in enumerate(zip(lowered, kernels, recipes, strict=True)))
    found = {}
    for key in dict.fromkeys(p.key for _, pieces in cuts for p in pieces):
        part = store.piece(key)
        if part is not None:
            found[key] = part
    if not found:
        return Rest(stage, cuts, found)
    wanted = []
    for (along, pieces), work in zip(cuts, lowered, strict=True):
        missing = np.array([p.key not in found for p in pieces])
        item = np.zeros(len(work.reasons), np.int64) if along is None else work.items
        wanted.append(missing[np.searchsorted([p.start for p in pieces], item, "right") - 1])
    return Rest(restricted(stage, lowered, wanted), cuts, found)


def restricted(stage: PhysicalStage, lowered: Sequence[Lowered], wanted: Sequence[np.ndarray]) -> PhysicalStage:
    """The stage with the rows that the wanted cells [bool] of each work ask for, and nothing else."""
    requests = [only(r, wanted[r.work][lowered[r.work].cell[r.slots]]) for r in stage.requests]
    requests = [r for r in requests if len(r.rows)]
    used = np.unique(np.concatenate([r.rows for r in requests])) if requests else np.zeros(0, np.int64)
    number = np.full(len(stage.rows), -1)
    number[used] = np.arange(len(used))
    edits = [only(g, number[g.rows] >= 0) for g in stage.edits]
    prompts, prompt = np.unique(stage.rows.prompt[used], return_inverse=True)
    left = {w.node.key for w, mask in zip(lowered, wanted, strict=True) if mask.any()}
    return stage.with_(
        rows=Rows(prompt.astype(np.int64), tuple(stage.rows.prompts[i] for i in prompts)),
        requests=tuple(replace(r, rows=number[r.rows]) for r in requests),
        edits=tuple(replace(g, rows=number[g.rows]) for g in edits if len(g.rows)),
        work=tuple(n for n in stage.work if n.key in left or all(n.key != w.node.key for w in lowered)),
        cells=int(sum(mask.sum() for mask in wanted)),
    )


def only(part: Request | EditGroup, keep: np.ndarray) -> Request | EditGroup:
    """The entries of a request or of edits for which `keep` [bool] holds."""
    values = {f.name: getattr(part, f.name) for f in fields(part)}
    return replace(part, **{k: v[keep] for k, v in values.items() if isinstance(v, np.ndarray)})
