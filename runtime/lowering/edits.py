"""Interventions of a run as groups of edits: which rows, which positions, which vector of which value.

Vectors themselves are not touched here: an edit names an operand and an index into it, so that a plan needs none.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...compiler.builtins import SITES
from ...compiler.graph import Node
from ...compiler.kinds import Generated
from ...compiler.normalise import SOURCE_LAYER, site_of
from ...compiler.physical import EditGroup
from ..binding.axes import axes_of
from ..cube import Axis
from ..determinism import derive_seed
from ..errors import ProbeError
from ..sites import SiteRef, place
from ..text.rendered import Rendered
from .grid import LISTS, Grid, grid, in_model, one_index, per_cell, reasons_at, refuse_fractions, values_at
from .idle import idle
from .places import Places, places

if TYPE_CHECKING:
    from .lower import Lowering, RunRows

KINDS = {"patch": "set", "ablate": "set", "project_out": "project_out", "steer": "add", "scale": "scale",
         "clamp": "clamp"}  # fmt: skip


def edits_of(state: Lowering, rows: RunRows, edit: Node, order: int) -> list[EditGroup]:
    """The edits of one intervention in every row of a run; while texts are written, those at prompts alone."""
    site, tokens = where_it_acts(edit)
    found = acting(state, edit, tokens, rows)
    cells = grid((*rows.axes, *rows.own))
    row, prompt = state.row_of(rows, cells), rows.prompt_of(cells)
    label = cells.at[found.axis.name] if found.axis is not None else np.zeros(cells.count, dtype=np.int64)
    cell, position, rank = spread_positions(found, label, prompt, rows.prompts)
    note_reasons(state, found, label, prompt, row)
    note_unknown(state, numbers_of(edit, site), cells, row, rows.run)
    return groups_of(state, rows, edit, order, site, cells, Edits.of(cells, row, prompt, cell, position, rank))


def later_edits_of(state: Lowering, rows: RunRows, edit: Node, order: int) -> list[EditGroup]:
    """The edits of one intervention at the tokens that are written, in every row of a run; positions are 0."""
    if scope_of(edit) == "prompt":
        return []
    site, _ = where_it_acts(edit)
    cells = grid((*rows.axes, *rows.own))
    row, prompt, every = state.row_of(rows, cells), rows.prompt_of(cells), np.arange(cells.count)
    zero = np.zeros(cells.count, dtype=np.int64)
    note_unknown(state, numbers_of(edit, site), cells, row, rows.run)
    return groups_of(state, rows, edit, order, site, cells, Edits.of(cells, row, prompt, every, zero, zero), later=True)


def groups_of(
    state: Lowering, rows: RunRows, edit: Node, order: int, site: Node, cells: Grid, every: Edits, later: bool = False
) -> list[EditGroup]:
    """Single edits as groups of one layer and head; `later` are those of tokens that are yet to be written."""
    layers = layers_of(state, site, cells, rows.run)
    heads = index_of(state, site.input("head"), cells, rows.run)
    amount = amount_of(state, edit, cells, rows.run)
    components = components_of(state, edit, site, cells, rows.run)
    operand = operand_of(edit)
    axes = operand_axes(state, operand) if operand is not None else ()
    groups: list[EditGroup] = []
    for layer, chosen in layers:
        if layer is not None:
            in_model(str(site.param("name")), layer, state.layers)
        inside = chosen[every.cell]
        for head in np.unique(heads) if heads is not None else (None,):
            keep = inside if head is None else inside & (heads[every.cell] == head)
            edits = every.take(np.flatnonzero(keep))
            if not len(edits.cell):
                continue
            index = np.zeros(len(edits.cell), np.int64) if components is None else components[edits.cell]
            if operand is not None:
                index = operand_index(state, edit, operand, cells, edits, layer, rows.run)
            name = (str(site.param("name")), layer, None if head is None else int(head))
            given = None if amount is None else amount[edits.cell]
            key = operand.key if operand is not None else None
            there = None if later else idle(state, edit, site, operand, axes, cells, edits, rows.run)
            groups.append(EditGroup(name, kind_of(edit), order, edits.row, edits.position, key, index, given, there))
    return groups


def note_reasons(state: Lowering, found: Places, label: np.ndarray, item: np.ndarray, row: np.ndarray) -> None:
    """A row whose prompt has not the tokens that are to be edited has no value: it is not read as unedited."""
    gone = np.array([[isinstance(p, str) for p in of_label] for of_label in found.found])
    for at in np.flatnonzero(gone[label, item]):
        state.reasons.setdefault(int(row[at]), str(found.found[label[at]][item[at]]))


def numbers_of(edit: Node, site: Node) -> list[Node | None]:
    """The numbers that say where and how an intervention acts."""
    return [site.input("layer"), site.input("head"), edit.input("component"), edit.input("seed"), strength(edit)]


def note_unknown(state: Lowering, numbers: list[Node | None], cells: Grid, row: np.ndarray, home: Node) -> None:
    """A row whose layer, strength or another number of its edits could not be computed has no value."""
    reasons = reasons_at(state.evaluator, numbers, cells, home)
    for at in np.flatnonzero(~np.equal(reasons, None)) if reasons is not None else ():
        state.reasons.setdefault(int(row[at]), str(reasons[at]))


def where_it_acts(edit: Node) -> tuple[Node, Node | None]:
    """The site and the tokens of an intervention; without tokens it acts at all that were written."""
    place = edit.input("place")
    if place is not None:
        return place.input("site"), place.input("tokens")
    if edit.op not in KINDS:
        raise ProbeError("planned", f"the intervention `{edit.op}` is planned, and does not run yet")
    site = edit.input("site") or site_of(edit.input("direction"))
    if site is None:
        raise ProbeError(
            "no-site", f"`{edit.op}` does not know at which site its direction lives", "say so: `site=resid_post[…]`"
        )
    return site, edit.input("tokens")


SCOPES = {"steer": "predicting", "project_out": "all"}  # of interventions that name no tokens


def scope_of(edit: Node) -> str:
    """When an intervention acts while a text is written: at prompt, response, predicting or all."""
    given = edit.input("during")
    if given is not None:
        return str(given.param("value"))
    return SCOPES.get(edit.op, "prompt") if edit.input("tokens") is None else "prompt"


def acting(state: Lowering, edit: Node, tokens: Node | None, rows: RunRows) -> Places:
    """The positions of a run's prompts at which an intervention acts that names `tokens` (None: all of them).

    `during` is about texts that are written, and about those that were: elsewhere it means nothing.
    """
    from ..binding.prompts import find
    from ..text.positions import All

    model, prompts, scope = rows.run.input("model"), rows.run.input("prompts"), scope_of(edit)
    rendered = state.bindings.rendered(model, prompts)
    texts = state.writing or issubclass(prompts.kind, Generated)
    if texts and scope in ("response", "predicting"):
        return Places(None, (tuple(np.array(written_at(r, scope), dtype=np.int64) for r in rendered),))
    if tokens is None:
        found = Places(None, (tuple(find(r, All()) for r in rendered),))
    else:
        found = places(state.bindings, tokens, model, prompts, rows.run)
    if state.writing or not texts or edit.input("during") is None and tokens is not None:
        return found
    chosen = tuple(tuple(map(partial(within, scope), row, rendered)) for row in found.found)
    return Places(found.axis, chosen)


def written_at(rendered: Rendered, scope: str) -> range:
    """Positions of the tokens that were written; while predicting, of those that a token was chosen behind."""
    start, stop = rendered.response_start, len(rendered.ids)
    if start is None:  # still to be written
        return range(stop - 1, stop) if scope == "predicting" else range(0)
    return range(start - 1, stop - 1) if scope == "predicting" else range(start, stop)


def within(scope: str, found: np.ndarray | str, rendered: Rendered) -> np.ndarray | str:
    """Positions in the prompt of a text that was written, with those of the text where `scope` is all."""
    if isinstance(found, str):
        return found
    inside = found[found < rendered.response_start]
    return inside if scope == "prompt" else np.r_[inside, np.array(written_at(rendered, "response"), np.int64)]


def spread_positions(
    found: Places, label: np.ndarray, item: np.ndarray, items: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cell, position, rank among the cell's positions) of every edit; a cell without the token is not edited."""
    table = [[np.zeros(0, np.int64) if isinstance(p, str) else p for p in row] for row in found.found]
    sizes = np.array([[len(p) for p in row] for row in table], dtype=np.int64).reshape(len(table), items)
    flat = [p for row in table for p in row]
    pool = np.concatenate(flat) if flat else np.zeros(0, np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes.reshape(-1))])[:-1].reshape(sizes.shape)
    count = sizes[label, item]
    cell = np.repeat(np.arange(len(label)), count)
    rank = np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count)
    position = pool[np.repeat(starts[label, item], count) + rank] if len(cell) else np.zeros(0, np.int64)
    return cell, position, rank


