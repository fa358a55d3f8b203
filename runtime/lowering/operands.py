"""Which vector of its operand each edit takes: by the coordinates of its cell, its layer and its token."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ...compiler.graph import Node
from ...compiler.normalise import SOURCE_LAYER
from ..binding.axes import axes_of
from ..cube import Axis
from ..determinism import derive_seed
from ..errors import ProbeError
from ..text.positions import All, coordinates, positions
from .grid import Grid, per_cell
from .places import places
from .state import Lowering


@dataclass(frozen=True, eq=False)
class Edits:
    """Single edits as columns: cell, row, position, rank of the position in its cell, number of the prompt, item."""

    cell: np.ndarray
    row: np.ndarray
    position: np.ndarray
    rank: np.ndarray
    prompt: np.ndarray
    item: np.ndarray

    @staticmethod
    def of(
        cells: Grid, row: np.ndarray, prompt: np.ndarray, cell: np.ndarray, position: np.ndarray, rank: np.ndarray
    ) -> Edits:
        """Edits from the row and prompt of every cell, and the cell, position and rank of every edit."""
        item = cells.at.get("item", np.zeros(cells.count, dtype=np.int64))
        return Edits(cell, row[cell], position, rank, prompt[cell], item[cell])

    def take(self, at: np.ndarray) -> Edits:
        """Some of the edits."""
        return Edits(*(getattr(self, f.name)[at] for f in fields(self)))


def operand_of(edit: Node) -> Node | None:
    """The vectors that an intervention needs; none for zeroing and scaling."""
    if edit.op in ("patch", "ablate"):
        return edit.input("from")
    return edit.input("direction")


def operand_axes(state: Lowering, operand: Node) -> tuple[Axis, ...]:
    """The axes of an operand, from its value where it is there, else from the node."""
    found = state.evaluator.results.get(operand.key)
    if found is not None:
        return found.axes
    try:
        return state.evaluator.at_home(operand).cube(operand).axes
    except (ProbeError, KeyError):
        return axes_of(state.bindings, operand)


def operand_index(
    state: Lowering, edit: Node, operand: Node, cells: Grid, edits: Edits, layer: int | None, home: Node
) -> np.ndarray:
    """Which vector of the operand each edit takes: by the coordinates of its cell, its layer and its token.

    Rows for which the operand has no such vector have no value: the reason is noted.
    """
    axes = operand_axes(state, operand)
    flat = np.zeros(len(edits.cell), dtype=np.int64)
    donor = others(state, edit, next((a for a in axes if a.name == "item"), None), cells, edits, home)
    for axis in axes:
        if axis.name == SOURCE_LAYER:
            at = np.full(len(edits.cell), axis.labels.index(layer))
        elif axis.name == "token" and axis.kind == "data":
            if donor is not None:
                at = tokens_of_donor(state, axis, operand, edits, donor)
            else:
                at = same_token(state, axis, edits, home)
        elif axis.name == "item" and donor is not None:
            at = donor
        elif axis.name in cells.at:
            at = cells.at[axis.name][edits.cell]
        else:
            raise ProbeError(
                "axes-differ", f"the operand of an intervention has an axis {axis.name} that the run does not have",
                "select one label of it",
            )  # fmt: skip
        flat = flat * len(axis) + at
    missing = operand_missing(state, operand)
    if missing is not None:
        reasons = missing.reshape(-1)[flat]
        for at in np.flatnonzero(~np.equal(reasons, None)):
            state.reasons.setdefault(int(edits.row[at]), str(reasons[at]))
    return flat


def same_token(state: Lowering, axis: Axis, edits: Edits, run: Node) -> np.ndarray:
    """The source's token with the same coordinates: segment, and index in the segment."""
    at = token_labels(state, axis, run)[edits.prompt, edits.position]
    for missing in np.flatnonzero(at < 0):
        state.reasons.setdefault(int(edits.row[missing]), "a patch has a token that its source does not have")
    return np.maximum(at, 0)


def tokens_of_donor(state: Lowering, axis: Axis, operand: Node, edits: Edits, donor: np.ndarray) -> np.ndarray:
    """The other item's tokens in their order; it needs as many as are edited."""
    run = operand.input("run")
    found = places(state.bindings, operand.input("tokens"), run.input("model"), run.input("prompts"), operand).found[0]
    labels = token_labels(state, axis, run)
    counts = np.array([0 if isinstance(p, str) else len(p) for p in found])
    own = np.bincount(edits.cell, minlength=int(edits.cell.max(initial=0)) + 1)[edits.cell]
    at = np.zeros(len(edits.cell), dtype=np.int64)
    for i in range(len(at)):
        if counts[donor[i]] != own[i]:
            reason = f"the other item has {counts[donor[i]]} tokens there, and not {own[i]}"
            state.reasons.setdefault(int(edits.row[i]), reason)
            continue
        at[i] = labels[donor[i], found[donor[i]][edits.rank[i]]]
    return at


def others(state: Lowering, edit: Node, axis: Axis | None, cells: Grid, edits: Edits, home: Node) -> np.ndarray | None:
    """Per edit, the item whose activation is put in its place: drawn by hash of (seed, item), never the item itself.

    `axis` has the items to draw from, which may be those of another dataset. None when nothing is resampled.
    """
    method = edit.input("method")
    if edit.op != "ablate" or axis is None or method is None or method.param("value") != "resample":
        return None
    own = next((a.labels for a in cells.axes if a.name == "item"), (None,))
    number_of = {key: i for i, key in enumerate(axis.labels)}
    itself = np.array([number_of.get(key, len(axis)) for key in own])
    left = len(axis) - (itself < len(axis))
    if not left.all():
        message = "there is no other item to resample from"
        raise ProbeError("no-other-item", message, "resampling needs at least two items")
    given = per_cell(state.evaluator, edit.input("seed"), cells, home)
    seeds = np.zeros(cells.count, np.int64) if given is None else given.astype(np.int64)
    each, number = np.unique(seeds, return_inverse=True)
    drawn = np.array(
        [[derive_seed("resample", int(s), str(key)) % int(n) for key, n in zip(own, left, strict=True)] for s in each]
    )
    drawn += drawn >= itself
    return drawn[number[edits.cell], edits.item]


def operand_missing(state: Lowering, operand: Node) -> np.ndarray | None:
    """Which vectors of an operand are missing, and why; None when all are there, or while planning."""
    if state.planning:
        return None
    return state.evaluator.at_home(operand).cube(operand).missing


def token_labels(state: Lowering, axis: Axis, run: Node) -> np.ndarray:
    """Label of a token axis for each [item, position] of a run's prompts; -1 where the axis has no such token."""
    rendered = state.bindings.rendered(run.input("model"), run.input("prompts"))
    place = {c: i for i, c in enumerate(zip(axis.coords["segment"], axis.coords["index"], strict=True))}
    table = np.full((len(rendered), max(len(r.ids) for r in rendered)), -1, dtype=np.int64)
    for i, r in enumerate(rendered):
        for at, (segment, index, _) in zip(positions(r, All()), coordinates(r), strict=True):
            table[i, at] = place.get((segment, index), -1)
    return table
