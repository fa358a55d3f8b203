"""Values of the reference interpreter: relations from coordinates to values.

A relation is a list of rows `(coordinates, value)`. Coordinates are a dict from axis to label; a row may lack an axis
that other rows have (the inner axes of a flattened list). It knows joins, groups and selections, and nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

from probelang.runtime.errors import ProbeError

Coordinates = dict[str, Hashable]


class Missing(str):
    """Why a cell could not be computed."""


@dataclass(frozen=True)
class Row:
    at: Coordinates
    value: object


@dataclass(frozen=True)
class Relation:
    """Rows in the order of their labels; `data` are the axes of items, tokens and samples."""

    rows: tuple[Row, ...]
    data: frozenset[str] = field(default=frozenset())

    def axes(self) -> list[str]:
        """Every axis that some row has, in order of appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row.at))

    def labels(self, axis: str) -> list[Hashable]:
        """The labels of an axis, in order of appearance."""
        return list(dict.fromkeys(row.at[axis] for row in self.rows if axis in row.at))

    def map(self, function: Callable) -> Relation:
        """Apply a function to every value that is there."""
        return Relation(tuple(Row(r.at, applied(function, r.value)) for r in self.rows), self.data)


def one(value: object) -> Relation:
    """A value without axes."""
    return Relation((Row({}, value),))


def along(axis: str, labels: Iterable[Hashable], data: bool = False) -> Relation:
    """An axis as a relation: every label is its own value."""
    return Relation(tuple(Row({axis: x}, x) for x in labels), frozenset({axis}) if data else frozenset())


def applied(function: Callable, *values: object) -> object:
    """The function's value, or the first reason why there is none."""
    missing = next((v for v in values if isinstance(v, Missing)), None)
    return missing if missing is not None else function(*values)


def compatible(a: Coordinates, b: Coordinates) -> bool:
    """Whether two coordinates agree wherever both have a label."""
    return all(b[name] == label for name, label in a.items() if name in b)


def agree(a: Relation, b: Relation) -> None:
    """Rule 9: the same name over another set of labels is an error; tokens alone are ragged."""
    for name in set(a.axes()) & set(b.axes()):
        if (name in a.data or name in b.data) and name != "item":
            continue
        if set(a.labels(name)) != set(b.labels(name)):
            code = "unpaired" if name == "item" else "axes-differ"
            raise ProbeError(code, f"two values are joined over {name}, but their labels differ")


def paired(a: Relation, b: Relation) -> list[tuple[Coordinates, object, object]]:
    """Every pair of compatible rows, as (coordinates of both, value, value)."""
    agree(a, b)
    shared = set(a.axes()) & set(b.axes())
    sure = [n for n in shared if all(n in r.at for r in a.rows) and all(n in r.at for r in b.rows)]
    index: dict[tuple, list[Row]] = {}
    for row in b.rows:
        index.setdefault(tuple(row.at[n] for n in sure), []).append(row)
    found = []
    for row in a.rows:
        for other in index.get(tuple(row.at[n] for n in sure), ()):
            if compatible(row.at, other.at):
                found.append(({**row.at, **other.at}, row.value, other.value))
    return found


def joined(*relations: Relation) -> Relation:
    """The natural join; the values are tuples, one of each relation."""
    result = Relation((Row({}, ()),))
    for relation in relations:
        rows = tuple(Row(at, (*left, right)) for at, left, right in paired(result, relation))
        result = Relation(rows, result.data | relation.data)
    return result


def lift(function: Callable, *relations: Relation) -> Relation:
    """Apply a function of values to relations, cell by cell; a missing operand makes a missing cell."""
    whole = joined(*relations)
    return Relation(tuple(Row(r.at, applied(function, *r.value)) for r in whole.rows), whole.data)


def groups(relation: Relation, gone: Iterable[str]) -> list[tuple[Coordinates, list[Row]]]:
    """Rows put together that differ only in the axes `gone`."""
    gone = set(gone)
    found: dict[frozenset, tuple[Coordinates, list[Row]]] = {}
    for row in relation.rows:
        rest = {k: v for k, v in row.at.items() if k not in gone}
        found.setdefault(frozenset(rest.items()), (rest, []))[1].append(row)
    return list(found.values())


def reduce(relation: Relation, gone: Iterable[str], function: Callable[[list[Row]], object]) -> Relation:
    """One value for each group of rows."""
    gone = set(gone)
    rows = tuple(Row(at, function(members)) for at, members in groups(relation, gone))
    return Relation(rows, relation.data - gone)


def spread(axis: str, parts: Iterable[tuple[Hashable, Relation]]) -> Relation:
    """Rule 9: put relations under the labels of an axis; their own axes become further columns."""
    parts = list(parts)
    rows = tuple(Row({axis: label, **row.at}, row.value) for label, part in parts for row in part.rows)
    return Relation(rows, frozenset().union(*(part.data for _, part in parts)))


def pick(relation: Relation, axis: str, label: Hashable) -> Relation:
    """Rows at a label of an axis, without the axis. Rows that lack the axis go (decided here: the rules are silent)."""
    if axis not in relation.axes():
        raise ProbeError("unknown-axis", f"there is no axis {axis} here")
    rows = tuple(Row({k: v for k, v in r.at.items() if k != axis}, r.value) for r in relation.rows
                 if axis in r.at and r.at[axis] == label)  # fmt: skip
    if not rows:
        raise ProbeError("unknown-label", f"axis {axis} has no label {label!r}")
    return Relation(rows, relation.data - {axis})


def look_up(relation: Relation, axis: str, labels: Relation) -> Relation:
    """`x[axis=labels]` for labels that are computed or swept: in each cell, the row at the label found there.

    A label that is not on the axis makes a missing cell, not an error: `where` may mask it.
    """
    whole = Relation(tuple(Row({k: v for k, v in r.at.items() if k != axis}, r) for r in relation.rows if axis in r.at),
                     relation.data - {axis})  # fmt: skip
    found: dict[frozenset, Row] = {}
    for at, row, label in paired(whole, labels):
        key = frozenset(at.items())
        if isinstance(label, Missing):
            found[key] = Row(at, label)
        elif row.at[axis] == label:
            found[key] = Row(at, row.value)
        else:
            found.setdefault(key, Row(at, Missing(f"no such label on axis {axis}")))
    return Relation(tuple(found.values()), whole.data | labels.data)
