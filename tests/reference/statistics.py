"""Arithmetic, vectors and reductions, written out for single cells; rarer ones ask the package's functions.

Vectors and numbers are float64. Items count once each: tokens and samples are averaged inside their item first, then
the two sides of a contrast, then items.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np

from probelang.runtime.cube import Axis, Cube, scalar
from probelang.runtime.errors import ProbeError
from probelang.runtime.record import Record
from probelang.runtime.record import adjusted as adjust
from probelang.runtime.registry import get

from .compare import TOLERANCE, Loose, LooseText, Rough
from .relation import Missing, Relation, Row, groups, lift, reduce
from .values import Vector, Weights


def array(value: object) -> np.ndarray:
    return value.array if isinstance(value, Vector) else np.asarray(value, dtype=np.float64)


def like(value: object, result: np.ndarray | float) -> object:
    """A result as the same kind of value: a vector keeps its site."""
    return value.with_(np.asarray(result)) if isinstance(value, Vector) else float(result)


# **** one or two values ****


def binary(operator: str, a: object, b: object) -> object:
    """The operators of the language on two values; truth values count as 0 and 1."""
    if isinstance(a, Weights):
        names = a.tensors.keys() & b.tensors.keys()
        return Weights({n: a.tensors[n] + (b.tensors[n] if operator == "+" else -b.tensors[n]) for n in names})
    if operator in ("==", "!="):
        return (a == b) == (operator == "==")
    if operator in ("and", "or"):
        return bool(a and b) if operator == "and" else bool(a or b)
    x, y = array(a), array(b)
    if operator in ("<", ">", "<=", ">="):
        return bool({"<": x < y, ">": x > y, "<=": x <= y, ">=": x >= y}[operator])
    if operator in ("/", "%") and y == 0:
        return Missing("division by zero")
    if operator == "/" and not isinstance(a, Vector):
        return Rough(float(x), float(y), abs(float(x)))
    with np.errstate(all="ignore"):
        result = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.mod, "**": np.power}[
            operator
        ](x, y)
    if not isinstance(a, Vector) and not isinstance(b, Vector) and not np.isfinite(result):
        return Missing("not a number")
    return (
        like(a if isinstance(a, Vector) else b, result)
        if isinstance(a, Vector) or isinstance(b, Vector)
        else float(result)
    )


def norm(x: Vector | Weights) -> float:
    if isinstance(x, Weights):
        return float(np.sqrt(sum((np.asarray(t, dtype=np.float64) ** 2).sum() for t in x.tensors.values())))
    return float(np.sqrt((x.array**2).sum()))


def unit(x: Vector) -> object:
    length = norm(x)
    return x.with_(x.array / length) if length > 0 else Missing("a vector of norm zero has no direction")


def dot(a: Vector, b: Vector) -> float:
    if a.array.shape != b.array.shape:
        raise ProbeError("widths-differ", "two vectors of different width meet")
    return float((a.array * b.array).sum())


def cosine(a: Vector, b: Vector) -> object:
    lengths = norm(a) * norm(b)
    return (
        float(np.clip(dot(a, b) / lengths, -1, 1)) if lengths > 0 else Missing("a vector of norm zero has no direction")
    )


def projection(x: Vector, onto: Vector) -> object:
    return dot(x, onto) / norm(onto) if norm(onto) > 0 else Missing("a vector of norm zero has no direction")


def positive(function: Callable, least: float, reason: str) -> Callable:
    return lambda x: Missing(reason) if x < least or (x == 0 and function is np.log) else float(function(x))


POINTWISE: dict[str, Callable] = {
    "norm": norm, "unit": unit, "dot": dot, "cosine": cosine, "projection": projection,
    "distance": lambda a, b: float(np.sqrt(((a.array - b.array) ** 2).sum())),
    "abs": lambda x: abs(float(x)), "sign": lambda x: float(np.sign(x)), "exp": lambda x: float(np.exp(x)),
    "log": positive(np.log, 0.0, "logarithm of a number that is not positive"),
    "sqrt": positive(np.sqrt, 0.0, "square root of a negative number"),
    "round": lambda x, digits=0: float(np.round(x, int(digits))),
    "size": lambda set: len(set) if isinstance(set, tuple) else 1,
}  # fmt: skip


def chosen(condition: object, yes: object, no: object) -> object:
    """`if(condition, yes, no)`: the value that is not chosen may be missing."""
    return condition if isinstance(condition, Missing) else (yes if condition else no)


# **** reductions ****


def row_axes(x: Relation) -> list[str]:
    """What a reducer takes away when no axis is named: the data axes, and a contrast's sides with them."""
    here = [name for name in x.axes() if name in x.data]
    return [*here, *(["side"] if here and "side" in x.axes() else [])]


