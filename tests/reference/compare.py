"""Compare what the interpreter found with what an executor found, cell by cell."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np

from probelang.runtime.report.frame import label_text

from .relation import Missing

TOLERANCE = 1e-5
FLOOR = 3e-6
FIELDS = ("value", "norm", "stat", "p", "adjusted", "n", "low", "high", "reason", "z", "null_mean", "null_sd")


class Loose(float):
    """A number that may as well be one of `allowed`, because logits or cells nearly tie."""

    allowed: tuple[object, ...]

    def __new__(cls, value: float, allowed: Iterable[object]) -> Loose:
        made = super().__new__(cls, value)
        made.allowed = tuple(allowed)
        return made


class Rough(float):
    """A quotient, with the error that rounding of its parts may make: large where the divisor is nearly zero."""

    error: float

    def __new__(cls, top: float, bottom: float, size: float = 1.0) -> Rough:
        made = super().__new__(cls, top / bottom)
        made.error = FLOOR * max(1.0, size) * (1 + abs(made)) / abs(bottom)
        return made


class LooseText(str):
    """A label that may as well be one of `allowed`."""

    allowed: tuple[object, ...]

    def __new__(cls, value: str, allowed: Iterable[object]) -> LooseText:
        made = super().__new__(cls, value)
        made.allowed = tuple(allowed)
        return made


def compare(rows: Sequence[Mapping], found: object, tolerance: float = TOLERANCE, floor: float = FLOOR) -> list[str]:
    """Say how an executor's cells differ from the interpreter's; nothing when they do not.

    `rows` is one statement's list as `interpret` gives it. `found` is the same, or a tidy table (polars) with the axes
    as columns, then `value` and perhaps `reason`. Numbers agree when max|a-b| <= tolerance · max|row|, a row being all
    cells of the statement, or when it is under `floor`: a difference of logits may be smaller than their rounding.
    Quotients are allowed what the rounding of their parts makes of them. Where cells nearly tie, any of the tied labels
    or ranks agrees. A cell that is missing here has to be missing there; one that the interpreter has no row for may be
    there as missing (ragged axes in a table). Columns that the interpreter does not have (`set[0]`, `token.text`) are
    left alone.
    """
    table = [dict(r) for r in (found.to_dicts() if hasattr(found, "to_dicts") else found)]
    axes = sorted({name for row in rows for name in row if name not in FIELDS})
    theirs = {place(row, axes): row for row in table}
    more = {name for row in table for name in row if name not in (*axes, *FIELDS) and name.isidentifier()}
    problems = [f"an axis too many: {name}" for name in sorted(more)]
    limit = max([floor, *(tolerance * largest(row["value"]) for row in rows)])
    for row in rows:
        cell = place(row, axes)
        other = theirs.pop(cell, None)
        if other is None:
            problems.append(f"{shown(cell)}: no such cell")
        elif (difference := differs(row["value"], content(other), limit)) is not None:
            problems.append(f"{shown(cell)}: {difference}")
    problems += [f"{shown(cell)}: a cell too many, {content(row)!r}" for cell, row in theirs.items()
                 if not isinstance(content(row), Missing)]  # fmt: skip
    return problems


def compare_run(
    interpreted: Mapping[str, Sequence[Mapping]], run: object, tolerance: float = TOLERANCE, floor: float = FLOOR
) -> list[str]:
    """Compare every statement with a run's results (`runtime.results.Run`): items where there are, vectors, claims."""
    problems = []
    results = {r.name: r for r in run.results}
    verdicts = {c.name: c.verdict for c in run.claims}
    for name, rows in interpreted.items():
        if name in verdicts:
            found = {"pass": True, "fail": False}.get(verdicts[name], Missing("not computed"))
            different = differs(rows[0]["value"], found, 0.0) if len(rows) == 1 else None
            problems += [f"{name}: {different}"] if different else []
        elif name not in results:
            problems.append(f"{name}: not in the run")
        else:
            problems += [f"{name} {p}" for p in compare(rows, cells(results[name], rows), tolerance, floor)]
    return problems


def cells(result: object, rows: Sequence[Mapping]) -> object:
    """The table of a result that has the axes of the interpreter's rows."""
    if result.vectors is not None and any(isinstance(row["value"], np.ndarray) for row in rows):
        shape = [range(len(a.labels)) for a in result.axes]
        reasons = [row.get("reason") for row in result.frame.to_dicts()]
        found = []
        for number, index in enumerate(np.ndindex(*map(len, shape))):
            at = {a.name: a.labels[i] for a, i in zip(result.axes, index, strict=True)}
            reason = reasons[number] if number < len(reasons) else None
            found.append({**at, "value": Missing(reason) if reason else result.vectors[index]})
        return found
    data = any(name in row for row in rows for name in ("item", "token"))
    return result.items if data and result.items is not None else result.frame


def content(row: Mapping) -> object:
    """The value of a cell of a table, or why it has none."""
    value = row.get("value", row.get("norm"))
    if row.get("reason") is not None and not isinstance(value, Missing):
        return Missing(row["reason"])
    return Missing("empty") if value is None or (isinstance(value, float) and np.isnan(value)) else value


def place(row: Mapping, axes: Sequence[str]) -> tuple[tuple[str, Hashable], ...]:
    """The coordinates of a row, its labels as text; an axis that is empty is one that the cell does not have."""
    named = ((name, row.get(name, row.get(f"{name} (axis)"))) for name in axes)
    return tuple((name, text(label)) for name, label in named if label is not None)


def text(label: object) -> str:
    if isinstance(label, (int, float, np.number)) and not isinstance(label, bool):
        return f"{float(label):g}"
    if isinstance(label, (bool, np.bool_)):
        return "true" if label else "false"
    return label_text(tuple(label) if isinstance(label, list) else label)


def shown(cell: tuple) -> str:
    return "[" + ", ".join(f"{name}={label}" for name, label in cell) + "]"


def largest(value: object) -> float:
    if isinstance(value, (str, bool, np.bool_)):
        return 0.0
    return float(np.max(np.abs(value), initial=0.0))


def differs(own: object, other: object, tolerance: float) -> str | None:
    """How two values differ, or None."""
    if isinstance(own, Missing) or isinstance(other, Missing):
        both = isinstance(own, Missing) and isinstance(other, Missing)
        return None if both else f"{own!r} here, {other!r} there"
    tolerance = max(tolerance, getattr(own, "error", 0.0))
    choices = getattr(own, "allowed", ()) or (own,)
    return None if any(same(choice, other, tolerance) for choice in choices) else f"{own!r} here, {other!r} there"


def same(own: object, other: object, tolerance: float) -> bool:
    if isinstance(own, str) or isinstance(other, str):
        return text(own) == text(other)
    own, other = np.asarray(own, dtype=np.float64), np.asarray(other, dtype=np.float64)
    return own.shape == other.shape and bool(np.abs(own - other).max(initial=0.0) <= tolerance)
