"""What rows leave behind for the rows that start from them: hidden states, keys and values, for as long as needed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..compiler.physical import PhysicalStage, depth_of_rows
from .engine import Keep, Read, Start
from .sites import SiteRef


@dataclass
class Wanted:
    """The rows of a batch whose hidden states before a block, and whose keys and values, later batches need."""

    hidden: dict[int, np.ndarray] = field(default_factory=dict)
    keys: dict[int, np.ndarray] = field(default_factory=dict)


@dataclass
class Carry:
    """Hold what batches of a stage leave for later ones; each part is let go after the last batch that needs it."""

    stage: PhysicalStage
    batch_of: np.ndarray
    wanted: dict[int, Wanted] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    held: dict[tuple[str, int, int], Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        starts, depth = self.stage.starts, depth_of_rows(self.stage)
        for index, rows in enumerate(self.stage.batches):
            if starts.source[rows[0]] < 0:
                continue
            layer, position = starts.of_batch(rows)
            sources = np.unique(starts.source[rows])
            for home in np.unique(self.batch_of[sources]):
                mine = sources[self.batch_of[sources] == home]
                self.last[int(home)] = index
                wanted = self.wanted.setdefault(int(home), Wanted())
                if layer:
                    wanted.hidden[layer] = np.union1d(wanted.hidden.get(layer, mine), mine)
                for block in range(layer, int(depth[rows].max())) if position else ():
                    wanted.keys[block] = np.union1d(wanted.keys.get(block, mine), mine)

    def reads(self, index: int, place: np.ndarray) -> tuple[tuple[Read, ...], tuple[Keep, ...]]:
        """What a batch must be asked for the sake of later ones."""
        wanted, first = self.wanted.get(index, Wanted()), self.first_token(index)
        reads = []
        for layer, rows in wanted.hidden.items():
            length = self.stage.rows.lengths[rows] - first
            at = np.repeat(place[rows], length)
            token = np.arange(len(at)) - np.repeat(np.cumsum(length) - length, length) + first
            reads.append(Read(("hidden", layer), SiteRef("resid_post", layer - 1), tensor(at), tensor(token), raw=True))
        keeps = (Keep(("keys", block), block, tensor(place[rows])) for block, rows in wanted.keys.items())
        return tuple(reads), tuple(keeps)

    def take(self, index: int, found: dict) -> None:
        """Hold what a batch has left, and let go what no later batch needs."""
        wanted, first = self.wanted.get(index, Wanted()), self.first_token(index)
        for layer, rows in wanted.hidden.items():
            length = self.stage.rows.lengths[rows] - first
            flat = found["hidden", layer]
            whole = flat.new_zeros(len(rows), int(length.max()), flat.shape[-1])
            mask = torch.arange(whole.shape[1])[None] < tensor(length)[:, None]
            whole[mask.to(flat.device)] = flat
            self.held["hidden", index, layer] = whole
        for block in wanted.keys:
            self.held["keys", index, block] = found["keys", block]
        for home in [home for home, last in self.last.items() if last <= index]:
            del self.last[home]
            self.held = {key: value for key, value in self.held.items() if key[1] != home}

    def start(self, index: int, tokens: int) -> Start:
        """Where a batch of padded length `tokens` starts, with what its sources left."""
        rows, starts = self.stage.batches[index], self.stage.starts
        source = starts.source[rows]
        if source[0] < 0:
            return Start()
        layer, position = starts.of_batch(rows)
        hidden = None
        if layer:
            hidden = self.gathered("hidden", layer, source, position, tokens)
        return Start(layer, position, hidden, lambda block: self.gathered("keys", block, source, 0, position))

    def gathered(self, what: str, layer: int, source: np.ndarray, first: int, stop: int) -> Tensor:
        """Tokens `first` to `stop` of what was held of each source row, [rows, …, tokens, width]."""
        homes = self.batch_of[source]
        out: Tensor | None = None
        for home in np.unique(homes):
            mine = np.flatnonzero(homes == home)
            wanted = self.wanted[int(home)]
            known = (wanted.hidden if what == "hidden" else wanted.keys)[layer]
            value = self.held[what, int(home), layer]
            offset = self.first_token(int(home)) if what == "hidden" else 0
            part = value[..., first - offset : stop - offset, :]
            part = part[tensor(np.searchsorted(known, source[mine])).to(value.device)]
            if len(mine) == len(source) and part.shape[-2] == stop - first:
                return part
            if out is None:
                out = part.new_zeros(len(source), *part.shape[1:-2], stop - first, part.shape[-1])
            out[tensor(mine).to(out.device), ..., : part.shape[-2], :] = part.to(out.device)
        return out

    def first_token(self, index: int) -> int:
        """The token that a batch begins with."""
        return self.stage.starts.of_batch(self.stage.batches[index])[1]


def tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64))
