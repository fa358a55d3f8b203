"""The random numbers of texts: functions of the seed and of what a text is of, on any machine."""

from __future__ import annotations

import numpy as np

from ..cube import Axis
from ..determinism import derive_seed


def uniforms(seeds: tuple[int, int], item: str, sample: int, written_before: int, count: int) -> np.ndarray:
    """Numbers [count] in [0, 1), one for each token, of 53 bits from Philox (Salmon et al. 2011).

    The seeds are those of the run and of `generate`; `written_before` counts the models that wrote the prompt, so that
    a text and what answers it draw apart.
    """
    key = derive_seed("generate", *seeds, item, sample, written_before)
    raw = np.random.Philox(key=key).random_raw(count)
    return (raw >> np.uint64(11)) * 2.0**-53


def names(axes: tuple[Axis, ...], cells: np.ndarray) -> list[tuple[str, int]]:
    """Item and sample of each cell, by which it draws; what has none is item "" and sample 0."""
    at = np.unravel_index(cells, [len(a) for a in axes]) if axes else ()
    found = {a.name: [a.labels[i] for i in index] for a, index in zip(axes, at, strict=True) if a.kind == "data"}
    items = [str(x) for x in found["item"]] if "item" in found else [""] * len(cells)
    samples = [int(x) for x in found["sample"]] if "sample" in found else [0] * len(cells)
    return list(zip(items, samples, strict=True))
