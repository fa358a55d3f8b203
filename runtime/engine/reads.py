"""Gather and scatter rows of a module's tensor, whatever its layout. Knows layouts; nothing of edits."""

import torch
from torch import Tensor

from ..sites import Place


def gather(value: Tensor, place: Place, rows: Tensor, positions: Tensor) -> Tensor:
    """Return a copy of `place` at n (row, position) pairs, [n, width]."""
    whole = _by_token(value, place)[rows.to(value.device), positions.to(value.device)].flatten(1)
    return whole if place.columns is None else whole[:, _index(place.columns, value.device)]


def scatter(value: Tensor, place: Place, rows: Tensor, positions: Tensor, new: Tensor) -> None:
    """Write `new` [n, width] to `place` at n (row, position) pairs, in `value` itself."""
    rows, positions = rows.to(value.device), positions.to(value.device)
    by_token = _by_token(value, place)
    whole = by_token[rows, positions]
    flat = whole.flatten(1)
    flat[:, _index(place.columns, value.device)] = new
    by_token[rows, positions] = flat.view_as(whole)


def _by_token(value: Tensor, place: Place) -> Tensor:
    return value.transpose(1, 2) if place.layout == "head_token" else value


def _index(columns: tuple[int, ...] | None, device: torch.device):
    if columns is None:
        return slice(None)
    first, last = columns[0], columns[-1]
    if last - first + 1 == len(columns):
        return slice(first, last + 1)
    return torch.tensor(columns, device=device)
