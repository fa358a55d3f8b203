"""Grafts of a run as edits: which row, which token, which part of which layer comes from whose weights. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ...compiler.graph import Node
from ...compiler.physical import EditGroup
from ..adapters import adapted_modules
from ..errors import ProbeError
from ..sources import read_config
from ..weight_parts import weight_part
from .edits import layers_at, note_reasons, note_unknown
from .grid import Grid, grid, index_in_model
from .places import spread_positions
from .scopes import acting, scope_of
from .state import Lowering, RunRows

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
    donor, head = edit.input("donor"), edit.input("head")
    parts = elementary(edit.input("parts"), state.facts.arch)
    where = "never" if head is None else str(head.param("value"))
    refuse_stranger(state, donor, vocabulary="embed" in parts or where != "never")
    grafted = Grafted(state, rows, donor, order)
    groups = parts_of_graft(grafted, edit, parts, grafted.at(edit))
    if where != "never":
        groups += grafted.group(("logits", None, None), *grafted.ends(every=where == "always"))
    return groups


def parts_of_graft(
    grafted: Grafted, edit: Node, parts: tuple[str, ...], at: tuple[np.ndarray, np.ndarray]
) -> list[EditGroup]:
    """The edits of a graft's parts at (cell, position)."""
    layers = edit.input("layers")
    groups = grafted.in_blocks(at, "graft", layers, {layer: parts for layer in range(grafted.state.layers)})
    if "embed" in parts:
        groups += grafted.group(("embed", None, None), *at)
    if "norms" in parts and layers is None:
        groups += grafted.group(("final_norm", None, None), *at)
    return groups


def later_grafts_of(state: Lowering, rows: RunRows, edit: Node, order: int) -> list[EditGroup]:
    """The edits of one graft at the tokens that are written, in every row of a run; positions are 0.

    The donor's unembedding is used there if it is for all tokens, the other parts in their scope.
    """
    grafted, head, groups = Grafted(state, rows, edit.input("donor"), order), edit.input("head"), []
    if scope_of(edit) != "prompt":
        groups = parts_of_graft(grafted, edit, elementary(edit.input("parts"), state.facts.arch), grafted.written())
    if head is not None and head.param("value") == "always":
        groups += grafted.group(("logits", None, None), *grafted.written())
    return groups


def gates_of(state: Lowering, rows: RunRows, edit: Node, order: int) -> list[EditGroup]:
    """The edits of one gate: a graft of the student's weights, of no more than its adapter changes."""
    return gated(state, rows, edit, order, written=False)


def later_gates_of(state: Lowering, rows: RunRows, edit: Node, order: int) -> list[EditGroup]:
    """The edits of one gate at the tokens that are written, in every row of a run; positions are 0."""
    return gated(state, rows, edit, order, written=True) if scope_of(edit) != "prompt" else []


def gated(state: Lowering, rows: RunRows, edit: Node, order: int, written: bool) -> list[EditGroup]:
    student, given = edit.input("student"), edit.input("parts")
    refuse_other_base(state, student)
    arch = state.facts.arch
    asked = None if given is None else elementary(given, arch)
    changed = adapted_parts(state, student)
    chosen = {
        layer: tuple(part for part in parts if asked is None or part in asked) for layer, parts in changed.items()
    }
    grafted = Grafted(state, rows, student, order)
    at = grafted.written() if written else grafted.at(edit)
    groups = grafted.in_blocks(at, "gate", edit.input("layers"), chosen)
    return groups + [g for part in chosen.get(None, ()) for g in grafted.group((part, None, None), *at)]


