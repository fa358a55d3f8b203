"""The arithmetic of edits on gathered rows. Knows tensors [n, width]; not where they come from."""

import torch
from torch import Tensor

from .batch import Edit

HALF = (torch.float16, torch.bfloat16)


def edited(h: Tensor, edit: Edit) -> Tensor:
    """Return `h` [n, width] as `edit` leaves it, in the same dtype; half precision is computed in fp32."""
    wide = h.float() if h.dtype in HALF else h
    values = None if edit.values is None else edit.values.to(wide.device, wide.dtype)
    if edit.kind == "set":
        return values.to(h.dtype)
    amount = _amount(edit, wide)
    if edit.kind == "clamp":
        return torch.where(values != 0, amount.to(h.dtype), h)
    match edit.kind:
        case "add":
            new = wide + amount * values
        case "project_out":
            unit = values / values.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
            new = wide - amount * (wide * unit).sum(-1, keepdim=True) * unit
        case "scale":
            new = wide * amount
        case "blend":
            new = (1 - amount) * wide + amount * values
    idle = 1.0 if edit.kind == "scale" else 0.0
    return torch.where(amount == idle, h, new.to(h.dtype))


def keys_of(edit: Edit, like: Tensor) -> Tensor:
    """Return an edit's values at attention rows `like` [n, keys], with zeros for the keys that it does not name."""
    values = torch.zeros_like(like)
    values[:, : edit.values.shape[1]] = edit.values.to(values.device, values.dtype)
    return values


def _amount(edit: Edit, like: Tensor) -> Tensor:
    if edit.amount is None:
        return like.new_ones(like.shape[0], 1)
    return edit.amount.to(like.device, like.dtype)[:, None]
