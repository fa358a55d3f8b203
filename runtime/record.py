"""Records: several cubes under names, as tests give them, and the correction of p values within a family.

The main value is under `value`. A record is selected from like a cube: all fields at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..compiler.kinds import Integer, Kind, Number
from .cube import Axis, Cube
from .errors import ProbeError

Correction = Literal["holm", "bonferroni", "bh", "none"]
Alternative = Literal["two-sided", "greater", "less"]
METHODS = get_args(Correction)

# The fields of a test, for the checker. `low` and `high` are a 95 % interval of `value` unless the test says otherwise.
FIELDS: dict[str, type[Kind]] = {
    "value": Number, "stat": Number, "p": Number, "adjusted": Number, "n": Integer, "low": Number, "high": Number,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Record:
    """Named cubes over the same axes; `value` is the main one."""

    fields: dict[str, Cube]

    def __getitem__(self, name: str) -> Cube:
        if name not in self.fields:
            raise ProbeError("unknown-field", f"there is no .{name} here", f"there are .{', .'.join(self.fields)}")
        return self.fields[name]

    @property
    def value(self) -> Cube:
        """The main value."""
        return self["value"]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of the main value."""
        return self.value.axes

    def isel(self, name: str, index: int | np.ndarray) -> Record:
        """Take one position, or several, of an axis in every field that has it."""
        return Record({k: c.isel(name, index) if name in c.names else c for k, c in self.fields.items()})

    def sel(self, name: str, label: Hashable) -> Record:
        """Select one label of an axis in every field."""
        return self.isel(name, self.value.axis(name).index(label))


def adjusted(p: np.ndarray, method: str = "holm") -> np.ndarray:
    """Correct a flat array of p values for their number; `unknown-correction` for a method that is not known.

    `holm` (the default) and `bonferroni` bound the chance of one false finding, `bh` the share of false ones.
    """
    if method not in METHODS:
        raise ProbeError("unknown-correction", f"there is no correction {method}", f"there are {', '.join(METHODS)}")
    p = np.asarray(p, dtype=np.float64)
    n = len(p)
    if method == "none" or n == 0:
        return p.copy()
    if method == "bonferroni":
        return np.minimum(p * n, 1.0)
    order = np.argsort(p, kind="stable")
    if method == "holm":
        corrected = np.maximum.accumulate(p[order] * np.arange(n, 0, -1))
    else:
        corrected = np.minimum.accumulate((p[order] * n / np.arange(1, n + 1))[::-1])[::-1]
    result = np.empty(n)
    result[order] = np.minimum(corrected, 1.0)
    return result


def adjust(p: Cube, method: str | Cube = "holm") -> Cube:
    """Correct p values within the family of all cells that have one; missing cells stay missing and do not count."""
    return adjust_family([p], method)[0]


def adjust_family(ps: Iterable[Cube], method: str | Cube = "holm") -> tuple[Cube, ...]:
    """Correct the p values of several statements as one family; a swept method makes a family of each of its labels."""
    cubes = tuple(ps)
    if isinstance(method, Cube):
        return _adjust_each(cubes, method)
    present = [c.present() & ~np.isnan(c.values) for c in cubes]
    corrected = adjusted(np.concatenate([c.values[at] for c, at in zip(cubes, present)] or [np.empty(0)]), method)
    results, start = [], 0
    for cube, at in zip(cubes, present):
        values = np.full(cube.shape, np.nan)
        values[at] = corrected[start : start + at.sum()]
        start += at.sum()
        results.append(Cube(cube.axes, values, cube.missing))
    return tuple(results)


def _adjust_each(cubes: tuple[Cube, ...], method: Cube) -> tuple[Cube, ...]:
    """Correct the family of each label of a swept method by itself; what lacks its axis gets it."""
    wide = [c.expand((*method.axes, *(a for a in c.axes if a.name not in method.names))) for c in cubes]
    found = [np.full(c.shape, np.nan) for c in wide]
    for cell in np.ndindex(method.shape):
        parts = [
            Cube(c.axes[len(cell) :], c.values[cell], None if c.missing is None else c.missing[cell]) for c in wide
        ]
        for values, part in zip(found, adjust_family(parts, str(method.values[cell])), strict=True):
            values[cell] = part.values
    return tuple(Cube(c.axes, values, c.missing) for c, values in zip(wide, found, strict=True))


def tested(
    axes: tuple[Axis, ...],
    fields: dict[str, np.ndarray],
    missing: np.ndarray | None = None,
    correct: str | Cube = "holm",
) -> Record:
    """Make the record of a test from flat or shaped arrays over `axes`, adding `adjusted` after `p`.

    `missing` holds reasons; where `p` has one, or is nan, no other cell's correction is changed by it.
    """
    shape = tuple(len(a) for a in axes)
    reasons = None
    if missing is not None and not np.equal(missing, None).all():
        reasons = np.asarray(missing, dtype=object).reshape(shape)
    record = {}
    for name, values in fields.items():
        record[name] = Cube(axes, np.asarray(values).reshape(shape), None if name == "n" else reasons)
        if name == "p":
            record["adjusted"] = adjust(record["p"], correct)
    return Record(record)
