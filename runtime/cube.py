"""Arrays with named axes: the value of every expression at run time.

A cube knows its axes and which cells could not be computed and why. It knows nothing of models or statistics.
Axes are aligned by name; two axes of one name must carry the same labels. Large ones stand in files (`paged`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .errors import ProbeError

ITEM_KINDS = frozenset({"data"})


@dataclass(frozen=True)
class Axis:
    """A named axis. `kind` is written, model, data or computed; `coords` are further columns, a value per label.

    `origin` names the data whose rows are the labels of an axis of items: two data may have the same keys.
    """

    name: str
    labels: tuple[Hashable, ...]
    kind: str = "written"
    coords: dict[str, tuple] = field(default_factory=dict, compare=False)
    origin: str = field(default="", compare=False)

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, start: int, stop: int) -> Axis:
        """The labels `start` to `stop`."""
        coords = {k: v[start:stop] for k, v in self.coords.items()}
        return replace(self, labels=self.labels[start:stop], coords=coords)

    def index(self, label: Hashable) -> int:
        """Return the position of `label`, or raise `label-not-on-axis`."""
        try:
            return self.labels.index(label)
        except ValueError:
            shown = ", ".join(map(str, self.labels[:8]))
            raise ProbeError(
                "label-not-on-axis", f"axis {self.name} has no label {label!r}", f"it has {shown}"
            ) from None


@dataclass(frozen=True, eq=False)
class Cube:
    """Values over named axes.

    `values` has shape (len(axis) for each axis) + feature shape; feature is () for scalars and (d,) for vectors.
    `missing` has the axes' shape, with None where a value is present and the reason where it is not.
    """

    axes: tuple[Axis, ...]
    values: np.ndarray
    missing: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = tuple(len(a) for a in self.axes)
        if self.values.shape[: len(shape)] != shape:
            raise ValueError(
                f"values of shape {self.values.shape} do not fit axes {[(a.name, len(a)) for a in self.axes]}"
            )

    @property
    def along(self) -> str | None:
        """The axis along which values are read from files, some labels at a time; None where they are in memory."""
        return None

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(a.name for a in self.axes)

    @property
    def feature(self) -> tuple[int, ...]:
        return self.values.shape[len(self.axes) :]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(a) for a in self.axes)

    def axis(self, name: str) -> Axis:
        return self.axes[self.position(name)]

    def position(self, name: str) -> int:
        if name not in self.names:
            raise ProbeError(
                "unknown-axis", f"there is no axis {name} here", f"the axes are {', '.join(self.names) or 'none'}"
            )
        return self.names.index(name)

    def data_axes(self) -> tuple[str, ...]:
        """Names of the axes that hold data (items, samples, tokens), outermost first."""
        return tuple(a.name for a in self.axes if a.kind in ITEM_KINDS)

    def present(self) -> np.ndarray:
        """Return a boolean array over the axes: True where there is a value."""
        if self.missing is None:
            return np.ones(self.shape, dtype=bool)
        return np.equal(self.missing, None)

    def part(self, name: str, start: int, stop: int) -> Cube:
        """The labels `start` to `stop` of an axis, in memory."""
        at = self.position(name)
        inside = (slice(None),) * at + (slice(start, stop),)
        axes = (*self.axes[:at], self.axes[at].part(start, stop), *self.axes[at + 1 :])
        return Cube(axes, self.values[inside], None if self.missing is None else self.missing[inside])

    def blocks(self, name: str) -> Iterator[tuple[slice, Cube]]:
        """All of the cube in memory, some labels of an axis after the other: where they stand, and their cells."""
        yield slice(None), self

    def without(self, missing: np.ndarray) -> Cube:
        """The cube with more cells missing, for these reasons [shape of the axes]; floats become nan there."""
        values = self.values
        if values.dtype.kind == "f":
            values = np.array(values)
            values[self.present() & ~np.equal(missing, None)] = np.nan
        return Cube(self.axes, values, missing)

    def isel(self, name: str, index: int | np.ndarray) -> Cube:
        """Take one position (drops the axis) or several (keeps it) of an axis."""
        at = self.position(name)
        axis = self.axes[at]
        values = _take(self.values, index, at)
        missing = None if self.missing is None else _take(self.missing, index, at)
        if np.ndim(index) == 0:
            return Cube(self.axes[:at] + self.axes[at + 1 :], values, missing)
        coords = {k: tuple(v[i] for i in index) for k, v in axis.coords.items()}
        kept = replace(axis, labels=tuple(axis.labels[i] for i in index), coords=coords)
        return Cube(self.axes[:at] + (kept,) + self.axes[at + 1 :], values, missing)

    def sel(self, name: str, label: Hashable) -> Cube:
        """Select one label of an axis; the axis disappears."""
        return self.isel(name, self.axis(name).index(label))

    def transpose(self, names: Sequence[str]) -> Cube:
        """Reorder the axes to `names` (a permutation of them)."""
        order = [self.position(n) for n in names]
        tail = list(range(len(self.axes), self.values.ndim))
        missing = None if self.missing is None else self.missing.transpose(order)
        return Cube(tuple(self.axes[i] for i in order), self.values.transpose(order + tail), missing)

    def expand(self, axes: Sequence[Axis]) -> Cube:
        """Broadcast to exactly `axes`, which must include all of this cube's (by name and labels)."""
        wanted = [a.name for a in axes]
        extra = [n for n in self.names if n not in wanted]
        if extra:
            raise ValueError(f"cannot expand: {extra} would be lost")
        ordered = self.transpose([n for n in wanted if n in self.names])
        index = (*(slice(None) if a.name in self.names else None for a in axes), Ellipsis)  # an array, also of no axes
        shape = tuple(len(a) for a in axes)
        values = np.broadcast_to(ordered.values[index], shape + self.feature)
        missing = None if ordered.missing is None else np.broadcast_to(ordered.missing[index], shape)
        return Cube(tuple(axes), values, missing)


