"""Keys of pieces: a hash of all that decides their numbers, down to token ids and the vectors of edits.

Items are cut where the hash of an item's key says so, not at every n-th: items that are added or removed change the
pieces that they are in, and the others stay as they are. What the spec calls things is no part of a key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...compiler.physical import PhysicalStage
from ..lowering.lower import Lowered
from ..provenance import others_code
from .cubes import Piece
from .spelling import plain

if TYPE_CHECKING:
    from ..kernels import Kernel

FEWEST, MOST, ONE_IN = 128, 512, 128  # items of a piece, and how often an item ends one: about 256 on average
SIMPLE = (bool, int, float, str, type(None), np.generic)


def cuts(labels: Sequence[object]) -> list[tuple[int, int]]:
    """Where items are cut, as (start, stop); a few items are one piece."""
    found, start = [], 0
    for at, label in enumerate(labels, 1):
        if at - start >= FEWEST and (at - start >= MOST or number(str(label)) % ONE_IN == 0):
            found.append((start, at))
            start = at
    return [*found, (start, len(labels))] if start < len(labels) or not found else found


def number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


@dataclass(frozen=True, eq=False)
class Contents:
    """A lowered stage as it is hashed. `operands` are vectors [n, width] by name.

    `base` stands for what decides numbers beside the rows: the model and the numerics.
    """

    stage: PhysicalStage
    operands: Mapping[str, np.ndarray]
    base: str

    @cached_property
    def prompts(self) -> np.ndarray:
        """A hash of each prompt, [prompts, 16] bytes."""
        found = [hashlib.blake2b(np.array(p, "<i8"), digest_size=16).digest() for p in self.stage.rows.prompts]
        return np.frombuffer(b"".join(found), np.uint8).reshape(-1, 16)

    @cached_property
    def edits(self) -> dict[str, np.ndarray]:
        """All edits as columns, sorted by row; `first` [rows + 1] says where a row's begin."""
        names = list(self.operands)
        found = columns(self.stage.edits, apart=("operand",))
        operand = [-1 if g.operand is None else names.index(g.operand) for g in self.stage.edits]
        found["operand"] = np.repeat(np.array(operand), [len(g.rows) for g in self.stage.edits])
        order = np.argsort(found["rows"], kind="stable")
        found = {k: v[order] for k, v in found.items()}
        rows = found.pop("rows")
        return found | {"first": np.searchsorted(rows, np.arange(len(self.stage.rows) + 1))}

    def of_rows(self, rows: np.ndarray, hasher: Hasher) -> None:
        """Hash the prompts of some rows, and their edits with the vectors that these use."""
        hasher.array(self.prompts[self.stage.rows.prompt[rows]])
        first = self.edits["first"] if self.stage.edits else np.zeros(len(self.stage.rows) + 1, np.int64)
        count = first[rows + 1] - first[rows]
        if not count.any():
            return
        at = np.repeat(first[rows] - np.cumsum(count) + count, count) + np.arange(count.sum())
        mine = {k: v[at] for k, v in self.edits.items() if k != "first"}
        operand, index = mine.pop("operand"), mine.pop("index")
        hasher.array(count)
        for name in sorted(mine):
            hasher.array(mine[name])
        hasher.array(np.where(operand < 0, index, -1))
        for which in dict.fromkeys(operand[operand >= 0].tolist()):
            used, place = np.unique(index[operand == which], return_inverse=True)
            hasher.array(place)
            hasher.array(list(self.operands.values())[which][used])

    def pieces(
        self, at: int, work: Lowered, kernel: Kernel | None, recipe: str
    ) -> tuple[int | None, tuple[Piece, ...]]:
        """The axis along which the cube of work number `at` is cut, and its pieces.

        Where a number depends on more than the rows of its own items, the value is one piece of its recipe.
        """
        asked = [r for r in self.stage.requests if r.work == at]
        along = work.along
        # An attention row is as wide as the longest prompt of all items.
        if any(r.site[0] == "pattern" for r in asked) or not simple(kernel):
            return None, (Piece(Hasher().text(["whole", recipe]).hexdigest(), 0, 1),)
        length = 1 if along is None else len(work.axes[along])
        inner = int(np.prod([len(a) for a in work.axes[(along or 0) + 1 :]], initial=1, dtype=np.int64))
        spans = [(0, 1)] if along is None else cuts(work.axes[along].labels)
        item = np.zeros(len(work.reasons), np.int64) if along is None else work.items
        entries = columns(asked, apart=("work",)) if asked else {k: np.zeros(0, np.int64) for k in ("rows", "slots")}
        cell = work.cell[entries["slots"]]
        piece = np.searchsorted([start for start, _ in spans], item[cell], "right") - 1
        order = np.lexsort((entries["slots"], piece))
        bounds = np.searchsorted(piece[order], np.arange(len(spans) + 1))
        gone = np.flatnonzero(~np.equal(work.reasons, None))
        shape = [len(a) for i, a in enumerate(work.axes) if i != along]
        found = []
        for k, (start, stop) in enumerate(spans):
            chosen = order[bounds[k] : bounds[k + 1]]
            mine, slots, hasher = cell[chosen], entries["slots"][chosen], Hasher()
            hasher.text([self.base, work.node.op, others_code(work.node.op), work.how, stop - start, shape])
            # A cell is its place on the other axes, and its item's place in the piece.
            hasher.array(mine if along is None else mine // (inner * length) * inner + mine % inner)
            hasher.array(item[mine] - start)
            for name in sorted(entries.keys() - {"rows", "slots"}):
                hasher.array(entries[name][chosen])
            rows, rank = np.unique(entries["rows"][chosen], return_inverse=True)
            hasher.array(rank)
            self.of_rows(rows, hasher)
            inside = gone if along is None else gone[(item[gone] >= start) & (item[gone] < stop)]
            hasher.text([[int(c) // (inner * length), int(item[c]) - start, str(work.reasons[c])] for c in inside])
            if kernel is not None:
                of_kernel(kernel, np.flatnonzero((item >= start) & (item < stop)), slots, hasher)
            found.append(Piece(hasher.hexdigest(), start, stop))
        return along, tuple(found)


def columns(parts: Sequence, apart: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Requests or edits as columns: a column for each field that is an array, and one for all other fields together.

    Fields are taken as they come, so that one that is added later is hashed too; `apart` names those to leave out.
    """
    found: dict[str, np.ndarray] = {}
    plainly: list[dict] = [{} for _ in parts]
    for field in (f for f in fields(parts[0]) if f.name not in apart):
        values = [getattr(p, field.name) for p in parts]
        if "ndarray" in str(field.type):
            # An amount that is not given is one.
            filled = [np.ones(len(p.rows)) if v is None else v for p, v in zip(parts, values, strict=True)]
            found[field.name] = np.concatenate(filled)
        else:
            for told, value in zip(plainly, values, strict=True):
                told[field.name] = plain(value)
    what = np.array([number(json.dumps(told, sort_keys=True)) for told in plainly], np.uint64)
    return found | {"what": np.repeat(what, [len(p.rows) for p in parts])}


def simple(kernel: Kernel | None) -> bool:
    """Whether the arguments of a kernel can be hashed as they are."""
    return kernel is None or all(isinstance(v, SIMPLE) for v in kernel.plain.values())


def of_kernel(kernel: Kernel, cells: np.ndarray, slots: np.ndarray, hasher: Hasher) -> None:
    """Hash what a kernel is given for some cells: token ids, why there are none, and its other arguments."""
    arguments = sorted((k, repr(v)) for k, v in kernel.plain.items())
    hasher.text([kernel.of, [len(a) for a in kernel.extra], arguments])
    prompts, which = np.unique(kernel.work.prompt[cells], return_inverse=True)
    hasher.array(which)
    for name in sorted(kernel.ids):
        hasher.text(name)
        hasher.array(kernel.ids[name][slots if kernel.whole else prompts])
    hasher.text([[None if r is None else str(r) for r in row] for row in kernel.bad[prompts]])


class Hasher:
    """A hash of arrays and of plain data, each with its type and shape."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def array(self, values: np.ndarray) -> Hasher:
        data = np.ascontiguousarray(values)
        self.text([data.dtype.str, list(data.shape)])
        self._hash.update(data.reshape(-1).view(np.uint8))
        return self

    def text(self, told: object) -> Hasher:
        data = json.dumps(told, separators=(",", ":")).encode()
        self._hash.update(len(data).to_bytes(8) + data)
        return self

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
