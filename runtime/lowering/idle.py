"""Patches that put in what is there already: the source's tokens are the row's own, up to the one that is patched.

Attention is causal, so that what a model computes at a token depends on that token and those before it alone.
"""

from __future__ import annotations

import numpy as np

from ...compiler.graph import Node
from ...compiler.kinds import Generated
from ...compiler.normalise import SOURCE_LAYER
from ..cube import Axis
from .grid import Grid
from .operands import Edits, token_labels
from .places import places
from .state import Lowering


def idle(
    state: Lowering, edit: Node, site: Node, operand: Node | None, axes: tuple[Axis, ...], cells: Grid, edits: Edits,
    run: Node,
) -> np.ndarray | None:  # fmt: skip
    """Per edit [bool], whether its vector is what the row has at that place without any edit; None where none can be.

    `axes` are those of the operand.
    """
    if edit.op != "patch" or operand is None or operand.op != "read" or operand.input("tokens").op == "pool":
        return None
    source = operand.input("run")
    edited = any(name[:1] == "i" and name[1:].isdigit() for name, _ in source.inputs)
    if edited or source.input("model").key != run.input("model").key or not same_site(operand.input("site"), site):
        return None
    if any(issubclass(r.input("prompts").kind, Generated) for r in (run, source)):
        return None
    own, other = (state.bindings.rendered(r.input("model"), r.input("prompts")) for r in (run, source))
    paired = any(axis.name == "item" for axis in axes)
    if not paired and len(other) != 1:
        return None
    item = edits.item if paired else 0 * edits.item
    equal = np.array([common(r.ids, other[i if paired else 0].ids) for i, r in enumerate(own)])
    token = next((a for a in axes if a.name == "token" and a.kind == "data"), None)
    at = label_positions(state, token, edits, item, run, source) if token is not None else None
    if at is None:
        found = places(state.bindings, operand.input("tokens"), source.input("model"), source.input("prompts"), operand)
        table = np.array([[-1 if isinstance(p, str) or len(p) != 1 else p[0] for p in row] for row in found.found])
        at = table[found.labels(cells)[edits.cell], item]
    return (at == edits.position) & (edits.position < equal[edits.item])


def same_site(one: Node, other: Node) -> bool:
    """Whether two site nodes mean the same place in every cell; a source that is walked by layer has the edit's own."""
    if one.param("name") != other.param("name"):
        return False
    pairs = [(one.input(name), other.input(name)) for name in ("layer", "head")]
    walked = [a is not None and a.op == "label" and a.param("name") == SOURCE_LAYER for a, _ in pairs]
    equal = [a is b or a is not None and b is not None and a.key == b.key for a, b in pairs]
    return all(w or e for w, e in zip(walked, equal, strict=True))


def common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many tokens two prompts begin with alike."""
    shorter = min(len(one), len(other))
    return next((i for i in range(shorter) if one[i] != other[i]), shorter)


def label_positions(state: Lowering, axis: Axis, edits: Edits, item: np.ndarray, run: Node, source: Node) -> np.ndarray:
    """Where the source has the token with the coordinates of each edited one; -1 where it has none."""
    labels = token_labels(state, axis, source)
    place = np.full((len(labels), len(axis) + 1), -1)
    items, positions = np.nonzero(labels >= 0)
    place[items, labels[items, positions]] = positions
    return place[item, token_labels(state, axis, run)[edits.item, edits.position]]
