"""Compute modules for some tokens with a donor's weights, in the same pass. Knows tensors; not when it is called.

A weight matrix acts on each token by itself, and attention reads keys and values where they were made, so selecting per
token in one pass is what running token by token with the weights exchanged would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from .batch import Edit
from .donor import Donor, Grafted

if TYPE_CHECKING:
    from .forward import Engine


@dataclass(frozen=True, eq=False)
class Swap:
    """Take a module's input at n places (`take`), and put what the donor makes of it into the output (`put`)."""

    key: int
    what: Literal["take", "put"]
    donor: Donor
    module: Grafted
    rows: Tensor
    positions: Tensor
    batch: int  # rows of the batch

    def take(self, value: Tensor) -> Tensor:
        """Return the inputs at the places; where these are most of the batch all of it: the donor's bits, if all."""
        by_token = self._by_token(value)
        if 2 * len(self.rows) >= by_token.shape[0] * by_token.shape[1]:
            return value
        return by_token[self._places(by_token)]

    def put(self, value: Tensor, held: Tensor) -> Tensor:
        """Return a copy of the module's output with the donor's at the places."""
        new = self.donor.module(self.module.path)(held)
        if new.ndim == value.ndim:
            new = self._by_token(new)[self._places(self._by_token(new))]
        value = value.expand(self.batch, *value.shape[1:]).clone() if self.module.shared else value.clone()
        by_token = self._by_token(value)
        rows, positions = self.rows.to(value.device), self.positions.to(value.device)
        if self.module.columns is None:
            by_token[rows, positions] = new
        else:
            columns = torch.tensor(self.module.columns, device=value.device)
            by_token[rows[:, None], positions[:, None], columns] = new[:, columns]
        return value

    def _by_token(self, value: Tensor) -> Tensor:
        return value.transpose(1, 2) if self.module.layout == "head_token" else value

    def _places(self, by_token: Tensor) -> tuple[Tensor, Tensor]:
        rows = torch.zeros_like(self.rows) if self.module.shared and len(by_token) == 1 else self.rows
        return rows.to(by_token.device), self.positions.to(by_token.device)


def donated_logits(engine: Engine, hidden: Tensor, read, edits: Sequence[Edit], logits: Tensor, tokens: int) -> Tensor:
    """Return a read's logits [n, vocabulary] with those of donors' unembeddings at the places that edits name."""
    at = read.rows * tokens + read.positions
    for edit in edits:
        mine = torch.isin(at, edit.rows * tokens + edit.positions).to(logits.device)
        if bool(mine.any()):
            head = edit.donor.module(engine.model.sites.unembed)
            logits = logits.clone()
            logits[mine] = engine.unembed(hidden[mine.to(hidden.device)], head)
    return logits