def layers_of(state: Lowering, site: Node, cells: Grid, home: Node) -> list[tuple[int | None, np.ndarray]]:
    """For each layer, the cells in which it is edited; a label that is a set edits all of its layers."""
    if "layer" not in SITES[site.param("name")].indices:
        return [(None, np.ones(cells.count, dtype=bool))]
    return layers_at(state, site.input("layer"), cells, home)


def layers_at(state: Lowering, node: Node, cells: Grid, home: Node) -> list[tuple[int, np.ndarray]]:
    """Per layer that `node` names, the cells [bool] in which it does."""
    if node.op == "list":
        named: dict[int, np.ndarray] = {}
        for _, element in node.inputs:
            for layer, inside in layers_at(state, element, cells, home):
                named[layer] = named.get(layer, False) | inside
        return sorted(named.items())
    if node.op in LISTS:
        from ..binding.axes import label_values

        return [(int(v), np.ones(cells.count, dtype=bool)) for v in label_values(state.bindings, node, home)]
    values, index = values_at(state.evaluator, node, cells, home, state.stand_in(node))
    refuse_fractions(values, "layer")
    sets = [v if isinstance(v, tuple) else (int(v),) for v in values.tolist()]
    every = sorted({int(x) for s in sets for x in s})
    member = np.array([[x in s for x in every] for s in sets])
    return [(x, inside) for k, x in enumerate(every) if (inside := member[index, k]).any()]


