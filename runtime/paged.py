"""Cubes whose values stand in files, and are read some items at a time. Knows no file: it is handed a function.

A paged cube can stand wherever a cube can: its `values` read everything. What is computed vector by vector stays unread
until it is needed (`lazily`), what gives numbers is computed block by block (`cell_by_cell`), and reducers fold
`blocks`. How many items a block has follows from the shape alone, and not from how the values came about.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import wraps

import numpy as np

from ..compiler.sizes import HELD
from .cube import Axis, Cube, union_axes

SMALL = HELD
BLOCK = 2**22  # bytes of values that are read at a time,
FEWEST = 32  # but of so many items at least, that products over a block are worth their calls


def large(shape: Sequence[int], dtype: np.dtype) -> bool:
    """Whether values are so many that they stand in files."""
    return int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize > SMALL


Read = Callable[[int, int], np.ndarray]  # values of the items from one number to another


class Paged(Cube):
    """Vectors that are read item by item.

    `read` gives the values of some labels of the axis `along`, in the order of the axes; they are not written to.
    """

    def __init__(
        self, axes: tuple[Axis, ...], along: str, feature: tuple[int, ...], dtype: np.dtype, read: Read,
        missing: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        told = {"axes": axes, "missing": missing, "_along": along, "_feature": feature, "_dtype": dtype, "_read": read}
        for name, value in (told | {"_whole": None}).items():
            object.__setattr__(self, name, value)

    @property
    def along(self) -> str:
        return self._along

    @property
    def dtype(self) -> np.dtype:
        return self._dtype

    @property
    def feature(self) -> tuple[int, ...]:
        return self._feature

    @property
    def values(self) -> np.ndarray:
        """Everything, in memory for as long as somebody holds it."""
        whole = self._whole() if self._whole is not None else None
        if whole is None:
            whole = np.empty(self.shape + self.feature, self.dtype)
            at = (slice(None),) * self.position(self.along)
            for place, block in self.blocks(self.along):
                whole[(*at, place)] = block.values
            object.__setattr__(self, "_whole", weakref.ref(whole))
        return whole

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The first item of each block, and the one behind its last."""
        count = len(self.axis(self.along))
        each = int(np.prod([len(a) for a in self.axes if a.name != self.along] + [*self.feature])) * self.dtype.itemsize
        step = max(BLOCK // max(each, 1), FEWEST)
        return [(start, min(start + step, count)) for start in range(0, count, step)]

    def part(self, name: str, start: int, stop: int) -> Cube:
        if name != self.along:
            return super().part(name, start, stop)
        at, values = self.position(name), self._read(start, stop)
        inside = (slice(None),) * at + (slice(start, stop),)
        axes = (*self.axes[:at], self.axes[at].part(start, stop), *self.axes[at + 1 :])
        missing = None if self.missing is None else self.missing[inside]
        gone = None if missing is None else ~np.equal(missing, None)
        if gone is not None and gone.any():
            values = np.array(values)
            values[gone] = np.nan
        return Cube(axes, values, missing)

    def blocks(self, name: str) -> Iterator[tuple[slice, Cube]]:
        if name != self.along:
            yield slice(None), Cube(self.axes, self.values, self.missing)
            return
        for start, stop in self.spans:
            yield slice(start, stop), self.part(name, start, stop)

    def without(self, missing: np.ndarray) -> Cube:
        return self._changed(missing=missing)

    def isel(self, name: str, index: int | np.ndarray) -> Cube:
        if name == self.along and np.ndim(index) == 0:
            return self.part(name, int(index), int(index) + 1).isel(name, 0)
        if name == self.along:
            return super().isel(name, index)
        at = self.position(name)
        bare = Cube(self.axes, np.broadcast_to(np.False_, self.shape), self.missing).isel(name, index)
        inside = (slice(None),) * at + (int(index) if np.ndim(index) == 0 else index,)
        return self._changed(axes=bare.axes, missing=bare.missing, read=lambda a, b: self._read(a, b)[inside])

    def transpose(self, names: Sequence[str]) -> Cube:
        order = [self.position(n) for n in names]
        every = order + list(range(len(order), len(order) + len(self.feature)))
        missing = None if self.missing is None else self.missing.transpose(order)
        axes = tuple(self.axes[i] for i in order)
        return self._changed(axes=axes, missing=missing, read=lambda a, b: self._read(a, b).transpose(every))

    def expand(self, axes: Sequence[Axis]) -> Cube:
        bare = Cube(self.axes, np.broadcast_to(np.False_, self.shape), self.missing).expand(axes)
        if tuple(a.name for a in axes) == self.names:
            return self
        ordered = self.transpose([a.name for a in axes if a.name in self.names])
        index = (*(slice(None) if a.name in self.names else None for a in axes), Ellipsis)
        at = bare.position(self.along)

        def read(start: int, stop: int) -> np.ndarray:
            shape = bare.shape[:at] + (stop - start,) + bare.shape[at + 1 :]
            return np.broadcast_to(ordered._read(start, stop)[index], shape + self.feature)

        return self._changed(axes=bare.axes, missing=bare.missing, read=read)

    def _changed(self, **other: object) -> Paged:
        told = {k: other.get(k, getattr(self, k)) for k in ("axes", "missing")}
        return Paged(told["axes"], self.along, self.feature, self.dtype, other.get("read", self._read), told["missing"])


def lazily(
    cubes: Sequence[Cube], axes: tuple[Axis, ...], values: Callable[..., np.ndarray], missing: np.ndarray | None
) -> Cube:
    """A cube over `axes` whose values are a function of cubes, cell by cell, of which at least one is paged.

    Vectors are computed when they are read, numbers at once.
    """
    first = next(c for c in cubes if c.along is not None)
    name, count = first.along, len(first.axis(first.along))

    def read(start: int, stop: int) -> np.ndarray:
        return values(*(c.part(name, start, stop) if name in c.names else c for c in cubes))

    one = read(0, min(1, count))
    made = Paged(axes, name, one.shape[len(axes) :], one.dtype, read, missing)
    return made if made.feature else Cube(axes, made.values, missing)


def cell_by_cell(function: Callable[..., Cube]) -> Callable[..., Cube]:
    """Let a function of cubes that gives numbers, and looks at one cell at a time, read paged ones in blocks."""

    @wraps(function)
    def applied(*given: object, **named: object) -> Cube:
        every = [*given, *named.values()]
        cubes = [x for x in every if isinstance(x, Cube)]
        first = next((c for c in cubes if c.along is not None), None)
        if first is None:
            return function(*given, **named)
        name = first.along
        union_axes(cubes)  # refuses items that are not the same
        parts = []
        for place in first.spans:
            cut = [x.part(name, *place) if isinstance(x, Cube) and name in x.names else x for x in every]
            parts.append(function(*cut[: len(given)], **dict(zip(named, cut[len(given) :], strict=True))))
        return _rejoined(first.axis(name), parts)

    return applied


def _rejoined(axis: Axis, parts: list[Cube]) -> Cube:
    """The cube of which these are the parts along an axis."""
    at, missing = parts[0].position(axis.name), None
    if any(p.missing is not None for p in parts):
        reasons = [np.full(p.shape, None, object) if p.missing is None else p.missing for p in parts]
        missing = np.concatenate(reasons, axis=at)
    axes = (*parts[0].axes[:at], axis, *parts[0].axes[at + 1 :])
    return Cube(axes, np.concatenate([p.values for p in parts], axis=at), missing)
