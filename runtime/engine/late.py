"""A block for some of its tokens: keys and values are made of all, and everything else of these alone.

Attention takes keys from the cache that a block is called with. So the block is called up to that point with all
tokens, without the instruments that a trace puts on its modules, and then with those that are wanted and a cache that
gives them the keys of all. Knows the arguments by which transformers' blocks are called; not why a token is wanted.
"""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache

from .donor import INSTANCE_ONLY
from .schedule import taken

CACHES = ("past_key_values", "layer_past")  # what a block calls its cache


class KeysMade(Exception):
    """Ends a block's pass where its keys and values are known: `both` [B, heads, T, d_head]."""

    def __init__(self, both: tuple[Tensor, Tensor]) -> None:
        super().__init__()
        self.both = both


class Catch(Cache):
    """Take keys and values as `inner` gives them, and end the pass there."""

    def __init__(self, inner: Cache | None) -> None:
        super().__init__(layers=[])
        self.inner = inner

    def update(self, key_states: Tensor, value_states: Tensor, layer: int, *args, **kwargs):
        """Raise `KeysMade`."""
        inner = self.inner
        raise KeysMade((key_states, value_states) if inner is None else inner.update(key_states, value_states, layer))


class Given(Cache):
    """Give keys and values that are known, whatever tokens a block is called with."""

    def __init__(self, both: tuple[Tensor, Tensor]) -> None:
        super().__init__(layers=[])
        self.both = both

    def update(self, key_states: Tensor, value_states: Tensor, *args, **kwargs) -> tuple[Tensor, Tensor]:
        """Return the keys and values of all tokens."""
        return self.both


def narrowed(block: nn.Module, twin: nn.Module, args: tuple, kwargs: dict, at: Tensor) -> tuple[tuple, dict]:
    """Return the arguments with which `block`, called with `args` and `kwargs`, runs for the tokens `at` [B, m] alone.

    `at` counts tokens of the hidden states [B, T, d_model] that it is called with. `twin` is `bare(block)`.
    """
    bound = inspect.signature(type(block).forward).bind(block, *args, **kwargs)
    given = {k: v for k, v in bound.arguments.items() if k not in ("self", "kwargs")} | bound.arguments.get(
        "kwargs", {}
    )
    hidden, cache = given.pop("hidden_states"), next(name for name in CACHES if name in bound.signature.parameters)
    at = at.to(hidden.device)
    try:
        twin(hidden, **given | {cache: Catch(given.get(cache))})
    except KeysMade as made:
        given[cache] = Given(made.both)
    keys = given[cache].both[0].shape[-2]
    given["attention_mask"] = mask_of(given.get("attention_mask"), at, keys, hidden.shape[1])
    if given.get("position_embeddings") is not None:
        given["position_embeddings"] = tuple(taken(part, at) for part in given["position_embeddings"])
    if given.get("position_ids") is not None:
        given["position_ids"] = taken(given["position_ids"][..., None], at)[..., 0]
    return (taken(hidden, at),), given


def mask_of(mask: Tensor | None, at: Tensor, keys: int, tokens: int) -> Tensor:
    """Return the mask [B, 1, m, keys] of the tokens `at` [B, m]: their rows of a mask, or else of the causal one."""
    if mask is None:
        return (torch.arange(keys, device=at.device) <= at[..., None] + keys - tokens)[:, None]
    mask = mask.expand(len(at), *mask.shape[1:])
    return mask.gather(2, at[:, None, :, None].expand(*mask.shape[:2], at.shape[1], mask.shape[-1]))


def bare(module: nn.Module) -> nn.Module:
    """Return a module with the same weights and without what tracing puts on modules: to be called beside a trace."""
    made = object.__new__(type(module))
    made.__dict__.update({k: v for k, v in module.__dict__.items() if k not in INSTANCE_ONLY})
    for name, value in module.__dict__.items():
        if "_hooks" in name:
            made.__dict__[name] = type(value)()
    made.__dict__["_modules"] = {name: None if m is None else bare(m) for name, m in module._modules.items()}
    return made
