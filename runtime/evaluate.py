"""Evaluate the arithmetic of the graph over results of work nodes. Knows nothing of models or batches.

The same function serves the plain value and its replicates: reducers get a context of item weights (semantics 14).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..compiler.graph import Node
from ..compiler.kinds import AxisName, ColumnName
from ..compiler.signature import Parameter, Signature
from . import registry
from .binding.axes import axis_of
from .binding.bindings import Bindings
from .cube import Axis, Cube, align, elementwise, merge_missing, scalar, stack
from .errors import ProbeError
from .record import Record, adjust_family
from .replicates import PLAIN, Context


@dataclass(frozen=True, eq=False)
class Ragged:
    """A stack whose elements have different axes; it is flattened when a table is made of it."""

    axis: Axis
    parts: tuple[object, ...]


class NotYet(ProbeError):
    """A value that an earlier stage computes, asked for before that stage has run."""

    def __init__(self, node: Node) -> None:
        super().__init__("not-yet", f"`{node.op}` has not been computed yet")


WORK = ("run", "generate", "judge", "train")
ASKED = ("read", "run", "next-token", "lens", "weights")


@dataclass
class Evaluator:
    """Values of nodes, each computed once per context. `results` holds those of work nodes."""

    bindings: Bindings
    results: dict[str, object]
    context: Context = PLAIN
    _memo: dict[str, object] = field(default_factory=dict)

    def under(self, context: Context) -> Evaluator:
        """The same results under other item weights."""
        return Evaluator(self.bindings, self.results, context)

    def value(self, node: Node) -> object:
        """The value of a node: a cube, a record, a ragged stack, or a literal."""
        if node.key in self.results:
            return self.results[node.key]
        if node.key not in self._memo:
            self._memo[node.key] = self._compute(node)
        return self._memo[node.key]

    def cube(self, node: Node) -> Cube:
        """The value of a node as a cube; a test gives its main value."""
        found = self.value(node)
        if isinstance(found, Record):
            return found.value
        if isinstance(found, Ragged):
            raise ProbeError(
                "ragged",
                f"the elements of axis {found.axis.name} have different axes of their own",
                "select one of them",
            )
        return found if isinstance(found, Cube) else scalar(found)

    def _compute(self, node: Node) -> object:
        special = getattr(self, "_" + node.op.replace("-", "_"), None)
        if special is not None:
            return special(node)
        return self._operation(node)

    # **** leaves ****

    def _const(self, node: Node) -> object:
        return node.param("value")

    def _none(self, node: Node) -> None:
        return None

    def _axis(self, node: Node) -> str:
        return str(node.param("name"))

    def _label(self, node: Node) -> Cube:
        axis = self.axis(node.axes[0], node)
        return Cube((axis,), label_array(axis.labels))

    def axis(self, axis, node: Node) -> Axis:
        """The axis of a label node; layers and heads are those of the statement's models."""
        try:
            return axis_of(self.bindings, axis, node)
        except ProbeError as error:
            if error.code != "unknown-labels" or self.home is None:
                raise
            return axis_of(self.bindings, axis, self.home)

    home: Node | None = None  # the statement's root, which tells the models that a bare label belongs to

    def _list(self, node: Node) -> list:
        return [self.value(n) for _, n in sorted(node.inputs, key=lambda p: int(p[0][1:]))]

    def _column(self, node: Node) -> Cube:
        table = self.bindings.table(node.input("dataset"))
        axis = axis_of(self.bindings, node.axes[0], node)
        return Cube((axis,), label_array(tuple(table.column(str(node.param("name"))))))

    def _vector(self, node: Node) -> Cube:
        """A direction from a safetensors file under the spec's folder."""
        from safetensors import safe_open

        from .data.paths import locate

        given = {k: n.param("value") for k, n in node.inputs if k in ("path", "name", "index")}
        path = locate(given["path"], root=self.bindings.root, allow_outside=self.bindings.allow_outside)
        with safe_open(path, framework="pt") as file:
            if given["name"] not in file.keys():
                raise ProbeError(
                    "no-such-tensor",
                    f"{path.name} has no tensor {given['name']!r}",
                    f"it has {', '.join(list(file.keys())[:8])}",
                )
            values = file.get_tensor(given["name"]).float().numpy()
        if given.get("index") is not None:
            index = int(given["index"])
            if values.ndim != 2 or not 0 <= index < len(values):
                shape = f"{given['name']!r} has shape {list(values.shape)}"
                raise ProbeError("no-such-row", f"{shape}, and no row {index}", "rows count from 0")
            values = values[index]
        if values.ndim != 1:
            raise ProbeError(
                "not-one-vector", f"{given['name']!r} has shape {list(values.shape)}", "name one of its rows: `index=…`"
            )
        return Cube((), values)

    # **** arithmetic ****

    def _binary(self, node: Node) -> Cube:
        left, right = self.cube(node.input("left")), self.cube(node.input("right"))
        operator = str(node.param("operator"))
        if operator == "/":
            return divide(left, right)
        return elementwise(OPERATORS[operator], *numeric(operator, left, right))

    def _negate(self, node: Node) -> Cube:
        return elementwise(np.negative, as_numbers(self.cube(node.input("operand"))))

    def _not(self, node: Node) -> Cube:
        return elementwise(np.logical_not, self.cube(node.input("operand")))

    def _direction(self, node: Node) -> object:
        return self.value(node.input("x"))

    def _label_item(self, node: Node) -> Cube:
        label, index = self.cube(node.input("label")), int(node.param("index"))
        return Cube(
            label.axes, np.array([v[index] if isinstance(v, tuple) else v for v in label.values]), label.missing
        )

    def _label_attribute(self, node: Node) -> Cube:
        label, name = self.cube(node.input("label")), str(node.param("name"))
        coords = label.axes[0].coords
        if name not in coords:
            raise ProbeError(
                "unknown-attribute",
                f"axis {label.axes[0].name} has no coordinate {name}",
                f"it has {', '.join(coords) or 'none'}",
            )
        return Cube(label.axes, label_array(coords[name]), label.missing)

    def _field(self, node: Node) -> object:
        found = self.value(node.input("record"))
        name = str(node.param("name"))
        if isinstance(found, Ragged):
            return Ragged(found.axis, tuple(p[name] for p in found.parts))
        return found[name]

    # **** stacks and selections ****

    def _stack(self, node: Node) -> object:
        parts = [self.value(n) for _, n in sorted(node.inputs, key=lambda p: int(p[0][1:]))]
        axis = Axis(node.axes[0].name, tuple(node.param("labels")), node.axes[0].kind)
        return joined(axis, parts)

    def _filter(self, node: Node) -> object:
        base, predicate = self.value(node.input("base")), self.cube(node.input("predicate"))
        if isinstance(base, Record):
            return Record({k: masked(c, predicate) for k, c in base.fields.items()})
        return masked(base if isinstance(base, Cube) else scalar(base), predicate)

    def _select(self, node: Node) -> object:
        base, label = self.value(node.input("base")), self.value(node.input("label"))
        return selected(base, str(node.param("axis")), label)

    def _statement(self, node: Node) -> object:
        """A family of tests: p values are corrected over all of its cells."""
        found = self.value(node.input("value"))
        return corrected(found, method_of(node.input("value")))

    # **** operations ****

    def _operation(self, node: Node) -> object:
        if node.op in ASKED:
            raise NotYet(node)
        operation = registry.get(node.op)
        if operation.signature.work in WORK and not captured(node):
            raise NotYet(node)
        if operation.function is None:
            raise ProbeError("planned", f"the operation `{node.op}` is planned, and does not run yet")
        signature = operation.signature
        arguments = {}
        for name, child in node.inputs:
            parameter = signature.parameter(name)
            if parameter is None:
                continue
            arguments[python_name(name)] = self._argument(child, parameter, signature)
        if signature.axes == "reduce-any":
            arguments = {k: flattened(v) if isinstance(v, Ragged) else v for k, v in arguments.items()}
        if signature.work == "run":
            return kernel_on(operation.function, arguments)
        if "ctx" in operation.function.__code__.co_varnames:
            arguments["ctx"] = self.context
        return operation.function(**arguments)

    def _argument(self, node: Node, parameter: Parameter, signature: Signature) -> object:
        if signature.replays == parameter.name:
            return lambda context: self.under(context).at_home(self.home).cube(node)
        if (AxisName in parameter.kinds or ColumnName in parameter.kinds) and node.op == "axis":
            return str(node.param("name"))
        if parameter.many:
            items = self.value(node)
            return items if isinstance(items, list) else [items]
        return self.value(node)

    def at_home(self, home: Node | None) -> Evaluator:
        """The same evaluator for the statement whose root is `home`."""
        self.home = home
        return self


