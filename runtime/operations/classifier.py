"""Linear classifiers of vectors, fitted on some items and asked about others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ...compiler.kinds import Boolean, Classifier, Integer, Number, Test, Text, Vector
from ..cells import literal, vectors
from ..cube import Axis, Cube, union_axes
from ..errors import ProbeError
from ..intervals import summarise_items
from ..record import Record
from ..reduction import SIDE
from ..registry import operation


@dataclass(frozen=True, eq=False)
class Fitted:
    """One fitted estimator per cell, with what it was fitted on. `estimators` is a cube of scikit-learn pipelines."""

    estimators: Cube
    x: Cube
    y: Cube | None
    folds: int
    seed: int

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes along which there are separate classifiers."""
        return self.estimators.axes

    def isel(self, name: str, index: int | np.ndarray) -> Fitted:
        """Take one position, or several, of an axis."""
        x, y = (c if c is None or name not in c.names else c.isel(name, index) for c in (self.x, self.y))
        return replace(self, estimators=self.estimators.isel(name, index), x=x, y=y)

    def sel(self, name: str, label: object) -> Fitted:
        """Select one label of an axis."""
        return self.isel(name, self.estimators.axis(name).index(label))

    def correct(self, x: Cube, y: Cube | None = None) -> Cube:
        """See the operation `classifier.correct`."""
        return correct(self, x, y)

    def accuracy(self) -> Record:
        """See the operation `classifier.accuracy`."""
        return accuracy(self)


@operation(
    axes="reduce-items",
    subject="x",
    nonlinear=True,
    source="Alain and Bengio 2016, arXiv:1610.01644",
    options=("folds", "seed", "strength", "scale"),
)
def classifier(
    kind: Literal["logistic", "lda", "ridge"], x: Vector, y: Text | Boolean | Number | None = None, *,
    folds: Integer = 5, seed: Integer = 0, strength: Number = 1.0, scale: Boolean = False,
) -> Classifier:  # fmt: skip
    """Fit a linear classifier of the vectors x to the labels y of their items, one for each cell of the other axes.

    `kind`: "logistic" (L2-regularised, at most 1,000 steps), "lda" (linear discriminants, singular values) or "ridge".
    The two sides of a contrast count as items, and without y they are the labels. `strength` is the inverse weight of
    the penalty (scikit-learn's C; 1/alpha for ridge; lda has none), `scale` standardises each component first. `folds`
    and `seed` are for `.accuracy()`. Items that miss x or y are left out; a cell with one label or none is missing.

    Ask with `.correct(x, y)` about items that were not used for fitting, or with `.accuracy()` by cross-validation: on
    the items it was fitted on, a classifier with more components than items is always right. Raises `no-items`,
    `labels-needed`.
    """
    options = (literal(kind, "kind"), float(literal(strength, "strength")), bool(literal(scale, "scale")))
    layout = _layout(x, y)
    shape = tuple(len(a) for a in layout.cells)
    estimators, missing = np.empty(shape, dtype=object), np.full(shape, None, dtype=object)
    for cell in np.ndindex(shape):
        rows, labels, _ = layout.rows(cell)
        missing[cell] = _unfit(labels)
        if missing[cell] is None:
            estimators[cell] = _estimator(*options).fit(rows, labels)
    fitted = Cube(layout.cells, estimators, None if np.equal(missing, None).all() else missing)
    return Fitted(fitted, x, y, int(literal(folds, "folds")), int(literal(seed, "seed")))


@operation("classifier.correct", axes="broadcast", subject="x", apart=("fitted",))
def correct(fitted: Classifier, x: Vector, y: Text | Boolean | Number | None = None) -> Boolean:
    """Whether the classifier gives each item its label: a boolean per item of x, and per cell of the classifier.

    Missing where x, y or the classifier is. Raises `no-items`, `labels-needed`, `widths-differ`.
    """
    if x.feature != fitted.x.feature:
        raise ProbeError("widths-differ", "the classifier was fitted on vectors of another width")
    layout = _layout(x, y)
    axes = union_axes([fitted.estimators, Cube(layout.cells, np.zeros(tuple(len(a) for a in layout.cells)))])
    estimators = fitted.estimators.expand(axes)
    shape = (*(len(a) for a in axes), *layout.shape)
    values, missing = np.zeros(shape, dtype=bool), np.full(shape, None, dtype=object)
    own = [i for i, a in enumerate(axes) if a.name in {c.name for c in layout.cells}]
    order = [[a.name for a in layout.cells].index(axes[i].name) for i in own]
    for cell in np.ndindex(shape[: len(axes)]):
        place = [0] * len(own)
        for i, to in zip(own, order):
            place[to] = cell[i]
        rows, labels, there = layout.rows(tuple(place))
        missing[cell] = layout.reasons(tuple(place))
        if estimators.values[cell] is None:
            missing[cell] = estimators.missing[cell]
        elif len(rows):
            values[cell][there] = estimators.values[cell].predict(rows) == labels
    return Cube((*axes, *layout.axes), values, None if np.equal(missing, None).all() else missing)


