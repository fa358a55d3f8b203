"""Knockouts of a run as edges of attention: which row, which token, and which token it no longer sees. No torch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...compiler.graph import Node
from ...compiler.physical import EditGroup
from ..errors import ProbeError
from .edits import index_of, layers_at, note_unknown
from .grid import Grid, grid, index_in_model
from .places import places
from .scopes import acting, scope_of
from .state import Lowering, RunRows


def knockouts_of(state: Lowering, rows: RunRows, edit: Node, order: int) -> list[EditGroup]:
    """The edges that one knockout cuts in every row of a run; future tokens are not seen anyway, and left out."""
    cells = grid((*rows.axes, *rows.own))
    row = state.row_of(rows, cells)
    return cuts(state, rows, edit, order, cells, row, edges(state, rows, edit, cells, row, written=False))


def later_knockouts_of(state: Lowering, rows: RunRows, edit: Node, order: int) -> list[EditGroup]:
    """The edges that one knockout cuts of the tokens that are written, in every row of a run; positions are 0."""
    if scope_of(edit) == "prompt":
        return []
    cells = grid((*rows.axes, *rows.own))
    row = state.row_of(rows, cells)
    return cuts(state, rows, edit, order, cells, row, edges(state, rows, edit, cells, row, written=True))


def cuts(
    state: Lowering, rows: RunRows, edit: Node, order: int, cells: Grid, row: np.ndarray,
    every: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> list[EditGroup]:  # fmt: skip
    """Edges (cell, token, token that it no longer sees) as groups of one layer and head."""
    (cell, query, key), run = every, rows.run
    layer, head = edit.input("layer"), edit.input("head")
    note_unknown(state, [layer, head], cells, row, run)
    everywhere = [(at, np.ones(cells.count, dtype=bool)) for at in range(state.layers)]
    heads = index_of(state, head, cells, run)
    for one in () if heads is None else np.unique(heads):
        index_in_model("knockout", "head", one, state.facts.n_heads)
    groups = []
    for at, chosen in everywhere if layer is None else layers_at(state, layer, cells, run):
        index_in_model("knockout", "layer", at, state.layers)
        for one in (None,) if heads is None else np.unique(heads):
            kept = np.flatnonzero(chosen[cell] if one is None else chosen[cell] & (heads[cell] == one))
            if len(kept):
                site = ("pattern", at, None if one is None else int(one))
                groups.append(
                    EditGroup(site, "knockout", order, row[cell[kept]], query[kept], None, key[kept], None)
                )  # fmt: skip
    return groups


def edges(
    state: Lowering, rows: RunRows, edit: Node, cells: Grid, row: np.ndarray, written: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cell, token, token that it no longer sees) of every edge, each once; rows without the tokens have a reason.

    The token is one of the prompt, or the one that was `written` last, which sees all that are before it: that is 0.
    """
    run = rows.run
    seen = places(state.bindings, edit.input("from"), run.input("model"), run.input("prompts"), run)
    sees = acting(state, edit, edit.input("to"), rows)
    item = rows.prompt_of(cells)
    known: dict[tuple[int, int, int], tuple[np.ndarray, np.ndarray] | str] = {}
    found = []
    for cell, at in enumerate(zip(seen.labels(cells), sees.labels(cells), item, strict=True)):
        if at not in known:
            known[at] = pairs(seen.of(at[0], at[2]), sees.of(at[1], at[2]), written)
        made = known[at]
        if isinstance(made, str):
            state.reasons.setdefault(int(row[cell]), made)
        else:
            found.append((np.full(len(made[0]), cell), *made))
    if not found:
        return tuple(np.zeros(0, np.int64) for _ in range(3))
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def pairs(seen: np.ndarray | str, sees: np.ndarray | str, written: bool) -> tuple[np.ndarray, np.ndarray] | str:
    """Every (token, token before it or itself) of two sets of positions, or the reason why there are none."""
    for part in (sees, seen):
        if isinstance(part, str):
            return part
    if written:
        return np.zeros(len(np.unique(seen)), np.int64), np.unique(seen)
    query, key = (part.reshape(-1) for part in np.meshgrid(np.unique(sees), np.unique(seen), indexing="ij"))
    return query[key <= query], key[key <= query]


def refuse_blind(state: Lowering, rows: RunRows, edits: list[EditGroup]) -> None:
    """Raise `no-edge-left` where the knockouts of a run together leave a token nothing that it sees."""
    tokens = max((len(p) for p in state.prompts), default=0) + 1
    for layer, head, window, edge in cut_by_head(state, [e for e in edits if e.kind == "knockout"]):
        query, key = edge // tokens % tokens, edge % tokens
        near = key > query - window if window is not None else np.ones(len(key), dtype=bool)
        at, count = np.unique(edge[near] // tokens, return_counts=True)
        visible = at % tokens + 1
        blind = np.flatnonzero(count >= (visible if window is None else np.minimum(visible, window)))
        if len(blind):
            item = int((at[blind[0]] // tokens - rows.base) % max(rows.prompts, 1))
            where = f"layer {layer}" + ("" if head is None else f", head {head}")
            raise ProbeError(
                "no-edge-left",
                f"the knockout leaves token {int(at[blind[0]] % tokens)} of item {item + 1} nothing to see in {where}",
                "leave it one token at least: its own, or the first",
            )


def cut_by_head(state: Lowering, cuts: list[EditGroup]) -> Iterator[tuple[int, int | None, int | None, np.ndarray]]:
    """(layer, head or None, window or None, edges as numbers, each once) for each head in which edges are cut."""
    tokens = max((len(p) for p in state.prompts), default=0) + 1
    windows = state.facts.windows
    for layer in sorted({cut.site[1] for cut in cuts}):
        here = [cut for cut in cuts if cut.site[1] == layer]
        heads = {cut.site[2] for cut in here}
        for head in sorted(heads, key=lambda h: -1 if h is None else h):
            mine = [cut for cut in here if cut.site[2] in (None, head)]
            edge = np.concatenate([(c.rows * tokens + c.positions) * tokens + c.index for c in mine])
            yield layer, head, windows[layer] if windows else None, np.unique(edge)
