"""Integer scales as tokens: what to ask a model, and the expected score from what it answers. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Ids = tuple[int, ...]


def integers(scale: str) -> tuple[int, ...]:
    """The integers of a scale written `low..high`."""
    low, high = (int(part) for part in scale.split(".."))
    return tuple(range(low, high + 1))


@dataclass(frozen=True)
class Branches:
    """The integers of a scale as paths of tokens.

    `prefixes` are the beginnings behind which a model is asked for its next token, the empty one first; `children` are
    the tokens by which each goes on. An integer that another one begins with (1 and 10, where a token is a digit) ends
    with the probability that none of these follows.
    """

    paths: tuple[Ids, ...]
    prefixes: tuple[Ids, ...]
    children: tuple[Ids, ...]

    @staticmethod
    def of(paths: Sequence[Ids]) -> Branches:
        """The branches of the token paths of a scale's integers, in order."""
        follow: dict[Ids, dict[int, None]] = {(): {}}
        for path in paths:
            for end in range(len(path)):
                follow.setdefault(path[:end], {})[path[end]] = None
        ordered = sorted(follow, key=len)
        return Branches(tuple(paths), tuple(ordered), tuple(tuple(follow[p]) for p in ordered))

    @property
    def fan(self) -> int:
        return max(map(len, self.children))

    def chances(self, found: np.ndarray) -> np.ndarray:
        """Probabilities [..., integers] from those of the children [..., prefixes, fan]."""
        place = {prefix: i for i, prefix in enumerate(self.prefixes)}
        step = {
            (*prefix, token): found[..., i, k]
            for i, (prefix, tokens) in enumerate(zip(self.prefixes, self.children, strict=True))
            for k, token in enumerate(tokens)
        }
        chances = []
        for path in self.paths:
            chance = np.prod([step[path[: end + 1]] for end in range(len(path))], axis=0)
            if path in place:
                at = place[path]
                chance = chance * (1 - found[..., at, : len(self.children[at])].sum(-1))
            chances.append(chance)
        return np.stack(chances, -1)


def expected(chances: np.ndarray, scale: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Expected integer, and the probability that is on the scale, from probabilities [..., integers]."""
    mass = chances.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(mass > 0, chances @ np.array(scale, dtype=np.float64) / mass, np.nan), mass


def off_scale(mass: float) -> str:
    """Why a judge that says something else has given no score."""
    return f"the judge put {mass:.0%} of its probability on integers of the scale"