@dataclass
class Grafted:
    """Makes groups of edits for the rows of a run and one donor."""

    state: Lowering
    rows: RunRows
    donor: Node
    order: int

    def __post_init__(self) -> None:
        state = self.state
        self.cells = grid((*self.rows.axes, *self.rows.own))
        self.row = state.row_of(self.rows, self.cells)
        self.item = self.rows.prompt_of(self.cells)

    def at(self, edit: Node) -> tuple[np.ndarray, np.ndarray]:
        """(cell, position) of every token at which a graft or gate acts; rows without any have a reason."""
        found = acting(self.state, edit, edit.input("at"), self.rows)
        note_reasons(self.state, found, self.cells, self.item, self.row)
        return spread_positions(found, self.cells, self.item, self.rows.prompts)[:2]

    def written(self) -> tuple[np.ndarray, np.ndarray]:
        """(cell, 0) of every cell: the token that is written."""
        return np.arange(self.cells.count), np.zeros(self.cells.count, dtype=np.int64)

    def ends(self, every: bool) -> tuple[np.ndarray, np.ndarray]:
        """(cell, position) of the last token of each row's prompt, or of every token."""
        run = self.rows.run
        rendered = self.state.bindings.rendered(run.input("model"), run.input("prompts"))
        length = np.array([len(r.ids) if every else r.response_start or len(r.ids) for r in rendered])[self.item]
        first = np.zeros_like(length) if every else length - 1
        token = np.concatenate([np.arange(a, b) for a, b in zip(first, length, strict=True)])
        return np.repeat(np.arange(self.cells.count), length - first), token

    def in_blocks(
        self,
        at: tuple[np.ndarray, np.ndarray],
        operation: str,
        layers: Node | None,
        parts: dict[int | None, tuple[str, ...]],
    ) -> list[EditGroup]:
        """Groups for each part of each layer that is meant; `parts` are those that a layer has."""
        cell, position = at
        note_unknown(self.state, [layers], self.cells, self.row, self.rows.run)
        groups = []
        for layer, chosen in chosen_layers(self.state, operation, layers, self.cells, self.rows.run):
            kept = chosen[cell]
            for part in (p for p in parts.get(layer, ()) if p != "embed"):
                groups += self.group((part, layer, None), cell[kept], position[kept])
        return groups

    def group(self, site: tuple, cell: np.ndarray, position: np.ndarray) -> list[EditGroup]:
        zero = np.zeros(len(cell), np.int64)
        made = EditGroup(site, "graft", self.order, self.row[cell], position, self.donor.key, zero, None)
        return [made] if len(cell) else []


def chosen_layers(
    state: Lowering, operation: str, given: Node | None, cells: Grid, run: Node
) -> list[tuple[int, np.ndarray]]:
    """Per layer, the cells in which it is grafted: those that are given, or all."""
    if given is None:
        return [(layer, np.ones(cells.count, dtype=bool)) for layer in range(state.layers)]
    found = layers_at(state, given, cells, run)
    for layer, _ in found:
        index_in_model(operation, "layers", layer, state.layers)
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


def refuse_other_base(state: Lowering, student: Node) -> None:
    """Raise `gate-of-another-model` where a student is not the model with an adapter."""
    bindings = state.bindings
    own, theirs = bindings.source(state.model), bindings.source(student)
    if student.op != "adapter" or bindings.source(student.input("model")) != own:
        message = f"a gate switches an adapter of {own} on and off, and {theirs} is not that model with an adapter"
        raise ProbeError("gate-of-another-model", message, "for weights of another model, use `graft`")


def adapted_parts(state: Lowering, student: Node) -> dict[int | None, tuple[str, ...]]:
    """The elementary parts that a student's adapter changes, by layer (None: outside the blocks)."""
    found: dict[int | None, list[str]] = {}
    for module in sorted(adapted_modules(state.bindings.adapters(student)[-1])):
        made = weight_part(f"{module}.weight", state.facts.arch)
        if made.part == "unembed":
            message = f"the adapter of {state.bindings.source(student)} changes the unembedding, which a gate cannot"
            raise ProbeError("not-a-part", message, 'graft it: `graft(student, parts=[…], at=…, head="last_token")`')
        pieces = ATTENTION[:3] if made.part == "attn.qkv" else (made.part,)
        found.setdefault(made.layer, []).extend(pieces)
    return {layer: tuple(parts) for layer, parts in found.items()}


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
