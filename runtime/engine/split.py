"""Halve a batch that did not fit, and join the halves' results. Knows rows; runs nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

import torch
from torch import Tensor

from ..sites import SiteRef
from .batch import Batch, Read, take_rows

Run = Callable[[Batch], dict[Hashable, Tensor]]


def is_out_of_memory(error: RuntimeError) -> bool:
    """Tell whether `error` is a failed allocation, on a GPU or on the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def halves(batch: Batch, run: Run) -> dict[Hashable, Tensor]:
    """Run both halves of the rows and return the results in the order that the whole batch asks in.

    The first half leaves the hidden states that rows of the second take from its own. Raises `OutOfMemoryError` when a
    half needs all rows.
    """
    rows, batch = batch.shape[0], replace(batch, late=None)
    middle, left = rows // 2, {}
    for layer, sources in crossing(batch, middle).items():
        left[layer] = Read((object(), layer), SiteRef("resid_post", layer - 1), *every_token(batch, sources), raw=True)
    done = []
    for start, stop in ((0, middle), (middle, rows)):
        whole = (
            replace(batch, reads=(*batch.reads, *left.values())) if not start else given(batch, middle, left, done[0])
        )
        part, kept = take_rows(whole, start, stop)
        if part.shape[0] == rows:
            raise torch.OutOfMemoryError(f"out of memory with {rows} rows that begin as one another")
        # What no row of a half is asked for may lie before its first block.
        asked = {
            n: tuple(r for r in getattr(part, n) if len(r.rows) or not len(kept[r.key])) for n in ("reads", "keeps")
        }
        done.append((run(replace(part, **asked)), kept))
    joined = {}
    for read in (*batch.reads, *batch.keeps):
        pieces = [(values[read.key], kept[read.key]) for values, kept in done if read.key in values]
        like = pieces[0][0]
        whole = like.new_empty((read.rows.numel(), *like.shape[1:]))
        for values, mask in pieces:
            whole[mask.to(whole.device)] = values.to(whole.device)
        joined[read.key] = whole
    return joined


def crossing(batch: Batch, middle: int) -> dict[int, Tensor]:
    """By block, the rows before `middle` whose hidden states rows from there on take."""
    source = batch.start.source
    if source is None:
        return {}
    late = torch.arange(len(source)) >= middle
    late &= (source >= 0) & (source < middle)
    return {
        layer: source[late & (batch.start.layer == layer)].unique()
        for layer in batch.start.layer[late].unique().tolist()
    }


def every_token(batch: Batch, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Row and position of all tokens that some rows run."""
    position = torch.arange(batch.start.position, batch.shape[1])
    inside = position[None] < batch.lengths[rows][:, None]
    at, token = inside.nonzero(as_tuple=True)
    return rows[at], position[token]


def given(batch: Batch, middle: int, left: dict[int, Read], done: tuple[dict[Hashable, Tensor], dict]) -> Batch:
    """The batch whose rows from `middle` on begin with what the rows before have left."""
    if not left:
        return batch
    start, found = batch.start, done[0]

    def hidden(layer: int, rows: Tensor) -> Tensor:
        here = start.source[rows]
        mine = (here >= 0) & (here < middle)
        parts = [] if mine.all() else [start.hidden(layer, rows[~mine])]
        if mine.any():
            read, flat = left[layer], found[left[layer].key]
            whole = flat.new_zeros(len(batch.lengths), batch.shape[1] - start.position, flat.shape[-1])
            whole[read.rows.to(flat.device), (read.positions - start.position).to(flat.device)] = flat
            parts.append(whole[here[mine].to(flat.device)])
        both = torch.cat([part.to(parts[0].device) for part in parts])
        order = torch.cat([(~mine).nonzero()[:, 0], mine.nonzero()[:, 0]])
        return both[torch.argsort(order).to(both.device)]

    inside = (torch.arange(len(start.source)) < middle) | (start.source >= middle)
    return replace(batch, start=replace(start, source=torch.where(inside, start.source, -1), hidden=hidden))
