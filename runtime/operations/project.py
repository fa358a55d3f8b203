"""Coordinates of vectors in a few dimensions, for looking at."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from ...compiler.kinds import Boolean, Integer, Number, Text, Vector
from ..cells import literal, vectors
from ..cube import Axis, Cube
from ..errors import ProbeError
from ..reduction import row_axes
from ..registry import operation
from .pca import leading


@operation(
    axes="broadcast", subject="x", apart=("fitted_on", "y"), adds=(("component", "computed"),), options=("components",)
)
def project(
    x: Vector, *, method: Literal["pca", "lda"] = "pca", fitted_on: Vector | None = None,
    y: Text | Boolean | Number | None = None, components: Integer = 2,
) -> Number:  # fmt: skip
    """Coordinates of each vector along the first `components` axes of a fit, on a further axis `component` (0, 1, …).

    "pca" takes the directions of largest variance; "lda" those that separate the labels `y` of the items best, of
    which there are one fewer than labels. The fit is on the items of `fitted_on` (else of x itself, where the labels
    separate better than they would on new items), for each cell of the other axes, with its mean taken off. Signs are
    such that the largest entry of each axis is positive.

    Missing where x is, and where the fit has fewer dimensions. Raises `no-items`, `labels-needed`, `widths-differ`.
    """
    method, components = literal(method, "method"), int(literal(components, "components"))
    basis = x if fitted_on is None else fitted_on
    if basis.feature != x.feature:
        raise ProbeError("widths-differ", "project was fitted on vectors of another width")
    if not row_axes(basis):
        raise ProbeError("no-items", "project is fitted on vectors over items, and there are none here")
    if method == "lda" and y is None:
        raise ProbeError("labels-needed", "lda separates labels, and there are none", "give y=…, one label per item")
    rest = tuple(a for a in x.axes if a.name not in row_axes(x))
    rows = tuple(a for a in x.axes if a.name in row_axes(x))
    shape = tuple(len(a) for a in (*rest, *rows))
    ordered = x.transpose([a.name for a in (*rest, *rows)])
    values, missing = np.full((*shape, components), np.nan), np.full((*shape, components), None, dtype=object)
    for cell in np.ndindex(shape[: len(rest)]):
        sample, labels = _sample(basis, y, rest, cell)
        into = _fit(sample, labels, method, components)
        found = into(vectors(ordered, "project")[cell].reshape(-1, x.feature[0]))
        values[cell][..., : found.shape[1]] = found.reshape(*shape[len(rest) :], -1)
        missing[cell][..., found.shape[1] :] = f"the fit has {found.shape[1]} dimensions"
    if ordered.missing is not None:
        missing = np.where(ordered.present()[..., None], missing, ordered.missing[..., None])
        values[~ordered.present()] = np.nan
    axes = (*rest, *rows, Axis("component", tuple(range(components)), "computed"))
    return Cube(axes, values, None if np.equal(missing, None).all() else missing)


def _sample(basis: Cube, y: Cube | None, rest: tuple[Axis, ...], cell: tuple[int, ...]):
    """Vectors [n, d] of the cell to fit on, and their labels [n] or None."""
    for axis, index in zip(rest, cell):
        label = axis.labels[index]
        basis = basis.sel(axis.name, label) if axis.name in basis.names else basis
        y = y.sel(axis.name, label) if y is not None and axis.name in y.names else y
    there = basis.present()
    if y is None:
        return vectors(basis, "project")[there], None
    lost = [name for name in y.names if name not in basis.names]
    if lost:
        raise ProbeError(
            "option-varies", f"y has the axis {lost[0]}, which the vectors do not have", "give one label per item"
        )
    y = y.expand(basis.axes)
    there = there & y.present()
    return vectors(basis, "project")[there], np.array([str(v) for v in y.values[there]], dtype=str)


def _fit(sample: np.ndarray, labels: np.ndarray | None, method: str, components: int) -> Callable:
    """A function from vectors [n, d] to coordinates [n, <= components]."""
    if method == "pca":
        axes = leading(sample, np.ones(len(sample)), components)
        mean = sample.mean(0) if len(sample) else 0.0
        return lambda x: (x - mean) @ axes.T
    if len(set(labels)) < 2:
        return lambda x: np.empty((len(x), 0))
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    fitted = LinearDiscriminantAnalysis(solver="svd").fit(sample, labels)
    scalings = fitted.scalings_[:, : min(components, len(fitted.classes_) - 1)]
    signs = np.sign(scalings[np.abs(scalings).argmax(0), np.arange(scalings.shape[1])])
    return lambda x: (x - fitted.xbar_) @ (scalings * signs)