@operation(
    "classifier.accuracy", axes="broadcast", subject="fitted",
    fields={"value": Number, "low": Number, "high": Number, "n": Integer},
)  # fmt: skip
def accuracy(fitted: Classifier) -> Test:
    """Cross-validated accuracy: the share of the items used for fitting that classifiers of the other folds get right.

    Folds are seeded and hold the labels in equal shares; the two sides or the samples of an item stay in one fold.
    Gives value, low and high (Wilson, 95 %, as if the folds' classifiers were one), n (items). Missing where a label
    has fewer items than there are folds.
    """
    found = summarise_items(held_out(fitted), sides=True)
    return Record({"value": found.mean, "low": found.low, "high": found.high, "n": found.n})


def held_out(fitted: Fitted) -> Cube:
    """Whether each item used for fitting gets its label from a classifier that was fitted on the other folds."""
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedGroupKFold

    layout = _layout(fitted.x, fitted.y)
    shape = (*(len(a) for a in layout.cells), *layout.shape)
    values, missing = np.zeros(shape, dtype=bool), np.full(shape, None, dtype=object)
    groups = np.indices(layout.shape)[0]
    for cell in np.ndindex(shape[: len(layout.cells)]):
        rows, labels, there = layout.rows(cell)
        missing[cell] = layout.reasons(cell)
        estimator, group = fitted.estimators.values[cell], groups[there]
        if estimator is None:
            missing[cell] = fitted.estimators.missing[cell]
            continue
        if min(len(np.unique(group[labels == label])) for label in np.unique(labels)) < fitted.folds:
            missing[cell] = f"a label has fewer than {fitted.folds} items, one for each fold"
            continue
        right = np.zeros(len(labels), dtype=bool)
        folds = StratifiedGroupKFold(fitted.folds, shuffle=True, random_state=fitted.seed)
        for train, test in folds.split(rows, labels, group):
            right[test] = clone(estimator).fit(rows[train], labels[train]).predict(rows[test]) == labels[test]
        values[cell][there] = right
    return Cube((*layout.cells, *layout.axes), values, None if np.equal(missing, None).all() else missing)


@dataclass(frozen=True)
class _Layout:
    """Vectors and labels arranged as cells first and rows after; the item axis is the first of the row axes."""

    x: Cube
    y: Cube
    cells: tuple[Axis, ...]
    axes: tuple[Axis, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(a) for a in self.axes)

    def _pick(self, cube: Cube, cell: tuple[int, ...]) -> Cube:
        for axis, index in zip(self.cells, cell):
            if axis.name in cube.names:
                cube = cube.isel(axis.name, index)
        return cube.expand(self.axes)

    def rows(self, cell: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vectors [rows, d], labels [rows] as text, and where those rows are [row shape]."""
        x, y = self._pick(self.x, cell), self._pick(self.y, cell)
        there = x.present() & y.present()
        return vectors(x, "classifier")[there], np.array([str(v) for v in y.values[there]], dtype=str), there

    def reasons(self, cell: tuple[int, ...]) -> np.ndarray:
        """Why each row is missing, else None [row shape]."""
        x, y = self._pick(self.x, cell), self._pick(self.y, cell)
        reasons = np.full(self.shape, None, dtype=object) if x.missing is None else x.missing
        return reasons if y.missing is None else np.where(np.equal(reasons, None), y.missing, reasons)


def _layout(x: Cube, y: Cube | None) -> _Layout:
    data = x.data_axes()
    if not data:
        raise ProbeError("no-items", "a classifier works on vectors of items, and there are none here")
    if SIDE in x.names:
        data = (*data, SIDE)
    if y is None:
        if SIDE not in x.names:
            raise ProbeError("labels-needed", "these items have no labels", "give y=…, or the vectors of a contrast")
        side = x.axis(SIDE)
        y = Cube((side,), np.array(side.labels, dtype=object))
    axes = union_axes([Cube(x.axes, np.empty(x.shape)), Cube(y.axes, np.empty(y.shape))])
    rows = tuple(next(a for a in axes if a.name == name) for name in data)
    return _Layout(x, y, tuple(a for a in axes if a.name not in data), rows)


def _unfit(labels: np.ndarray) -> str | None:
    if not len(labels):
        return "there are no items"
    return None if len(set(labels)) > 1 else f"all items have the same label, {labels[0]}"


def _estimator(kind: str, strength: float, scale: bool):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    made = {
        "logistic": lambda: LogisticRegression(C=strength, max_iter=1000),
        "lda": lambda: LinearDiscriminantAnalysis(solver="svd"),
        "ridge": lambda: RidgeClassifier(alpha=1 / strength),
    }
    if kind not in made:
        raise ProbeError("unknown-classifier", f"there is no classifier {kind}", f"there are {', '.join(made)}")
    return make_pipeline(*[StandardScaler()] * scale, made[kind]())