def index_of(state: Lowering, node: Node | None, cells: Grid, home: Node) -> np.ndarray | None:
    if node is None:
        return None
    return one_index(per_cell(state.evaluator, node, cells, home), "head")


def kind_of(edit: Node) -> str:
    return KINDS[edit.op]


def operand_of(edit: Node) -> Node | None:
    """The vectors that an intervention needs; none for zeroing and scaling."""
    if edit.op in ("patch", "ablate"):
        return edit.input("from")
    return edit.input("direction")


def strength(edit: Node) -> Node | None:
    """How strong an intervention is, where it says so."""
    name = {"project_out": "alpha", "steer": "scale", "scale": "factor", "clamp": "value"}.get(edit.op)
    return edit.input(name) if name is not None else None


def amount_of(state: Lowering, edit: Node, cells: Grid, home: Node) -> np.ndarray | None:
    """The strength of an edit in each cell; in a plan, where it is computed by the run, one that changes something."""
    node = strength(edit)
    if node is None:
        return None
    return per_cell(state.evaluator, node, cells, home, 2.0 if state.planning else None).astype(np.float64)


def components_of(state: Lowering, edit: Node, site: Node, cells: Grid, home: Node) -> np.ndarray | None:
    """The component that a clamp holds in each cell, -1 for all of them; None for what is no clamp."""
    if edit.op != "clamp":
        return None
    node = edit.input("component")
    if node is None:
        return np.full(cells.count, -1)
    found = per_cell(state.evaluator, node, cells, home).astype(np.int64)
    name = str(site.param("name"))
    head = 0 if "head" in SITES[name].indices else None
    width = place(SiteRef(name, 0 if "layer" in SITES[name].indices else None, head), state.facts).width
    if len(found) and not 0 <= found.min() <= found.max() < width:
        wrong = int(found.min()) if found.min() < 0 else int(found.max())
        message = f"{name} has the components 0..{width - 1}, and not {wrong}"
        raise ProbeError("component-out-of-range", message, "components count from 0")
    return found


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

    None when the intervention does not resample.
    """
    method = edit.input("method")
    if edit.op != "ablate" or axis is None or method is None or method.param("value") != "resample":
        return None
    if len(axis) < 2:
        message = "there is no other item to resample from"
        raise ProbeError("no-other-item", message, "resampling needs at least two items")
    given = per_cell(state.evaluator, edit.input("seed"), cells, home)
    seeds = np.zeros(cells.count, np.int64) if given is None else given.astype(np.int64)
    each, number = np.unique(seeds, return_inverse=True)
    drawn = np.array(
        [[derive_seed("resample", int(s), str(key)) % (len(axis) - 1) for key in axis.labels] for s in each]
    )
    drawn += drawn >= np.arange(len(axis))
    return drawn[number[edits.cell], edits.item % len(axis)]


def operand_missing(state: Lowering, operand: Node) -> np.ndarray | None:
    """Which vectors of an operand are missing, and why; None when all are there, or while planning."""
    if state.planning:
        return None
    return state.evaluator.at_home(operand).cube(operand).missing


def operand_axes(state: Lowering, operand: Node) -> tuple[Axis, ...]:
    """The axes of an operand, from its value where it is there, else from the node."""
    found = state.evaluator.results.get(operand.key)
    if found is not None:
        return found.axes
    try:
        return state.evaluator.at_home(operand).cube(operand).axes
    except (ProbeError, KeyError):
        return axes_of(state.bindings, operand)


def token_labels(state: Lowering, axis: Axis, run: Node) -> np.ndarray:
    """Label of a token axis for each [item, position] of a run's prompts; -1 where the axis has no such token."""
    from ..text.positions import All, coordinates, positions

    rendered = state.bindings.rendered(run.input("model"), run.input("prompts"))
    place = {c: i for i, c in enumerate(zip(axis.coords["segment"], axis.coords["index"], strict=True))}
    table = np.full((len(rendered), max(len(r.ids) for r in rendered)), -1, dtype=np.int64)
    for i, r in enumerate(rendered):
        for at, (segment, index, _) in zip(positions(r, All()), coordinates(r), strict=True):
            table[i, at] = place.get((segment, index), -1)
    return table
