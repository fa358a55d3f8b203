"""The geometry of the softmax: dual maps and steering paths."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import Activation, Dataset, Direction, Distribution, Integer, Number, SteerPath, Text, Vector
from ...registry import operation


@operation(work="run", open_model=True, planned=True)
def dual_map(activation: Activation) -> Vector:
    """Expected unembedding row under the next-token distribution of a `final_norm` activation."""


@operation(work="run", open_model=True, planned=True)
def steer_path(
    start: Activation, *, along: Direction, geometry: Literal["euclidean", "dual"] | Text, steps: Integer = 2000,
    rate: Number | None = None, damping: Number = 5e-3, top_k: Integer = 20000,
) -> SteerPath:  # fmt: skip
    """Path of representations that starts at a `final_norm` activation and follows a direction.

    "euclidean" adds the direction step by step; "dual" moves so that the expected unembedding row follows it, by a
    damped natural-gradient step over the `top_k` likeliest tokens.
    """


@operation(planned=True)
def merge_words(of: SteerPath, words: Dataset) -> Distribution:
    """Distribution in which each word of the column `base` has the probability of its `target` added to its own."""


@operation("steering_path.ratio", planned=True)
def ratio(path: SteerPath, words: Dataset) -> Number:
    """Probability of the `target` words among that of `base` and `target` words together, along a path, of 0 to 1."""


@operation(planned=True)
def bins(x: Number, count: Integer) -> Integer:
    """Number of the bin (1 to `count`, of equal width between 0 and 1) that each value falls into."""