def present(rows: list[Row]) -> list[Row]:
    return [r for r in rows if not isinstance(r.value, Missing)]


def reason(rows: list[Row], otherwise: str = "too few values") -> Missing:
    """Why a reduction has no value: the first reason when every cell had one."""
    if rows and not present(rows):
        return rows[0].value
    return Missing(otherwise if rows else "there are no items")


def over(function: Callable[[list[object]], object]) -> Callable:
    """A reducer of the values that are there."""

    def reducer(x: Relation, over: str | None = None) -> Relation:
        gone = row_axes(x) if over is None else [over]
        if over is not None and over not in x.axes():
            raise ProbeError("unknown-axis", f"there is no axis {over} here")
        return reduce(
            x, gone, lambda rows: function([r.value for r in present(rows)]) if present(rows) else reason(rows)
        )

    return reducer


def total(values: list[object]) -> object:
    return like(values[0], np.sum([array(v) for v in values], axis=0))


def average(values: list[object]) -> object:
    return like(values[0], np.mean([array(v) for v in values], axis=0))


def mean(x: Relation, over_: str | None = None) -> Relation:
    """Mean over an axis, or over items from the inside out: so each item counts once."""
    if over_ is not None:
        return over(average)(x, over_)
    for name in [n for n in row_axes(x) if n not in ("item", "side")] + ["side", "item"]:
        if name in row_axes(x):
            x = over(average)(x, name)
    return x


def mean_diff(x: Relation) -> Relation:
    """Mean of the positive side less mean of the negative one."""
    sides = {side: mean(Relation(tuple(Row({k: v for k, v in r.at.items() if k != "side"}, r.value) for r in x.rows
                                       if r.at["side"] == side), x.data))
             for side in ("positive", "negative")}  # fmt: skip
    return lift(lambda a, b: binary("-", a, b), sides["positive"], sides["negative"])


def where_most(x: Relation, axis: str, sign: int) -> Relation:
    """Label of the largest (or smallest) value; the first of equal ones. Labels whose values nearly tie are allowed."""

    def found(rows: list[Row]) -> object:
        rows = present(rows)
        if not rows:
            return Missing("too few values")
        values = sign * np.array([float(r.value) for r in rows])
        near = values >= values.max() - TOLERANCE * np.abs(values).max()
        best, allowed = (
            rows[int(values.argmax())].at[axis],
            [r.at[axis] for r, ok in zip(rows, near, strict=True) if ok],
        )
        if isinstance(best, (int, float)) and not isinstance(best, bool):
            return Loose(best, allowed)
        return LooseText(best, allowed) if isinstance(best, str) else best

    return reduce(x, [axis], found)


def counted(function: Callable[[list[bool]], object], none: object) -> Callable:
    """count, any, all: over items, an axis, or all cells when there are no items."""

    def reducer(x: Relation, over: str | None = None) -> Relation:
        gone = [over] if over is not None else row_axes(x) or x.axes()
        return reduce(x, gone, lambda rows: function([bool(r.value) for r in present(rows)]) if present(rows) else none)

    return reducer


REDUCERS: dict[str, Callable] = {
    "mean": mean, "sum": over(total),
    "max": over(lambda v: float(max(v))), "min": over(lambda v: float(min(v))),
    "argmax": lambda x, over: where_most(x, over, 1), "argmin": lambda x, over: where_most(x, over, -1),
    "count": counted(lambda v: float(sum(v)), 0.0), "any": counted(any, Missing("too few values")),
    "all": counted(all, Missing("too few values")), "mean_diff": mean_diff,
}  # fmt: skip


# **** the package's functions, one cell at a time ****

WHOLE = ("median", "quantile", "sd", "sem", "slope", "area", "crossing", "pca", "sign_flip", "sign_test", "binomial",
         "t_test", "pearson", "spearman", "jaccard", "cka")  # fmt: skip


def cube(rows: list[Row], axes: list[str], data: frozenset[str]) -> Cube:
    """Rows as an array over some of their axes; a place without a row is missing."""
    labels = [list(dict.fromkeys(r.at[a] for r in rows if a in r.at)) for a in axes]
    shape = tuple(map(len, labels))
    cells = {tuple(r.at[a] for a in axes): r.value for r in rows}
    there = [v for v in cells.values() if not isinstance(v, Missing)]
    width = there[0].array.shape if there and isinstance(there[0], Vector) else ()
    textual = bool(there) and isinstance(there[0], str)
    values = np.full((*shape, *width), None if textual else np.nan, dtype=object if textual else np.float64)
    missing = np.full(shape, None, dtype=object)
    for index in np.ndindex(shape):
        value = cells.get(tuple(labels[i][at] for i, at in enumerate(index)), Missing("too few values"))
        missing[index] = str(value) if isinstance(value, Missing) else None
        if not isinstance(value, Missing):
            values[index] = value if textual else array(value)
    made = tuple(Axis(a, tuple(x), "data" if a in data else "written") for a, x in zip(axes, labels, strict=True))
    return Cube(made, values, None if np.equal(missing, None).all() else missing)


