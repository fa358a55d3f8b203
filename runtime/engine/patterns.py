"""Attention whose probabilities can be read and changed, as an attention function that transformers calls.

Labels inside a model's source differ between releases; an attention function is a public extension point, the same for
all architectures. It computes what transformers' eager attention computes.
"""

import threading
from collections.abc import Callable
from contextlib import contextmanager

import torch
from torch import Tensor

NAME = "probelang"
_active = threading.local()


@contextmanager
def visible_attention(hf, usual: str, see: Callable[[int, Tensor, str], Tensor] | None):
    """Within the block, pass each layer's scores and probabilities [B, H, T, T] through `see`; None changes nothing.

    `see` takes the layer, the tensor, and which of the two it is: "scores" or "probabilities".
    """
    if see is None:
        yield
        return
    _register()
    hf.set_attn_implementation(NAME)
    _active.see = see
    try:
        yield
    finally:
        _active.see = None
        hf.set_attn_implementation(usual)


def attend(module, query, key, value, attention_mask, scaling=None, dropout=0.0, softcap=None, **_):
    """Compute attention as transformers' eager functions do; query is [B, H, T, d_head]."""
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scores = torch.matmul(query, key.transpose(2, 3)) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    if attention_mask is not None:
        scores = scores + attention_mask[..., : key.shape[-2]]
    see = getattr(_active, "see", None)
    if see is not None:
        scores = see(module.layer_idx, scores, "scores")
    probabilities = torch.softmax(scores, -1, dtype=torch.float32).to(query.dtype)
    if see is not None:
        probabilities = see(module.layer_idx, probabilities, "probabilities")
    return torch.matmul(probabilities, value).transpose(1, 2).contiguous(), probabilities


def _register() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import eager_mask

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, eager_mask)
