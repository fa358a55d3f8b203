"""What rows leave behind for the rows that start from them: hidden states, keys and values, for as long as needed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..compiler.physical import PhysicalStage, depth_of_rows
from ..compiler.tails import Places
from .engine import Keep, Read, Start
from .sites import SiteRef


@dataclass
class Wanted:
    """The rows of a batch whose hidden states before a block, and whose keys and values, later batches need."""

    hidden: dict[int, np.ndarray] = field(default_factory=dict)
    keys: dict[int, np.ndarray] = field(default_factory=dict)


@dataclass
class Carry:
    """Hold what batches of a stage leave for later ones; each part is let go after the last batch that needs it.

    `widths` are those of `tail_widths`: of rows whose last block ran for their `places` alone, these are held.
    """

    stage: PhysicalStage
    batch_of: np.ndarray
    widths: np.ndarray
    places: Places
    wanted: dict[int, Wanted] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    held: dict[tuple[str, int, int], Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        starts, self.depth = self.stage.starts, depth_of_rows(self.stage)
        self.inside, self.outside = starts.origins(self.batch_of)
        for index, rows in enumerate(self.stage.batches):
            late = rows[self.outside[rows] >= 0]
            given = late[(starts.layer[late] > 0) & (self.inside[late] < 0)]
            for layer in np.unique(starts.layer[given]):
                self.want("hidden", int(layer), self.outside[given[starts.layer[given] == layer]], index)
            for block in range(int(starts.layer[late].min()), int(self.depth[late].max())) if self.first(index) else ():
                there = (starts.layer[late] <= block) & (self.depth[late] > block)
                self.want("keys", block, self.outside[late[there]], index)

    def want(self, what: str, block: int, rows: np.ndarray, index: int) -> None:
        """Note that the batch `index` needs hidden states before a block, or keys at it, of some rows."""
        rows = np.unique(rows)
        for home in np.unique(self.batch_of[rows]):
            table = getattr(self.wanted.setdefault(int(home), Wanted()), what)
            mine = rows[self.batch_of[rows] == home]
            table[block] = np.union1d(table.get(block, mine), mine)
            self.last[int(home)] = index

    def reads(self, index: int, place: np.ndarray) -> tuple[tuple[Read, ...], tuple[Keep, ...]]:
        """What a batch must be asked for the sake of later ones."""
        wanted, reads = self.wanted.get(index, Wanted()), []
        for layer, rows in wanted.hidden.items():
            of, token = self.tokens(index, layer, rows)
            at = place[rows[of]]
            reads.append(Read(("hidden", layer), SiteRef("resid_post", layer - 1), tensor(at), tensor(token), raw=True))
        keeps = (Keep(("keys", block), block, tensor(place[rows])) for block, rows in wanted.keys.items())
        return tuple(reads), tuple(keeps)

    def tokens(self, index: int, layer: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of `rows` of a batch, and at which of their tokens, leave their hidden states before a block."""
        first, batch = self.first(index), self.stage.batches[index]
        if self.widths[index] and layer == self.depth[batch].max():
            of = np.searchsorted(rows, self.places.row)
            mine = (of < len(rows)) & (rows[np.minimum(of, len(rows) - 1)] == self.places.row)
            return of[mine], self.places.position[mine]
        length = self.stage.rows.lengths[rows] - first
        of = np.repeat(np.arange(len(rows)), length)
        return of, np.arange(len(of)) - np.repeat(np.cumsum(length) - length, length) + first

    def take(self, index: int, found: dict) -> None:
        """Hold what a batch has left, and let go what no later batch needs."""
        wanted, first = self.wanted.get(index, Wanted()), self.first(index)
        for layer, rows in wanted.hidden.items():
            flat, (of, token) = found["hidden", layer], self.tokens(index, layer, rows)
            whole = flat.new_zeros(len(rows), int(self.stage.rows.lengths[rows].max()) - first, flat.shape[-1])
            whole[tensor(of).to(flat.device), tensor(token - first).to(flat.device)] = flat
            self.held["hidden", index, layer] = whole
        for block in wanted.keys:
            self.held["keys", index, block] = found["keys", block]
        for home in [home for home, last in self.last.items() if last <= index]:
            del self.last[home]
            self.held = {key: value for key, value in self.held.items() if key[1] != home}

    def start(self, index: int, place: np.ndarray, tokens: int) -> Start:
        """Where the rows of a batch of padded length `tokens` start, with what their sources left."""
        rows, starts = self.stage.batches[index], self.stage.starts
        if not (starts.source[rows] >= 0).any():
            return Start()
        outside, inside, first = self.outside[rows], self.inside[rows], self.first(index)
        return Start(
            tensor(starts.layer[rows]),
            first,
            tensor(np.where(inside >= 0, place[np.maximum(inside, 0)], -1)),
            lambda layer, some: self.gathered("hidden", layer, outside[some.numpy()], first, tokens),
            lambda block, some: self.gathered("keys", block, outside[some.numpy()], 0, first),
        )

    def gathered(self, what: str, block: int, source: np.ndarray, first: int, stop: int) -> Tensor:
        """Tokens `first` to `stop` of what was held of each source row, [rows, …, tokens, width]."""
        homes = self.batch_of[source]
        out: Tensor | None = None
        for home in np.unique(homes):
            mine = np.flatnonzero(homes == home)
            known = getattr(self.wanted[int(home)], what)[block]
            value = self.held[what, int(home), block]
            offset = self.first(int(home)) if what == "hidden" else 0
            part = value[..., first - offset : stop - offset, :]
            part = part[tensor(np.searchsorted(known, source[mine])).to(value.device)]
            if len(mine) == len(source) and part.shape[-2] == stop - first:
                return part
            if out is None:
                out = part.new_zeros(len(source), *part.shape[1:-2], stop - first, part.shape[-1])
            out[tensor(mine).to(out.device), ..., : part.shape[-2], :] = part.to(out.device)
        return out

    def first(self, index: int) -> int:
        """The token that a batch begins with."""
        return self.stage.starts.first_token(self.stage.batches[index])


def tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64))
