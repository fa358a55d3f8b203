"""Texts in pieces of items: a key for each, of all that decides its texts, and what the store has of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...compiler.physical import EditGroup, PhysicalStage
from ..cube import Axis, Cube
from ..store.content import Contents, Hasher, cuts
from ..store.cubes import Part, Piece, cut, joined
from .draws import names
from .lower import Asked, Writing

if TYPE_CHECKING:
    from ..prepared import Prepared


@dataclass(frozen=True, eq=False)
class Pieces:
    """For each `generate` of a writing the axis of its items and its pieces; `found` are stored pieces by key.

    `wanted` [texts] are those that are not stored.
    """

    cuts: tuple[tuple[int | None, tuple[Piece, ...]], ...]
    found: Mapping[str, Part]
    wanted: np.ndarray | None = None

    @property
    def counted(self) -> tuple[int, int]:
        """How many pieces were found, and how many were not."""
        every = [p.key for _, pieces in self.cuts for p in pieces]
        found = sum(key in self.found for key in every)
        return found, len(every) - found

    @property
    def missing(self) -> list[list[str]]:
        """The keys of the pieces that have to be written, for each `generate`."""
        return [[p.key for p in pieces if p.key not in self.found] for _, pieces in self.cuts]

    def whole(self, number: int, made: Cube) -> Cube:
        """The texts of a `generate`: what was written now, with what was found in its place."""
        along, pieces = self.cuts[number]
        if not any(p.key in self.found for p in pieces):
            return made
        new = {p.key: cut(made, along, p) for p in pieces if p.key not in self.found}
        return joined(made.axes, along, [self.found.get(p.key) or new[p.key] for p in pieces])


def pieces_of(prepared: Prepared, writing: Writing, vectors: Mapping[str, np.ndarray]) -> Pieces:
    """Cut the texts of a writing into pieces, and look them up; without a store there is none."""
    if prepared.store is None:
        return Pieces((), {})
    contents = Contents(as_stage(writing), vectors, prepared.base(writing.model))
    made = [keyed(prepared, writing, contents, number) for number in range(len(writing.asked))]
    keys = dict.fromkeys(p.key for _, pieces, _ in made for p in pieces)
    found = {key: part for key in keys if (part := prepared.store.piece(key)) is not None}
    wanted = np.concatenate([np.array([p.key not in found for p in pieces])[of] for _, pieces, of in made])
    return Pieces(tuple((along, pieces) for along, pieces, _ in made), found, wanted)


def as_stage(writing: Writing) -> PhysicalStage:
    """The rows of a writing with their edits, those of the tokens behind marked as such, to be hashed."""

    def behind(group: EditGroup) -> EditGroup:
        return replace(group, site=(f"written {group.site[0]}", *group.site[1:]))

    edits = (*writing.edits, *map(behind, writing.later))
    return PhysicalStage(writing.stage, writing.model, writing.layers, (), writing.rows, (), edits)


def keyed(
    prepared: Prepared, writing: Writing, contents: Contents, number: int
) -> tuple[int | None, tuple[Piece, ...], np.ndarray]:
    """The axis of items of a `generate` (None: it has none), its pieces, and the piece [texts] that each is in."""
    asked = writing.asked[number]
    texts = np.flatnonzero(writing.of == number)  # in the order of its cells
    axis = next((a for a in asked.axes if a.name == "item" and a.kind == "data"), None)
    other, item = places(asked, axis)
    spans = [(0, 1)] if axis is None else cuts(axis.labels)
    piece = np.searchsorted([start for start, _ in spans], item, "right") - 1
    drawn = names(asked.axes, writing.cell[texts]) if asked.temperature else None
    told = settings(prepared, asked)
    found = []
    for k, (start, stop) in enumerate(spans):
        mine = np.flatnonzero(piece == k)
        hasher = Hasher().text([contents.base, told, [len(a) for a in asked.axes if a is not axis], stop - start])
        hasher.array(other[mine]).array(item[mine] - start)
        rows, rank = np.unique(writing.row[texts[mine]], return_inverse=True)
        contents.of_rows(rows, hasher.array(rank))
        hasher.text([None if r is None else str(r) for r in writing.reasons[texts[mine]]])
        if drawn is not None:
            hasher.text([drawn[i] for i in mine])
        found.append(Piece(hasher.hexdigest(), start, stop))
    order = [a.name for a in asked.node.axes]
    return None if axis is None else order.index(axis.name), tuple(found), piece


def places(asked: Asked, axis: Axis | None) -> tuple[np.ndarray, np.ndarray]:
    """For each cell its place on the other axes, and its item."""
    shape = [len(a) for a in asked.axes]
    if axis is None:
        return np.arange(asked.cells), np.zeros(asked.cells, np.int64)
    along = asked.axes.index(axis)
    item = np.indices(shape)[along].reshape(-1)
    inner = int(np.prod(shape[along + 1 :], initial=1))
    cell = np.arange(asked.cells)
    return cell // (inner * shape[along]) * inner + cell % inner, item


def settings(prepared: Prepared, asked: Asked) -> list:
    """What decides a text beside its prompt and its edits."""
    plain = ["generate", asked.most, asked.temperature, asked.top_p, asked.penalty, asked.stop]
    return [*plain, prepared.options.seed, asked.seed, asked.written_before] if asked.temperature else plain
