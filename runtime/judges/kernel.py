"""A judge's score as a kernel on logits: probabilities of the scale's tokens, joined to an expected integer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..cube import Cube
from ..lowering.state import Judged, Lowered
from .scale import expected, off_scale


@dataclass
class JudgeKernel:
    """Measure the children of each beginning; the cells that come out are those of the texts."""

    judged: Judged
    work: Lowered

    @property
    def fan(self) -> int:
        return self.judged.branches.fan

    @property
    def plain(self) -> dict[str, object]:
        """Its arguments; since they are no plain values, the store keeps scores whole and not item by item."""
        return {"judged": self.judged}

    def apply(self, logits: torch.Tensor, slots: np.ndarray) -> np.ndarray:
        """Probabilities [n, fan] of the next tokens of integers, from logits [n, vocabulary] of some slots."""
        children = self.judged.branches.children
        begins = self.work.cell[slots] % len(children)
        ids = np.zeros((len(children), self.fan), dtype=np.int64)
        for row, tokens in zip(ids, children, strict=True):
            row[: len(tokens)] = tokens
        index = torch.from_numpy(ids[begins]).to(logits.device)
        return logits.double().softmax(-1).gather(-1, index).cpu().numpy()

    def cube(self, values: np.ndarray, missing: np.ndarray | None) -> Cube:
        """Scores, or the probability on the scale, from values [axes, beginnings, fan]."""
        asked = self.judged.questions
        score, mass = expected(self.judged.branches.chances(values), asked.scale)
        reasons = np.full(score.shape, None, dtype=object) if missing is None else np.array(missing[..., 0])
        if asked.give == "score":
            for cell in map(tuple, np.argwhere(np.equal(reasons, None) & ~(mass >= asked.least))):
                reasons[cell] = off_scale(float(mass[cell]))
        there = np.equal(reasons, None)
        found = np.where(there, score if asked.give == "score" else mass, np.nan)
        return Cube(asked.axes, found, None if there.all() else reasons)
