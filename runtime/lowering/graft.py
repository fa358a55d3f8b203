"""Grafts of a run as edits: which row, which token, which part of which layer comes from whose weights. No torch."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ...compiler.graph import Node
from ...compiler.physical import EditGroup
from ..errors import ProbeError
from ..sources import read_config
from .edits import layers_at, note_reasons, spread_positions
from .grid import Grid, axes_of, grid, in_model
from .places import places

if TYPE_CHECKING:
    from .lower import Lowering, RunRows

ATTENTION, MLP = ("attn.q", "attn.k", "attn.v", "attn.o"), ("mlp.gate", "mlp.up", "mlp.down")
WHOLE = {"attn": ATTENTION, "mlp": MLP}
SIZES = {
    "arch": "architecture is", "n_layers": "number of layers is", "n_heads": "number of heads is",
    "n_kv_heads": "number of key-value heads is", "d_model": "width is", "d_head": "width of a head is",
    "d_mlp": "number of neurons is",
}  # fmt: skip
# Not weights, and yet what a module computes with them depends on it.
SETTINGS = (
    "rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps", "hidden_act", "activation_function", "hidden_activation",
)  # fmt: skip


def grafts_of(state: Lowering, rows: RunRows, edit: Node, order: int) -> list[EditGroup]:
    """The edits of one graft in every row of a run: one group for each part and layer."""
    run = rows.run
    donor, head = edit.input("donor"), edit.input("head")
    parts = elementary(edit.input("parts"), state.facts.arch)
    where = "never" if head is None else str(head.param("value"))
    refuse_stranger(state, donor, vocabulary="embed" in parts or where != "never")
    cells = grid((*rows.axes, *(a for a in axes_of(state.bindings, run) if a.name == "item")))
    row, item = state.row_of(rows, cells), cells.at.get("item", np.zeros(cells.count, dtype=np.int64))
    found = places(state.bindings, edit.input("at"), run.input("model"), run.input("prompts"), run)
    label = cells.at[found.axis.name] if found.axis is not None else np.zeros(cells.count, dtype=np.int64)
    note_reasons(state, found, label, item, row)
    cell, position, _ = spread_positions(found, label, item, rows.items)

    def group(site: tuple, cell: np.ndarray, position: np.ndarray) -> list[EditGroup]:
        zero = np.zeros(len(cell), np.int64)
        made = EditGroup(site, "graft", order, row[cell], position, donor.key, zero, None)
        return [made] if len(cell) else []

    groups = []
    for layer, chosen in layers(state, edit, cells, run):
        kept = chosen[cell]
        for part in (p for p in parts if p != "embed"):
            groups += group((part, layer, None), cell[kept], position[kept])
    if "embed" in parts:
        groups += group(("embed", None, None), cell, position)
    if "norms" in parts and edit.input("layers") is None:
        groups += group(("final_norm", None, None), cell, position)
    if where != "never":
        rendered = state.bindings.rendered(run.input("model"), run.input("prompts"))
        length = np.array([len(r.ids) for r in rendered], dtype=np.int64)[item]
        first = np.zeros_like(length) if where == "always" else length - 1
        every = np.repeat(np.arange(cells.count), length - first)
        token = np.concatenate([np.arange(a, b) for a, b in zip(first, length, strict=True)])
        groups += group(("logits", None, None), every, token)
    return groups


def layers(state: Lowering, edit: Node, cells: Grid, run: Node) -> list[tuple[int, np.ndarray]]:
    """Per layer, the cells in which it is grafted: those that `layers` names, or all."""
    given = edit.input("layers")
    if given is None:
        return [(layer, np.ones(cells.count, dtype=bool)) for layer in range(state.layers)]
    found = layers_at(state, given, cells, run)
    for layer, _ in found:
        in_model("resid_post", layer, state.layers)
    return found


def elementary(parts: Node, arch: str) -> tuple[str, ...]:
    """The parts of a list, `attn` and `mlp` in pieces, each once."""
    named = [str(part.param("name")) for _, part in sorted(parts.inputs, key=lambda pair: int(pair[0][1:]))]
    for name in named:
        if name == "unembed" or name not in (*WHOLE, *ATTENTION, *MLP, "norms", "embed"):
            help_ = 'the unembedding is grafted by `head="always"`, or `"last_token"`' if name == "unembed" else ""
            raise ProbeError("not-a-part", f"`{name}` is no part that a graft takes", help_)
        if name == "mlp.gate" and arch in ("gpt2", "gpt_neox", "apertus"):
            raise ProbeError("not-a-part", f"the MLP of a {arch} model has no gate")
    return tuple(dict.fromkeys(piece for name in named for piece in WHOLE.get(name, (name,))))


def refuse_stranger(state: Lowering, donor: Node, vocabulary: bool) -> None:
    """Raise `donor-differs` where a donor's weights do not fit the model, or would compute something else in it."""
    bindings = state.bindings
    own, others = state.facts, bindings.facts(donor)
    name, mine = str(bindings.source(donor)), str(bindings.source(state.model))
    for size, what in SIZES.items():
        if getattr(own, size) != getattr(others, size):
            message = (
                f"{name} cannot be grafted into {mine}: its {what} {getattr(others, size)}, not {getattr(own, size)}"
            )
            raise ProbeError("donor-differs", message)
    first, second = (read_config(bindings.source(m), download=bindings.download) for m in (state.model, donor))
    for key in SETTINGS:
        if first.get(key) != second.get(key):
            message = f"{name} cannot be grafted into {mine}: its {key} is {second.get(key)}, not {first.get(key)}"
            raise ProbeError("donor-differs", message)
    if vocabulary:
        tables = (bindings.tokenizer(m).vocabulary_fingerprint for m in (state.model, donor))
        if own.vocab != others.vocab or len(set(tables)) > 1:
            message = f"{name} has another vocabulary than {mine}: its embedding and unembedding mean other tokens"
            raise ProbeError("donor-differs", message, 'graft other parts, with `head="never"`')


def refuse_collisions(edits: list[EditGroup]) -> None:
    """Raise `edits-collide` where two grafts compute the same part of the same layer for the same token."""
    grafts = [edit for edit in edits if edit.kind == "graft"]
    tokens = max((int(edit.positions.max(initial=0)) for edit in grafts), default=0) + 1
    for one, other in combinations(grafts, 2):
        if one.site == other.site and one.order != other.order:
            both = np.intersect1d(one.rows * tokens + one.positions, other.rows * tokens + other.positions)
            if len(both):
                name = one.site[0] if one.site[1] is None else f"{one.site[0]} of layer {one.site[1]}"
                message = f"two grafts compute {name} for the same token"
                raise ProbeError("edits-collide", message, "give each its own tokens, parts or layers")