def _take(array: np.ndarray, index: int | np.ndarray, at: int) -> np.ndarray:
    """`np.take` that keeps an object array an array, also when one cell remains."""
    taken = np.take(array, index, axis=at)
    if isinstance(taken, np.ndarray) or array.dtype != object:
        return taken
    cell = np.empty((), dtype=object)
    cell[()] = taken
    return cell


def scalar(value: object) -> Cube:
    """A cube without axes."""
    if isinstance(value, (bool, int, float, np.generic)):
        huge = isinstance(value, int) and abs(value) >= 2**63
        return Cube((), np.asarray(float(value) if huge else value))
    array = np.empty((), dtype=object)
    array[()] = value
    return Cube((), array)


def union_axes(cubes: Sequence[Cube]) -> tuple[Axis, ...]:
    """The axes of all cubes, in order of first appearance; the same name over other labels is an error."""
    found: dict[str, Axis] = {}
    for cube in cubes:
        for axis in cube.axes:
            known = found.setdefault(axis.name, axis)
            if known is not axis and known.labels != axis.labels:
                raise ProbeError(
                    "axes-differ",
                    f"two values are joined over {axis.name}, but its labels differ: "
                    f"{len(known)} of one, {len(axis)} of the other",
                    "select one side, or give the axes different names",
                )
    return tuple(found.values())


def align(*cubes: Cube) -> tuple[Cube, ...]:
    """Broadcast cubes to their common axes (feature shapes are left alone)."""
    axes = union_axes(cubes)
    return tuple(c.expand(axes) for c in cubes)


def merge_missing(cubes: Sequence[Cube]) -> np.ndarray | None:
    """The first reason of aligned cubes, cell by cell."""
    merged: np.ndarray | None = None
    for cube in cubes:
        if cube.missing is None:
            continue
        merged = cube.missing.copy() if merged is None else np.where(np.equal(merged, None), cube.missing, merged)
    return merged


def elementwise(function, *cubes: Cube) -> Cube:
    """Apply a numpy function to aligned cubes; feature shapes must broadcast against each other."""
    aligned = align(*cubes)
    rank = len(aligned[0].axes)
    depth = max(len(c.feature) for c in aligned)

    def values(*parts: Cube) -> np.ndarray:
        arrays = [
            c.values.reshape(c.values.shape + (1,) * (depth - len(c.feature))) if len(c.feature) < depth else c.values
            for c in parts
        ]
        result = np.asarray(function(*arrays))
        assert result.shape[:rank] == parts[0].shape
        return result

    return made_of(aligned, aligned[0].axes, values, merge_missing(aligned))


def made_of(
    cubes: Sequence[Cube], axes: tuple[Axis, ...], values: Callable[..., np.ndarray], missing: np.ndarray | None
) -> Cube:
    """A cube whose `values` are a function of cubes, label by label of the axis along which these are read, if any."""
    if all(c.along is None for c in cubes):
        return Cube(axes, values(*cubes), missing)
    from .paged import lazily

    return lazily(cubes, axes, values, missing)


def stack(axis: Axis, cubes: Sequence[Cube]) -> Cube:
    """Join one cube per label into a new leading axis; an axis that a cube lacks is broadcast."""
    axes = union_axes(cubes)
    expanded = [c.expand(axes) for c in cubes]
    missing = None
    if any(c.missing is not None for c in expanded):
        missing = np.stack(
            [c.missing if c.missing is not None else np.full(c.shape, None, dtype=object) for c in expanded]
        )
    return made_of(expanded, (axis, *axes), lambda *parts: np.stack([c.values for c in parts]), missing)
