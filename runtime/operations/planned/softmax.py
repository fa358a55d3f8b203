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
    """Path of representations from an activation along a direction, in one of two geometries."""


@operation(planned=True)
def merge_words(of: SteerPath, words: Dataset) -> Distribution:
    """Distribution with each base word merged into its counterpart."""


@operation("steering_path.ratio", planned=True)
def ratio(path: SteerPath, words: Dataset) -> Number:
    """Share of the target words' probability among base and target words, along a path."""


@operation(planned=True)
def bins(x: Number, count: Integer) -> Integer:
    """Number of the bin (1 to `count`, of equal width between 0 and 1) that each value falls into."""
