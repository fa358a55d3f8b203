"""Principal components of vectors over items."""

import numpy as np

from ...compiler.kinds import Direction, Integer, Vector
from ..cells import literal, vectors
from ..cube import Cube
from ..errors import ProbeError
from ..reduction import row_axes, unit_axis
from ..registry import operation
from ..replicates import PLAIN, REPLICATE


@operation(axes="reduce", subject="x", nonlinear=True)
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
    rest = tuple(n for n in x.names if n not in rows)
    ordered = x.transpose((*rest, *rows))
    values, present = vectors(ordered, "pca"), ordered.present()
    weight = present.astype(np.float64)
    if share is not None:
        weight = weight * share[1][tuple(slice(None) if n == share[0] else None for n in rows)]
    lead, width = ordered.shape[: len(rest)], x.feature[0]
    result, missing = np.full((*lead, width), np.nan), np.full(lead, None, dtype=object)
    for cell in np.ndindex(lead):
        found = leading(values[cell].reshape(-1, width), weight[cell].reshape(-1), component + 1)
        if len(found) > component:
            result[cell] = found[component]
        else:
            missing[cell] = f"the vectors span fewer than {component + 1} dimensions"
    return Cube(ordered.axes[: len(rest)], result, None if np.equal(missing, None).all() else missing)


def leading(vectors: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """The first principal components [<= count, d] of vectors [n, d] with weights [n], signs fixed."""
    kept = weight > 0
    x, w = vectors[kept].astype(np.float64), weight[kept]
    if len(x) < 2:
        return np.empty((0, vectors.shape[1]))
    x = (x - w @ x / w.sum()) * np.sqrt(w)[:, None]
    _, sizes, axes = np.linalg.svd(x, full_matrices=False)
    axes = axes[: min(count, int((sizes > 1e-10 * max(sizes[0], 1e-300)).sum()))]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1)
    return axes * np.sign(largest)
