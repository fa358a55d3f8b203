"""Halve a batch that did not fit, and join the halves' results. Knows rows; runs nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import torch
from torch import Tensor

from .batch import Batch, take_rows


def is_out_of_memory(error: RuntimeError) -> bool:
    """Tell whether `error` is a failed allocation, on a GPU or on the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def halves(batch: Batch, run: Callable[[Batch], dict[Hashable, Tensor]]) -> dict[Hashable, Tensor]:
    """Run both halves of the rows and return the results in the order that the whole batch asks in.

    Raises `OutOfMemoryError` when a half needs all rows.
    """
    rows = batch.shape[0]
    parts = [take_rows(batch, start, stop) for start, stop in ((0, rows // 2), (rows // 2, rows))]
    if any(part.shape[0] == rows for part, _ in parts):
        raise torch.OutOfMemoryError(f"out of memory with {rows} rows that begin as one another")
    done = [(run(part), kept) for part, kept in parts]
    joined = {}
    for read in (*batch.reads, *batch.keeps):
        pieces = [(values[read.key], kept[read.key]) for values, kept in done]
        like = pieces[0][0]
        whole = like.new_empty((read.rows.numel(), *like.shape[1:]))
        for values, mask in pieces:
            whole[mask.to(whole.device)] = values.to(whole.device)
        joined[read.key] = whole
    return joined
