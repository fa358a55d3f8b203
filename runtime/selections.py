"""Stacks, filters and selections of values: what is joined, what a predicate leaves in, which label is taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..compiler.graph import Node
from .arithmetic import truths
from .cells import NOT_MET, NOT_SELECTED
from .cube import Axis, Cube, align, merge_missing, scalar, stack
from .record import Record, adjust_family


@dataclass(frozen=True, eq=False)
class Ragged:
    """A stack whose elements have different axes; it is flattened when a table is made of it."""

    axis: Axis
    parts: tuple[object, ...]


CONDITION = "the condition could not be computed"


def masked(cube: Cube, predicate: Cube) -> Cube:
    """The cube with the cells for which a predicate fails marked as not selected.

    A predicate over items leaves items out, and where none is left what is made of them is missing; one over other
    axes leaves out their cells. Where the predicate could not be computed the cell is missing for its reason: nobody
    knows whether it belongs here.
    """
    wide, mask = align(cube, predicate)
    known = mask.present()
    missing = np.full(wide.shape, None, dtype=object) if wide.missing is None else wide.missing.copy()
    missing[known & ~truths(mask).values] = NOT_MET if predicate.data_axes() else NOT_SELECTED
    if mask.missing is not None:
        missing[~known] = [unknown(reason) for reason in mask.missing[~known]]
    return wide.without(missing)


def unknown(reason: str) -> str:
    """Why a cell is missing whose condition is."""
    return reason if reason in (NOT_SELECTED, NOT_MET) or reason.startswith(CONDITION) else f"{CONDITION}: {reason}"


def joined(axis: Axis, parts: list) -> object:
    """Stack values: cubes of the same axes into one cube, records field by field, anything else stays ragged."""
    if (
        all(isinstance(p, Record) for p in parts)
        and len({tuple(p.fields) for p in parts}) == 1
        and same_axes([p.value for p in parts])
    ):
        return Record({k: stack(axis, [p[k] for p in parts]) for k in parts[0].fields})
    cubes = [p if isinstance(p, Cube) else scalar(p) if isinstance(p, (int, float, bool, str)) else None for p in parts]
    if all(c is not None for c in cubes) and same_axes(cubes) and len({c.feature for c in cubes}) == 1:
        return stack(axis, cubes)
    return Ragged(axis, tuple(parts))


def same_axes(cubes: list[Cube]) -> bool:
    first = {a.name: a.labels for a in cubes[0].axes}
    return all({a.name: a.labels for a in c.axes} == first for c in cubes)


def over_parts(found: object, change) -> object:
    if isinstance(found, Ragged):
        return Ragged(found.axis, tuple(over_parts(p, change) for p in found.parts))
    return change(found)


def parts_of(found: object) -> list:
    return [p for part in found.parts for p in parts_of(part)] if isinstance(found, Ragged) else [found]


def method_of(node: Node) -> Node | None:
    """The correction that a test asks for; None for the usual one."""
    while node.op in ("stack", "filter"):
        node = node.input("e0") or node.input("base")
    return node.input("adjust")


def corrected(found: object, method: str | Cube) -> object:
    """Records whose p values are corrected as one family."""
    records = parts_of(found)
    if not all(isinstance(r, Record) and "p" in r.fields for r in records):
        return found
    family = iter(adjust_family([r["p"] for r in records], method))
    return over_parts(found, lambda r: Record({**r.fields, "adjusted": next(family)}))


def selected(base: object, axis: str, label: object) -> object:
    """Select a label, or as many as the label has cells; a list of labels is a label that is a tuple."""
    if isinstance(base, Ragged):
        if base.axis.name != axis:
            return joined(base.axis, [selected(p, axis, label) for p in base.parts])
        texts = [str(x) for x in base.axis.labels]
        return base.parts[texts.index(str(label))]
    if isinstance(base, Record):
        return Record({k: selected(c, axis, label) for k, c in base.fields.items()})
    if isinstance(label, list):
        label = tuple_label(label)
    if not isinstance(label, Cube) or not label.axes:
        if isinstance(label, Cube) and label.missing is not None and label.missing[()] is not None:
            rest = base.isel(axis, 0)
            return Cube(rest.axes, np.array(rest.values), np.full(rest.shape, label.missing[()], dtype=object))
        plain = label.values[()] if isinstance(label, Cube) else label
        return base.isel(axis, index_of(base.axis(axis), plain.item() if isinstance(plain, np.generic) else plain))
    return gathered(base, axis, label)


def index_of(axis: Axis, label: object) -> int:
    if label in axis.labels:
        return axis.labels.index(label)
    texts = [str(x) for x in axis.labels]
    return texts.index(str(label)) if str(label) in texts else axis.index(label)


def tuple_label(items: list) -> Cube:
    """`[i, j]` as labels that are tuples, one for each cell of i and j; sorted as `choose` makes them."""
    cubes = align(*[c if isinstance(c, Cube) else scalar(c) for c in items])
    values = np.empty(cubes[0].shape, dtype=object)
    for cell in np.ndindex(values.shape):
        values[cell] = tuple(sorted(int(c.values[cell]) for c in cubes))
    return Cube(cubes[0].axes, values, merge_missing(cubes))


def gathered(base: Cube, axis: str, label: Cube) -> Cube:
    """Take, in each cell, the label that another cube names there; where the axis has no such label, it is missing."""
    own = base.axis(axis)
    place = {x: i for i, x in enumerate(own.labels)}
    flat = [place.get(v.item() if isinstance(v, np.generic) else v, -1) for v in label.values.reshape(-1)]
    index = Cube(label.axes, np.array(flat).reshape(label.shape), label.missing)
    rest = tuple(a for a in base.axes if a.name != axis)
    lead = Cube((own, *rest), np.moveaxis(base.values, base.position(axis), 0),
                None if base.missing is None else np.moveaxis(base.missing, base.position(axis), 0))  # fmt: skip
    shape_cube = Cube(rest, np.zeros(tuple(len(a) for a in rest)))
    axes = align(shape_cube, index)[0].axes
    wide, at = lead.expand((own, *axes)), index.expand(axes)
    found = np.maximum(at.values, 0)[None]
    values = np.take_along_axis(wide.values, found.reshape(found.shape + (1,) * len(wide.feature)), 0)[0]
    missing = np.full(at.shape, None, dtype=object)
    if wide.missing is not None:
        missing = np.take_along_axis(wide.missing, found, 0)[0].copy()
    missing[at.values < 0] = f"no such label on axis {axis}"
    if at.missing is not None:
        missing[~at.present()] = at.missing[~at.present()]
    return Cube(axes, values, None if np.equal(missing, None).all() else missing)
