"""Replicates: sets of item weights or of swapped sides, under which a whole expression is evaluated again.

Bootstrap, jackknife, folds and label permutation are choices of weights (semantics 14). Draws depend only on the seed
and on the labels of the axis, in blocks, so that the same items get the same weights in every part of an expression
and a division into chunks never changes a number. How weights enter a reduction is told in `reduction`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal

import numpy as np

from .cube import Axis, Cube
from .errors import ProbeError

REPLICATE = "replicate"
_BLOCK = 64  # replicates drawn from one stream of random numbers
_BUDGET = 2**24  # floats that one chunk of replicates may take in its largest value


@dataclass(frozen=True)
class Scheme:
    """A way of reweighting items. `n` counts replicates, or folds; a jackknife has as many as there are units.

    `cluster` names a column of the item axis whose equal values move together. `start` and `stop` cut out a chunk.
    """

    kind: Literal["bootstrap", "jackknife", "folds", "permutation"]
    n: int = 1000
    cluster: str | None = None
    start: int = 0
    stop: int | None = None


@dataclass(frozen=True)
class Context:
    """What a reducer needs to know of the evaluation it is part of: the seed and the replicates, if there are any."""

    seed: int = 0
    replicates: Scheme | None = None
    sizes: list[int] | None = field(default=None, compare=False, repr=False)
    counts: list[Cube] | None = field(default=None, compare=False, repr=False)
    origins: dict[tuple, list[str]] = field(default_factory=dict, compare=False, repr=False)

    def weights(self, axis: Axis) -> np.ndarray | None:
        """Return weights [R, n] for the items of `axis`, or None when every item counts once."""
        scheme = self.replicates
        if scheme is None or scheme.kind == "permutation":
            return None
        names, member = units(axis, scheme.cluster)
        self.count(Cube((), np.array(len(names))))
        return _weights(scheme, self.seed, names, self.apart(axis, names))[:, member]

    def flips(self, axis: Axis) -> np.ndarray | None:
        """Return signs [R, n], -1 where the two sides of an item are swapped, or None when none is."""
        scheme = self.replicates
        if scheme is None or scheme.kind != "permutation":
            return None
        names, member = units(axis, scheme.cluster)
        draws = _blocks(scheme, (self.seed, "flips", *names), lambda rng: rng.integers(0, 2, (_BLOCK, len(names))))
        return (2.0 * draws - 1.0)[:, member]

    def apart(self, axis: Axis, names: tuple[Hashable, ...]) -> int:
        """How many other data with the same keys were met before: their items are others, and are drawn apart."""
        scheme = self.replicates
        if scheme.kind != "bootstrap" or scheme.cluster not in (None, axis.name):
            return 0
        met = self.origins.setdefault(names, [])
        if axis.origin not in met:
            met.append(axis.origin)
        return met.index(axis.origin)

    def plain(self) -> Context:
        """The same evaluation without replicates."""
        return replace(self, replicates=None)

    def replicate_axis(self, count: int) -> Axis:
        """The axis over the `count` replicates of this context."""
        start = self.replicates.start if self.replicates else 0
        return Axis(REPLICATE, tuple(range(start, start + count)), "computed")

    def note(self, size: int) -> None:
        """Record how many floats a value takes, so that the replicates can be cut into chunks that fit."""
        if self.sizes is not None:
            self.sizes.append(size)

    def count(self, units: Cube) -> None:
        """Record from how many units each cell of a reduction comes, since one unit tells nothing of its spread."""
        if self.counts is not None:
            self.counts.append(units)


PLAIN = Context()


def generator(*parts: Hashable) -> np.random.Generator:
    """A random generator that is a function of the text of `parts` alone."""
    digest = sha256("\x1f".join(map(str, parts)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


def units(axis: Axis, cluster: str | None) -> tuple[tuple[Hashable, ...], np.ndarray]:
    """Return what is drawn (labels, or the distinct values of a column) and the unit that each label belongs to."""
    if cluster is None or cluster == axis.name:
        return axis.labels, np.arange(len(axis))
    if cluster not in axis.coords:
        known = ", ".join(axis.coords) or "none"
        raise ProbeError("unknown-column", f"items have no column {cluster} to cluster by", f"the columns are {known}")
    if gone := sum(v is None for v in axis.coords[cluster]):
        message = f"{gone} of {len(axis)} items have no value in the column {cluster}, so they are in no cluster"
        raise ProbeError("missing-cluster", message, "keep the items that have one")
    names = tuple(dict.fromkeys(axis.coords[cluster]))
    place = {name: i for i, name in enumerate(names)}
    return names, np.array([place[v] for v in axis.coords[cluster]], dtype=int)


def _weights(scheme: Scheme, seed: int, names: tuple[Hashable, ...], apart: int) -> np.ndarray:
    n = len(names)
    if scheme.kind == "jackknife":
        return (1.0 - np.eye(n))[scheme.start : scheme.stop]
    if scheme.kind == "folds":
        fold = np.empty(n, dtype=int)
        fold[generator(seed, "folds", *names).permutation(n)] = np.arange(n) % scheme.n
        return (fold[None, :] != np.arange(scheme.n)[:, None]).astype(np.float64)[scheme.start : scheme.stop]
    key = (seed, "bootstrap", *names) if not apart else (seed, "bootstrap", "apart", apart, *names)
    return _blocks(scheme, key, lambda rng: _multinomial(rng, n))


def _multinomial(rng: np.random.Generator, n: int) -> np.ndarray:
    """Counts [_BLOCK, n] of drawing n of n with replacement."""
    drawn = rng.integers(0, max(n, 1), (_BLOCK, n)) + n * np.arange(_BLOCK)[:, None]
    return np.bincount(drawn.ravel(), minlength=_BLOCK * n).reshape(_BLOCK, n).astype(np.float64)


def _blocks(scheme: Scheme, key: tuple, draw: Callable[[np.random.Generator], np.ndarray]) -> np.ndarray:
    """Draw the blocks that cover the chunk, each from a stream of its own, and cut out the chunk."""
    stop = scheme.n if scheme.stop is None else scheme.stop
    first = scheme.start // _BLOCK
    drawn = [draw(generator(block, *key)) for block in range(first, -(-stop // _BLOCK))]
    return np.concatenate(drawn)[scheme.start - first * _BLOCK : stop - first * _BLOCK]


def chunks(
    evaluate: Callable[[Context], Cube], scheme: Scheme, seed: int, counts: list[Cube] | None = None
) -> Iterator[Cube]:
    """Evaluate under the replicates of `scheme`, chunk by chunk; yields nothing when no item is weighted anywhere.

    A first evaluation of one replicate measures how large the values get, and fills `counts` with the units that each
    reduction saw. Each cube has `replicate` as first axis.
    """
    if scheme.kind == "jackknife":
        whole = evaluate(Context(seed, scheme))
        if REPLICATE in whole.names:
            yield _leading(whole)
        return
    sizes: list[int] = []
    trial = evaluate(Context(seed, replace(scheme, start=0, stop=1), sizes, counts))
    if REPLICATE not in trial.names:
        return
    width = min(max(_BUDGET // max(sizes, default=1), 1), scheme.n)
    for start in range(0, scheme.n, width):
        part = replace(scheme, start=start, stop=min(start + width, scheme.n))
        yield _leading(evaluate(Context(seed, part)))


def replay(
    evaluate: Callable[[Context], Cube], scheme: Scheme, seed: int, counts: list[Cube] | None = None
) -> Cube | None:
    """Evaluate under all replicates of `scheme`; None when nothing in the expression depends on them."""
    parts = list(chunks(evaluate, scheme, seed, counts))
    if not parts:
        return None
    labels = tuple(label for p in parts for label in p.axes[0].labels)
    missing = None
    if any(p.missing is not None for p in parts):
        missing = np.concatenate([np.full(p.shape, None, object) if p.missing is None else p.missing for p in parts])
    axes = (Axis(REPLICATE, labels, "computed"), *parts[0].axes[1:])
    return Cube(axes, np.concatenate([p.values for p in parts]), missing)


def _leading(x: Cube) -> Cube:
    return x.transpose((REPLICATE, *(n for n in x.names if n != REPLICATE)))
