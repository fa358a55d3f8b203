"""Texts in pieces of items: a key for each, of all that decides its texts, and what the store has of them.

The key of a piece is that of its first samples, and then of the next: where a spec asks for more samples than before,
those that are stored are found by the keys of fewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
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

SAMPLE = "sample"


@dataclass(frozen=True, eq=False)
class Pieces:
    """For each `generate` of a writing the axis of its items and its pieces; `found` are stored pieces by key.

    `begun` are, for pieces that are not, those of their first samples that are. `wanted` [texts] are not stored.
    """

    cuts: tuple[tuple[int | None, tuple[Piece, ...]], ...]
    found: Mapping[str, Part]
    begun: Mapping[str, Part] = field(default_factory=dict)
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
        if not any(p.key in self.found or p.key in self.begun for p in pieces):
            return made
        return joined(made.axes, along, [self.found.get(p.key) or self.ended(made, along, p) for p in pieces])

    def ended(self, made: Cube, along: int | None, piece: Piece) -> Part:
        """A piece as it was written now, behind the samples that were found."""
        first = self.begun.get(piece.key)
        if first is None:
            return cut(made, along, piece)
        at = made.position(SAMPLE)
        new = cut(made.part(SAMPLE, first.shape[at], len(made.axes[at])), along, piece)
        axes = made.axes if along is None else made.part(made.names[along], piece.start, piece.stop).axes
        return cut(joined(axes, at, [first, new]), None, piece)


def pieces_of(prepared: Prepared, writing: Writing, vectors: Mapping[str, np.ndarray]) -> Pieces:
    """Cut the texts of a writing into pieces, and look them up; without a store there is none."""
    if prepared.store is None:
        return Pieces((), {})
    contents = Contents(as_stage(writing), vectors, prepared.base(writing.model))
    made = [keyed(prepared, writing, contents, number) for number in range(len(writing.asked))]
    keys = dict.fromkeys(p.key for one in made for p in one.pieces)
    found = {key: part for key in keys if (part := prepared.store.piece(key)) is not None}
    begun: dict[str, Part] = {}
    for one in made:
        for piece, fewer in zip(one.pieces, one.fewer, strict=True):
            stored = () if piece.key in found else map(prepared.store.piece, reversed(fewer))
            begun |= {piece.key: part for part in islice(filter(None, stored), 1)}
    wanted = np.concatenate([one.wanted(found, begun) for one in made])
    return Pieces(tuple((one.along, one.pieces) for one in made), found, begun, wanted)


def as_stage(writing: Writing) -> PhysicalStage:
    """The rows of a writing with their edits, those of the tokens behind marked as such, to be hashed."""

    def behind(group: EditGroup) -> EditGroup:
        return replace(group, site=(f"written {group.site[0]}", *group.site[1:]))

    edits = (*writing.edits, *map(behind, writing.later))
    return PhysicalStage(writing.stage, writing.model, writing.layers, (), writing.rows, (), edits)


@dataclass(frozen=True, eq=False)
class Keyed:
    """The pieces of a `generate` along an axis (None: not cut), with the keys of their first 1, 2, … samples.

    `piece` and `sample` [texts] say where each text is; `sampled` is the axis of samples, None where there is none.
    """

    along: int | None
    sampled: int | None
    pieces: tuple[Piece, ...]
    fewer: tuple[tuple[str, ...], ...]
    piece: np.ndarray
    sample: np.ndarray

    def wanted(self, found: Mapping[str, Part], begun: Mapping[str, Part]) -> np.ndarray:
        """Which texts are not stored, for the pieces that are, and those of which the first samples are."""
        have = [begun[p.key].shape[self.sampled] if p.key in begun else 0 for p in self.pieces]
        stored = np.array([p.key in found for p in self.pieces])
        return ~stored[self.piece] & (self.sample >= np.array(have)[self.piece])


def keyed(prepared: Prepared, writing: Writing, contents: Contents, number: int) -> Keyed:
    """The pieces of a `generate`."""
    asked = writing.asked[number]
    items, samples = (one_of(asked, name) for name in ("item", SAMPLE))
    item, sample, other = places(asked, items, samples)
    spans = [(0, 1)] if items is None else cuts(items.labels)
    piece = np.searchsorted([start for start, _ in spans], item, "right") - 1
    order = [a.name for a in asked.node.axes]
    along, sampled = (None if a is None else order.index(a.name) for a in (items, samples))
    apart = [len(a) for a in asked.axes if a is not items and a is not samples]
    head = [contents.base, settings(prepared, asked), apart, along, sampled]
    texts = np.flatnonzero(writing.of == number)  # in the order of its cells
    drawn = names(asked.axes, writing.cell[texts]) if asked.temperature else None

    def keys(place: int, start: int, stop: int) -> tuple[str, ...]:
        mine = np.flatnonzero(piece == place)
        mine = mine[np.argsort(sample[mine], kind="stable")]
        rows, rank = np.unique(writing.row[texts[mine]], return_inverse=True)
        hasher, found = Hasher().text([*head, stop - start]), []
        contents.of_rows(rows, hasher)
        edges = np.searchsorted(sample[mine], np.arange(1, 1 if samples is None else len(samples)))
        for cells, ranks in zip(np.split(mine, edges), np.split(rank, edges), strict=True):
            hasher.array(other[cells]).array(item[cells] - start).array(ranks)
            hasher.text([None if r is None else str(r) for r in writing.reasons[texts[cells]]])
            if drawn is not None:
                hasher.text([drawn[i] for i in cells])
            found.append(hasher.hexdigest())
        return tuple(found)

    found = [keys(place, *span) for place, span in enumerate(spans)]
    pieces = tuple(Piece(one[-1], start, stop) for one, (start, stop) in zip(found, spans, strict=True))
    return Keyed(along, sampled, pieces, tuple(one[:-1] for one in found), piece, sample)


def one_of(asked: Asked, name: str) -> Axis | None:
    """The axis of data of this name."""
    return next((a for a in asked.axes if a.name == name and a.kind == "data"), None)


def places(asked: Asked, *apart: Axis | None) -> tuple[np.ndarray, ...]:
    """For each cell its place on each of some axes (0 where there is none), and on all others together."""
    shape = [len(a) for a in asked.axes]
    at = dict(zip([a.name for a in asked.axes], np.indices(shape).reshape(len(shape), asked.cells), strict=True))
    other = np.zeros(asked.cells, np.int64)
    for axis in asked.axes:
        if axis not in apart:
            other = other * len(axis) + at[axis.name]
    return (*(np.zeros(asked.cells, np.int64) if a is None else at[a.name] for a in apart), other)


def settings(prepared: Prepared, asked: Asked) -> list:
    """What decides a text beside its prompt and its edits."""
    plain = ["generate", asked.most, asked.temperature, asked.top_p, asked.penalty, asked.stop]
    return [*plain, prepared.options.seed, asked.seed, asked.written_before] if asked.temperature else plain