def flattened(found: Ragged) -> Cube:
    """All cells of a ragged stack along one axis, for what counts cells whatever they are."""
    cubes = [p.value if isinstance(p, Record) else p if isinstance(p, Cube) else scalar(p) for p in parts_of(found)]
    values = np.concatenate([c.values.reshape(-1) for c in cubes])
    reasons = [
        np.full(c.values.size, None, dtype=object) if c.missing is None else c.missing.reshape(-1) for c in cubes
    ]
    missing = np.concatenate(reasons)
    axis = Axis("cell", tuple(range(len(values))), "computed")
    return Cube((axis,), values, None if np.equal(missing, None).all() else missing)


def captured(node: Node) -> bool:
    """Whether a measure compares distributions that were captured whole, and so is arithmetic."""
    return sum(c.op in ("next-token", "lens") for _, c in node.inputs) > 1


def kernel_on(function, arguments: dict) -> Cube:
    """A measure of captured distributions: its kernel on the logits of aligned cells."""
    import torch

    names = [k for k, v in arguments.items() if isinstance(v, Cube) and v.feature]
    cubes = align(*(arguments[k] for k in names))
    flat = {
        k: torch.from_numpy(np.array(c.values)).reshape(-1, c.feature[0]) for k, c in zip(names, cubes, strict=True)
    }
    found = function(**{**arguments, **flat})
    return Cube(cubes[0].axes, found.numpy().reshape(cubes[0].shape), merge_missing(cubes))


