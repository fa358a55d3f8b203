"""The rows of a run: every prompt under every variant of its interventions, with the edits of each."""

from __future__ import annotations

import numpy as np

from ...compiler.graph import Node
from ...compiler.physical import EditGroup
from ..binding.axes import axes_of
from .collisions import in_order, note_collisions
from .edits import edits_of, later_edits_of
from .graft import gates_of, grafts_of, later_gates_of, later_grafts_of, refuse_collisions
from .grid import grid
from .knockout import knockouts_of, later_knockouts_of, refuse_blind
from .state import Lowering, RunRows

LOWERED = {"knockout": knockouts_of, "graft": grafts_of, "gate": gates_of}
LATER = {"knockout": later_knockouts_of, "graft": later_grafts_of, "gate": later_gates_of}


def rows_for(state: Lowering, run: Node) -> RunRows:
    """The rows of a run: every prompt under every variant of its interventions."""
    if run.key in state.runs:
        return state.runs[run.key]
    rendered = state.bindings.rendered(run.input("model"), run.input("prompts"))
    own = axes_of(state.bindings, run.input("prompts"))
    named = {a.name for a in own}
    variants = tuple(a for a in axes_of(state.bindings, run) if a.name not in named)
    cells = grid(variants)
    ids = np.array([state.prompts.setdefault(r.ids, len(state.prompts)) for r in rendered], dtype=np.int64)
    rows = RunRows(run, variants, own, len(rendered), state.count, cells)
    state.runs[run.key] = rows
    state.prompt.append(np.tile(ids, cells.count))
    state.count += cells.count * len(rendered)
    edits = sorted((int(k[1:]), n) for k, n in run.inputs if k.startswith("i"))
    made: list[EditGroup] = []
    meant = {order for order, edit in edits if in_order(edit)}
    later: list[EditGroup] = []
    for order, edit in edits:
        made += LOWERED.get(edit.op, edits_of)(state, rows, edit, order)
        if state.writing:
            later += LATER.get(edit.op, later_edits_of)(state, rows, edit, order)
    refuse_blind(state, rows, made)
    for part in (made, later):
        refuse_collisions(part)
        note_collisions(state, part, meant)
    state.edits += made
    state.later += later
    return rows
