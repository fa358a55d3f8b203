"""Edits that write the same place of one row, though nothing says in which order: such a row has no value.

The checker reports what surely meets. Tokens that meet in some prompts only, and layers that meet in some cells only,
are known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ...compiler.graph import Node
from ...compiler.physical import EditGroup
from .state import Lowering

WRITING = ("set", "add", "scale", "clamp", "project_out")


def in_order(edit: Node) -> bool:
    """Whether an intervention says that it acts in the order of its list."""
    given = edit.input("in_order")
    return given is not None and given.param("value") is True


def note_collisions(state: Lowering, edits: Sequence[EditGroup], meant: set[int]) -> None:
    """Note why a row has no value in which two edits write one token of a site; `meant` are orders that are said."""
    by_site: dict[tuple, list[EditGroup]] = {}
    for group in edits:
        if group.kind in WRITING and group.order not in meant:
            by_site.setdefault(group.site, []).append(group)
    for (name, layer, _), groups in by_site.items():
        where = name if layer is None else f"{name}[{layer}]"
        tokens = max(int(group.positions.max(initial=0)) for group in groups) + 1
        for one, other in combinations(groups, 2):
            if one.order == other.order or one.kind == other.kind == "add":
                continue
            both = np.intersect1d(one.rows * tokens + one.positions, other.rows * tokens + other.positions)
            for row in np.unique(both // tokens):
                reason = f"two interventions write {where} of one token: say in_order=true where their order is meant"
                state.reasons.setdefault(int(row), reason)
