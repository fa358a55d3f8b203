"""Which rows of a batch each block runs, in which order they lie there, and where joining rows come from.

A row enters at its first block and leaves after its last one. Knows rows and blocks; nothing of edits or reads.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .batch import Batch


class Schedule:
    """The rows of a batch block by block, for a pass that enters `end` blocks.

    Rows that go through all `end` blocks are also there behind the last one, at number `end`. Where none is there
    before another joins, one that is at its end stays on, since no block runs without rows; it is not counted.
    `late` [B, m] are the positions that are there inside the last block, behind its input, and behind it; None: all.
    """

    def __init__(self, batch: Batch, end: int) -> None:
        rows = batch.shape[0]
        self.end, self.start, self.late = end, batch.start, batch.late
        self.first = torch.zeros(rows, dtype=torch.long) if self.start.layer is None else self.start.layer
        whole = torch.full((rows,), end)
        self.depth = whole if batch.depth is None else batch.depth.clamp(max=end)
        there = (self.first < self.depth) | (self.first == end)
        self.begin = min(int(self.first[there].min()) if there.any() else 0, end)
        self._rows: dict[int, Tensor] = {}
        self._place: dict[int, Tensor] = {}

    def rows(self, number: int) -> Tensor:
        """Return the rows of the batch [n] that are there at block `number`, in their order there."""
        if number not in self._rows:
            before = self.rows(number - 1) if number > self.begin else torch.zeros(0, dtype=torch.long)
            there = (self.first <= number) & ((self.depth > number) | ((self.depth == number) & (number == self.end)))
            old = before[there[before]]
            there[old] = False
            here = torch.cat([old, there.nonzero()[:, 0]])
            self._rows[number] = here if len(here) else before[:1]
        return self._rows[number]

    def waits(self, number: int) -> bool:
        """Tell whether block `number` has no rows but one that is at its end."""
        return number < self.end and bool((self.depth[self.rows(number)] <= number).all())

    def place(self, number: int, rows: Tensor) -> Tensor:
        """Return where `rows` of the batch lie at block `number`; -1 for those that are not there."""
        if number not in self._place:
            found = torch.full((len(self.first),), -1)
            here = self.rows(number)
            found[here] = torch.arange(len(here))
            self._place[number] = found
        return self._place[number][rows]

    @property
    def changes(self) -> list[int]:
        """Return the blocks at which rows join or leave, or which not all rows of the batch enter."""
        every = len(self.first)
        return [
            number
            for number in range(self.begin, self.end + 1)
            if len(self.rows(number)) < every or number > self.begin and len(self.rows(number - 1)) < every
        ]

    def joined(self, number: int, hidden: Tensor) -> Tensor:
        """Return hidden states before block `number`, given those behind the block before it (0: the embedding)."""
        here = self.rows(number)
        if number == self.begin:
            return hidden[here.to(hidden.device)] if number == 0 and len(here) < len(hidden) else hidden
        before = self.rows(number - 1)
        place = self.place(number - 1, here)
        new = place < 0
        if not new.any():
            return hidden if len(here) == len(before) else hidden[place.to(hidden.device)]
        source = torch.full_like(here, -1) if self.start.source is None else self.start.source[here]
        inside = new & (source >= 0)
        place[inside] = self.place(number - 1, source[inside])
        outside = new & (source < 0)
        if self.late is not None and number == self.end:
            return self.joined_late(hidden, here, place, torch.where(inside, source, here), outside)
        if not outside.any():
            return hidden[place.to(hidden.device)]
        given = self.start.hidden(number, here[outside]).to(hidden.device, hidden.dtype)
        if int(outside.sum()) == int(new.sum()) and len(here) == len(before) + len(given):
            return torch.cat([hidden, given])
        whole = hidden.new_empty(len(here), *hidden.shape[1:])
        there = ~outside
        whole[there.to(hidden.device)] = hidden[place[there].to(hidden.device)]
        whole[outside.to(hidden.device)] = given
        return whole

    def joined_late(self, hidden: Tensor, here: Tensor, place: Tensor, of: Tensor, outside: Tensor) -> Tensor:
        """Return what `joined` returns where only the positions `late` are left: of each row, its own.

        `here` are the rows, `place` and `of` where each lies in `hidden` and which row that is, `outside` those that
        are given.
        """
        whole = hidden.new_empty(len(here), *hidden.shape[1:])
        there = ~outside
        at = (self.late[of][:, None] == self.late[here][..., None]).int().argmax(-1)
        whole[there.to(hidden.device)] = taken(hidden[place[there].to(hidden.device)], at[there].to(hidden.device))
        if outside.any():
            given = self.start.hidden(self.end, here[outside]).to(hidden.device, hidden.dtype)
            own = (self.late[here[outside]] - self.start.position).to(hidden.device)
            whole[outside.to(hidden.device)] = taken(given, own)
        return whole


def taken(value: Tensor, at: Tensor) -> Tensor:
    """Return the tokens `at` [B, m] of a value [B or 1, T, width]."""
    value = value.expand(len(at), *value.shape[1:])
    return value.gather(1, at[..., None].expand(*at.shape, value.shape[-1]))


def first_hidden(schedule: Schedule) -> Tensor:
    """Return the hidden states that a pass which leaves out its first blocks begins with."""
    return schedule.start.hidden(schedule.begin, schedule.rows(schedule.begin))


def change_rows(schedule: Schedule, number: int) -> Callable:
    """Return a forward pre-hook of block `number` (or of what follows the last) that lets rows join and leave.

    Masks [B, heads, tokens, keys] are cut to as many rows: they are the same in every row of a batch.
    """

    def hook(module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        hidden, every = schedule.joined(number, args[0]), len(schedule.first)

        def cut(value):
            is_mask = isinstance(value, Tensor) and value.ndim == 4 and len(value) == every
            return value[: len(hidden)] if is_mask else value

        return (hidden, *map(cut, args[1:])), {name: cut(value) for name, value in kwargs.items()}

    return hook
