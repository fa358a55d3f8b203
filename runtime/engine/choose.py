"""Choose the next token of every row from its logits. Knows numbers; nothing of models, texts or seeds.

A row draws by the inverse of its cumulative distribution over token ids, in float64, from a number that it brings
along: so its choice depends on no other row.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Sampling:
    """How each row chooses: tensors [n] of float64. Temperature 0 takes the likeliest token, the first of equals.

    `penalty` divides positive logits, and multiplies negative ones, of tokens that the row has already, its prompt
    included (Keskar et al. 2019, arXiv:1909.05858). `top_p` leaves the likeliest tokens that together reach it
    (Holtzman et al. 2020, arXiv:1904.09751).
    """

    temperature: Tensor
    top_p: Tensor
    penalty: Tensor

    def take(self, rows: Tensor) -> Sampling:
        """Return some of the rows."""
        return Sampling(self.temperature[rows], self.top_p[rows], self.penalty[rows])

    @property
    def penalises(self) -> bool:
        return bool((self.penalty != 1).any())


def choose(logits: Tensor, sampling: Sampling, uniform: Tensor, seen: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return token ids [n] and how close each choice was [n], for logits [n, vocabulary] and numbers [n] in [0, 1).

    `seen` [n, vocabulary] marks the tokens that a row has; it is needed where rows have a penalty. The closeness is
    the change of logits, relative to the row's largest one, below which the choice cannot flip: for the likeliest
    token half its lead, for a draw twice the temperature times the distance to the next edge of the distribution.
    """
    scale = logits.abs().amax(-1).double().clamp_min(torch.finfo(torch.float64).tiny)
    if seen is not None:
        wide, penalty = logits.double(), sampling.penalty[:, None]
        logits = torch.where(seen, torch.where(wide > 0, wide / penalty, wide * penalty), wide)
    ids, close = torch.empty(len(logits), dtype=torch.long, device=logits.device), torch.empty_like(scale)
    likeliest = sampling.temperature == 0
    greedy, drawn = likeliest.nonzero()[:, 0], (~likeliest).nonzero()[:, 0]
    if len(greedy):
        mine = logits if not len(drawn) else logits[greedy]
        best = mine.topk(min(2, mine.shape[-1]), -1)
        lead = (best.values[:, 0] - best.values[:, -1]).double()
        ids[greedy], close[greedy] = best.indices[:, 0], lead / 2 / scale[greedy]
        for row in greedy[lead == 0].tolist():
            ids[row] = (logits[row] == logits[row].max()).nonzero()[0, 0]
    if len(drawn):
        part = sampling.take(drawn)
        ids[drawn], edge = draw(logits[drawn].double(), part, uniform[drawn])
        close[drawn] = 2 * part.temperature * edge / scale[drawn]
    return ids, close


def draw(wide: Tensor, sampling: Sampling, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Return ids [n] drawn from softmax(logits / temperature) over the nucleus, and distances [n] to the next edge."""
    p = torch.softmax(wide / sampling.temperature[:, None], -1)
    edge = torch.full_like(uniform, torch.inf)
    cut = (sampling.top_p < 1).nonzero()[:, 0]
    if len(cut):
        most = sampling.top_p[cut, None]
        ordered, order = p[cut].sort(dim=-1, descending=True, stable=True)
        reached = ordered.cumsum(-1)
        kept = reached - ordered < most
        edge[cut] = (reached - most).abs().amin(-1)
        p[cut] = torch.where(torch.zeros_like(kept).scatter(-1, order, kept), p[cut], 0.0)
    total = p.cumsum(-1)
    target = uniform * total[:, -1]
    last = (p > 0).long().cumsum(-1).argmax(-1)
    ids = torch.minimum((total <= target[:, None]).sum(-1), last)
    above = total.gather(-1, ids[:, None])[:, 0]
    below = above - p.gather(-1, ids[:, None])[:, 0]
    return ids, torch.minimum(edge, torch.minimum(target - below, above - target) / total[:, -1]).clamp_min(0)