def plain(result: object, example: object = None) -> object:
    """A cube or record without axes as a value."""
    if isinstance(result, Record):
        fields = {name: plain(part) for name, part in result.fields.items()}
        return fields["value"] if isinstance(fields["value"], Missing) else fields
    if result.missing is not None and result.missing[()] is not None:
        return Missing(result.missing[()])
    if result.feature:
        return example.with_(np.asarray(result.values)) if isinstance(example, Vector) else np.asarray(result.values)
    value = result.values[()]
    return value.item() if isinstance(value, np.generic) else value


def by_package(name: str, x: Relation, other: Relation | None = None, over: str | None = None, **options) -> Relation:
    """Apply one of the package's reducers to each cell by itself."""
    function, method = get(name).function, options.get("adjust", "holm")
    gone = row_axes(x) if over is None else [over.partition(".")[0]]
    if over is not None:
        options["over"] = over

    def whole(rows: list[Row]) -> object:
        example = next((r.value for r in rows if isinstance(r.value, Vector)), None)
        axes = sorted(
            (a for a in gone if any(a in r.at for r in rows)),
            key=["item", "side"].index if set(gone) <= {"item", "side"} else gone.index,
        )
        if other is None:
            found = plain(function(cube(rows, axes, x.data), **options), example)
            return {**found, "method": method} if isinstance(found, dict) else found
        pairs = [Row(r.at, r.value[i]) for i in (0, 1) for r in rows]
        half = len(rows)
        return plain(function(cube(pairs[:half], axes, x.data), cube(pairs[half:], axes, x.data), **options))

    if other is None:
        return reduce(x, gone, whole)
    both = lift(lambda a, b: (a, b), x, other)
    return reduce(Relation(both.rows, both.data), gone, whole)


def noise(name: str, vector: Relation, seed: Relation) -> Relation:
    """`random_unit`, `random_gaussian`: a function of the seed and of all labels of the cell of `like`."""
    function = get(name).function
    whole = lift(lambda v, s: (v, s), vector, seed)
    own = set(vector.axes())
    rows = []
    for row in whole.rows:
        if isinstance(row.value, Missing):
            rows.append(row)
            continue
        v, s = row.value
        names = [a for a in row.at if a in own]
        one = Cube(tuple(Axis(a, (row.at[a],)) for a in names), v.array.reshape((1,) * len(names) + v.array.shape))
        rows.append(Row(row.at, v.with_(np.asarray(function(one, int(s)).values).reshape(v.array.shape))))
    return Relation(tuple(rows), whole.data)


def z_score(x: Relation, null: Relation, over: str = "seed", **options) -> Relation:
    """The package's z score of one value against one null; `adjusted` is filled in by the statement."""
    function, method = get("z_score").function, options.get("adjust", "holm")
    nulls = Relation(tuple(Row(at, rows) for at, rows in groups(null, [over])), null.data)

    def score(value: float, rows: list[Row]) -> object:
        found = plain(function(scalar(float(value)), cube(rows, [over], null.data), over=over, **options))
        return {**found, "method": method} if isinstance(found, dict) else found

    return lift(score, x, nulls)


def holm(ps: dict[Hashable, float]) -> dict[Hashable, float]:
    """Holm's correction of the p values of a family."""
    found, least = {}, 0.0
    for number, (key, p) in enumerate(sorted(ps.items(), key=lambda pair: pair[1])):
        least = max(least, min(1.0, p * (len(ps) - number)))
        found[key] = least
    return found


def corrected(tests: Relation) -> Relation:
    """Rule 15: the p values of all cells are one family; Holm unless said otherwise.

    A family stays what it is when cells are selected from it.
    """
    records = {i: r.value for i, r in enumerate(tests.rows) if isinstance(r.value, dict) and "family" not in r.value}
    ps = {
        i: v["p"] for i, v in records.items() if "p" in v and not isinstance(v["p"], Missing) and not np.isnan(v["p"])
    }
    if not records:
        return tests
    method = next(iter(records.values())).get("method", "holm")
    adjusted = holm(ps) if method == "holm" else by_method(ps, method)
    rows = [Row(r.at, {**r.value, "family": True, **({"adjusted": adjusted[i]} if i in adjusted else {})})
            if i in records else r for i, r in enumerate(tests.rows)]  # fmt: skip
    return Relation(tuple(rows), tests.data)


def by_method(ps: dict[Hashable, float], method: str) -> dict[Hashable, float]:
    """The package's other corrections."""
    return dict(zip(ps, adjust(np.array(list(ps.values())), method).tolist(), strict=True))
