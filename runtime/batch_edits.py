"""Groups of edits as the engine takes them: vectors in place of indices, rows of a batch in place of a stage's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from ..compiler.physical import EditGroup
from .engine import Edit
from .engine.donor import part_site
from .facts import ModelFacts
from .sites import SiteRef, place


def batch_edit(
    group: EditGroup, chosen: np.ndarray, rows: np.ndarray, vectors: Mapping[str, np.ndarray], facts: ModelFacts,
    donors: Mapping[str, object],
) -> Edit:  # fmt: skip
    """Some edits of a group, by their indices, on rows of a batch.

    `vectors` are those of operands [cells, width], `donors` the models that grafts take weights from, by operand.
    """
    positions, index = group.positions[chosen], group.index[chosen]
    if group.kind == "knockout":
        return cut_edges(group, rows, positions, index)
    if group.kind == "graft":
        part, layer, donor = group.site[0], group.site[1], donors[group.operand]
        part = {"final_norm": "norms", "logits": "unembed"}.get(part, part)
        at = (index_of(rows), index_of(positions))
        return Edit(part_site(part, layer), "graft", *at, order=group.order, part=part, donor=donor)
    site = ref(group.site)
    values = None if group.operand is None else vectors[group.operand][index]
    amount = None if group.amount is None else torch.as_tensor(group.amount[chosen], dtype=torch.float32)
    if group.kind == "set" and values is None:
        # zero ablation is scaling by zero: it needs no vectors
        zeros = torch.zeros(len(chosen))
        return Edit(site, "scale", index_of(rows), index_of(positions), None, zeros, group.order)
    if group.kind == "clamp":
        values = (np.arange(place(site, facts).width) == index[:, None]) | (index[:, None] < 0)
    tensor = None if values is None else torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
    return Edit(site, group.kind, index_of(rows), index_of(positions), tensor, amount, group.order)


def cut_edges(group: EditGroup, rows: np.ndarray, positions: np.ndarray, index: np.ndarray) -> Edit:
    """Edges (row, position, and the key in `index`) as one edit of the keys that each token no longer sees."""
    (rows, positions), which = np.unique(np.stack([rows, positions]), axis=1, return_inverse=True)
    keys = torch.zeros(len(rows), int(index.max()) + 1)
    keys[index_of(which), index_of(index)] = 1.0
    return Edit(ref(group.site), "knockout", index_of(rows), index_of(positions), keys, order=group.order)


def ref(site: tuple[str, int | None, int | None]) -> SiteRef:
    return SiteRef(*site)


def index_of(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64))
