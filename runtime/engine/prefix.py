"""A cache for transformers whose keys and values come from other rows' passes. Knows layers; not whose rows they are.

Prefixes are gathered layer by layer while the pass runs, and nothing is held that was not asked for.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from .batch import Batch
from .schedule import Schedule


class PrefixLayer(DynamicLayer):
    """Put the prefix of each row before a layer's own keys and values, and keep those of `rows`."""

    def __init__(self, layer: int, schedule: Schedule, rows: Tensor | None) -> None:
        super().__init__()
        self.layer, self.schedule, self.start, self.rows = layer, schedule, schedule.start, rows
        self.kept: Tensor | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *args, **kwargs) -> tuple[Tensor, Tensor]:
        """Return the keys and values [B, heads, T, d_head] of all tokens."""
        if self.start.position:
            before = self.before(key_states)
            key_states = torch.cat([before[:, 0], key_states], -2)
            value_states = torch.cat([before[:, 1], value_states], -2)
        if self.rows is not None:
            rows = self.schedule.place(self.layer, self.rows).to(key_states.device)
            self.kept = torch.stack([key_states[rows], value_states[rows]], 1)
        return key_states, value_states

    def before(self, like: Tensor) -> Tensor:
        """Return the keys and values of the prefix [B, 2, heads, position, d_head]; a row that waits has none."""
        if self.schedule.waits(self.layer):
            return like.new_zeros(len(like), 2, like.shape[1], self.start.position, like.shape[3])
        return self.start.prefix(self.layer, self.schedule.rows(self.layer)).to(like.device)

    def get_seq_length(self) -> int:
        """Return the length of the prefix: masks are made before any layer runs."""
        return self.start.position


def prefix_cache(batch: Batch, schedule: Schedule, n_layers: int) -> Cache | None:
    """Return the cache that a batch needs, if it needs one. Windows are the masks' matter: no layer forgets a key."""
    if not batch.start.position and not batch.keeps:
        return None
    rows = {keep.layer: keep.rows for keep in batch.keeps}
    return Cache(layers=[PrefixLayer(layer, schedule, rows.get(layer)) for layer in range(n_layers)])
