"""Principal components of vectors over items."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ...compiler.kinds import Direction, Integer, Vector
from ..cells import literal, vectors
from ..cube import Cube
from ..errors import ProbeError
from ..reduction import row_axes, unit_axis
from ..registry import operation
from ..replicates import PLAIN, REPLICATE


@operation(axes="reduce", subject="x", nonlinear=True, options=("component",))
def pca(x: Vector, component: Integer = 0, ctx=None) -> Direction:
    """Principal component of the vectors over items (both sides of a contrast), of norm one.

    `component` counts from 0, the direction of largest variance; the mean is taken off first. The sign is such that
    the entry of largest absolute value is positive. Missing where the vectors span too few dimensions. Raises
    `no-items`.
    """
    rows = row_axes(x)
    if not rows:
        raise ProbeError("no-items", "pca works on vectors over items, and there are none here")
    component = int(literal(component, "component"))
    unit = unit_axis(x, rows)
    weights = (ctx or PLAIN).weights(x.axis(unit)) if unit else None
    if weights is None:
        return _components(x, rows, component, None)
    parts = []
    for r, share in enumerate(weights):
        one = x.isel(REPLICATE, r) if REPLICATE in x.names else x
        parts.append(_components(one, rows, component, (unit, share)))
    missing = None
    if any(p.missing is not None for p in parts):
        missing = np.stack([np.full(p.shape, None, object) if p.missing is None else p.missing for p in parts])
    values = np.stack([p.values for p in parts])
    ctx.note(values[0].size)
    return Cube((ctx.replicate_axis(len(parts)), *parts[0].axes), values, missing)


def _components(x: Cube, rows: tuple[str, ...], component: int, share: tuple[str, np.ndarray] | None) -> Cube:
    rest = tuple(a for a in x.axes if a.name not in rows)
    shape, width = tuple(len(a) for a in rest), x.feature[0]
    result, missing = np.full((*shape, width), np.nan), np.full(shape, None, dtype=object)
    for cell in np.ndindex(shape):
        found = _of_cell(x, [a.name for a in rest], cell, rows, share, component + 1)
        if len(found) > component:
            result[cell] = found[component]
        else:
            missing[cell] = f"the vectors span fewer than {component + 1} dimensions"
    return Cube(rest, result, None if np.equal(missing, None).all() else missing)


def _of_cell(
    x: Cube, rest: list[str], cell: tuple[int, ...], rows: tuple[str, ...], share: tuple[str, np.ndarray] | None,
    count: int,
) -> np.ndarray:  # fmt: skip
    """The first principal components of the vectors of one cell; of many in files by the triangles of their blocks."""
    for name, index in zip(rest, cell, strict=True):
        x = x.isel(name, index)
    x, width = x.transpose(rows), x.feature[0]
    weight = x.present().astype(np.float64)
    if share is not None:
        weight = weight * share[1][tuple(slice(None) if n == share[0] else None for n in rows)]
    if x.along is None or weight.size <= 2 * width:
        return leading(vectors(x, "pca").reshape(-1, width), weight.reshape(-1), count)

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        first = x.position(x.along)
        for items, part in x.blocks(x.along):
            inside = weight[(slice(None),) * first + (items,)]
            yield vectors(part, "pca").reshape(-1, width), inside.reshape(-1)

    return leading_of_many(blocks, width, count)


def leading(vectors: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """The first principal components [<= count, d] of vectors [n, d] with weights [n], signs fixed."""
    kept = weight > 0
    x, w = vectors[kept].astype(np.float64), weight[kept]
    if len(x) < 2:
        return np.empty((0, vectors.shape[1]))
    x = (x - w @ x / w.sum()) * np.sqrt(w)[:, None]
    return _first(np.linalg.svd(x, full_matrices=False), count)


def leading_of_many(
    blocks: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]], width: int, count: int
) -> np.ndarray:
    """Like `leading`, of vectors and weights that come in blocks, twice; as accurate, since no squares are summed."""
    total, weight, some = np.zeros(width), 0.0, 0
    for rows, share in blocks():
        kept = share > 0
        total = total + share[kept] @ rows[kept].astype(np.float64)
        weight, some = weight + share.sum(), some + kept.sum()
    if some < 2:
        return np.empty((0, width))
    triangle, waiting = np.zeros((0, width)), []
    for rows, share in blocks():
        kept = share > 0
        waiting.append((rows[kept].astype(np.float64) - total / weight) * np.sqrt(share[kept])[:, None])
        if sum(map(len, waiting)) >= width:
            triangle, waiting = np.linalg.qr(np.concatenate([triangle, *waiting]), mode="r"), []
    return _first(np.linalg.svd(np.concatenate([triangle, *waiting]), full_matrices=False), count)


def _first(decomposed: tuple[np.ndarray, np.ndarray, np.ndarray], count: int) -> np.ndarray:
    """The first right singular vectors, where the values are not those of rounding, with their signs fixed."""
    _, sizes, axes = decomposed
    axes = axes[: min(count, int((sizes > 1e-10 * max(sizes[0], 1e-300)).sum()))]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1)
    return axes * np.sign(largest)
