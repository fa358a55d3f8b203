"""A cache for rows that are written token by token: room for all tokens, filled as they come. Knows no sites or edits.

Rows end at the same place: a shorter prompt begins later, so that tokens lie as far apart as their positions, and
windows of attention reach as far as they do in the row alone.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer


class GrowingLayer(DynamicLayer):
    """Hold keys and values [B, heads, room, d_head] of one layer, `length` of them filled."""

    def __init__(self, keys: Tensor, values: Tensor, length: int) -> None:
        super().__init__()
        self.held, self.length = (keys, values), length

    def update(self, key_states: Tensor, value_states: Tensor, *args, **kwargs) -> tuple[Tensor, Tensor]:
        """Put one token behind the others; returns keys and values of all tokens."""
        end = self.length + key_states.shape[-2]
        for held, new in zip(self.held, (key_states, value_states), strict=True):
            held[:, :, self.length : end] = new
        self.length = end
        return tuple(held[:, :, :end] for held in self.held)

    def get_seq_length(self) -> int:
        """Return how many tokens are held: masks are made before any layer runs."""
        return self.length

    def take(self, rows: Tensor) -> None:
        """Go on with some of the rows."""
        self.held = tuple(held[rows.to(held.device)] for held in self.held)


def growing_cache(n_layers: int, kept: Callable[[int], Tensor], source: Tensor, lengths: Tensor, more: int) -> Cache:
    """Return a cache for rows that continue prompts, with room for `more` tokens.

    `kept(layer)` gives keys and values [P, 2, heads, T, d_head] of the prompts, padded on the right; row i continues
    prompt `source[i]`, which has `lengths[i]` tokens. The rows' prompts end at token T of the cache.
    """
    layers = []
    for layer in range(n_layers):
        both = kept(layer)
        tokens = both.shape[-2]
        offset = torch.arange(tokens)[None] - (tokens - lengths)[:, None]
        rows, at = source[:, None].to(both.device), offset.clamp_min(0).to(both.device)
        halves = []
        for half in (0, 1):
            by_token = both[:, half].transpose(1, 2)[rows, at].transpose(1, 2)
            room = by_token.new_zeros(*by_token.shape[:2], tokens + more, by_token.shape[-1])
            room[:, :, :tokens] = by_token
            halves.append(room)
        layers.append(GrowingLayer(*halves, tokens))
    return Cache(layers=layers)
