"""Interventions of a run as groups of edits: which rows, which positions, which vector of which value.

Vectors themselves are not touched here: an edit names an operand and an index into it, so that a plan needs none.
"""

from __future__ import annotations

import numpy as np

from ...compiler.builtins import SITES
from ...compiler.graph import Node
from ...compiler.normalise import site_of
from ...compiler.physical import EditGroup
from ..binding.axes import label_values
from ..errors import ProbeError
from ..sites import SiteRef, place
from .grid import LISTS, Grid, grid, in_model, one_index, per_cell, reasons_at, refuse_fractions, values_at
from .idle import idle
from .operands import Edits, operand_axes, operand_index, operand_of
from .places import Places, spread_positions
from .scopes import acting, scope_of
from .state import Lowering, RunRows

KINDS = {"patch": "set", "ablate": "set", "project_out": "project_out", "steer": "add", "scale": "scale",
         "clamp": "clamp"}  # fmt: skip


def edits_of(state: Lowering, rows: RunRows, edit: Node, order: int) -> list[EditGroup]:
    """The edits of one intervention in every row of a run; while texts are written, those at prompts alone."""
    site, tokens = where_it_acts(edit)
    found = acting(state, edit, tokens, rows)
    cells = grid((*rows.axes, *rows.own))
    row, prompt = state.row_of(rows, cells), rows.prompt_of(cells)
    cell, position, rank = spread_positions(found, cells, prompt, rows.prompts)
    note_reasons(state, found, cells, prompt, row)
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


def note_reasons(state: Lowering, found: Places, cells: Grid, prompt: np.ndarray, row: np.ndarray) -> None:
    """A row whose prompt has not the tokens that are to be edited has no value: it is not read as unedited."""
    gone = np.array([[isinstance(p, str) for p in of_label] for of_label in found.found])
    label = found.labels(cells)
    for at in np.flatnonzero(gone[label, prompt]):
        state.reasons.setdefault(int(row[at]), str(found.found[label[at]][prompt[at]]))


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