def python_name(name: str) -> str:
    from keyword import iskeyword

    return name + "_" if iskeyword(name) else name


def label_array(labels: tuple) -> np.ndarray:
    """Labels as an array: numbers and truth values as such, anything else as objects."""
    if labels and all(isinstance(v, bool) for v in labels):
        return np.array(labels, dtype=bool)
    if labels and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in labels):
        return np.array(labels)
    array = np.empty(len(labels), dtype=object)
    for i, v in enumerate(labels):
        array[i] = v
    return array


OPERATORS = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "%": np.mod, "**": np.power, "<": np.less, ">": np.greater,
    "<=": np.less_equal, ">=": np.greater_equal, "and": np.logical_and, "or": np.logical_or,
    "==": lambda a, b: np.asarray(a == b, dtype=bool), "!=": lambda a, b: np.asarray(a != b, dtype=bool),
}  # fmt: skip


def numeric(operator: str, left: Cube, right: Cube) -> tuple[Cube, Cube]:
    """Truth values count as 0 and 1 in arithmetic."""
    if operator in ("+", "-", "*", "**", "%"):
        return as_numbers(left), as_numbers(right)
    return left, right


def as_numbers(cube: Cube) -> Cube:
    return (
        Cube(cube.axes, cube.values.astype(np.float64), cube.missing)
        if cube.values.dtype.kind in "bf" and cube.values.dtype != np.float32 or cube.values.dtype.kind == "b"
        else cube
    )


def divide(left: Cube, right: Cube) -> Cube:
    """Quotient; where the divisor is zero the cell is missing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result = elementwise(np.divide, as_numbers(left), as_numbers(right))
    zero = align(left, right)[1].values == 0
    if result.feature or not np.any(zero):
        return result
    missing = np.full(result.shape, None, dtype=object) if result.missing is None else result.missing.copy()
    missing[np.logical_and(zero, np.equal(missing, None))] = "division by zero"
    return Cube(result.axes, np.where(zero, np.nan, result.values), missing)


NOT_SELECTED = "not selected"


def masked(cube: Cube, predicate: Cube) -> Cube:
    """The cube with the cells for which a predicate fails marked as not selected."""
    wide, mask = align(cube, predicate)
    out = ~mask.values.astype(bool)
    missing = np.full(wide.shape, None, dtype=object) if wide.missing is None else wide.missing.copy()
    missing[out] = NOT_SELECTED
    return Cube(wide.axes, np.array(wide.values), missing)


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


def method_of(node: Node) -> str:
    """The correction that a test asks for."""
    while node.op in ("stack", "filter"):
        node = node.input("e0") or node.input("base")
    given = node.input("adjust")
    return str(given.param("value")) if given is not None else "holm"


def corrected(found: object, method: str) -> object:
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
    return Cube(axes, values, None if np.equal(missing, None).all() else missing)


def column_values(bindings: Bindings, node: Node, table) -> list:
    """The values of an expression over the columns of a table, row by row."""
    found = Evaluator(bindings, {}).cube(node)
    values = found.values if found.axes else np.broadcast_to(found.values, (len(table),))
    return [v.item() if isinstance(v, np.generic) else v for v in values]
