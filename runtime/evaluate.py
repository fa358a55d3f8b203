"""Evaluate the arithmetic of the graph over results of work nodes. Knows nothing of models or batches.

The same function serves the plain value and its replicates: reducers get a context of item weights (semantics 14).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..compiler.elaborate.stacks import elements
from ..compiler.graph import Node
from ..compiler.kinds import AxisName, ColumnName
from ..compiler.signature import Parameter, Signature
from . import registry
from .arithmetic import (
    OPERATORS,
    as_numbers,
    column_cube,
    divide,
    label_array,
    numeric,
    refuse_mixed,
    truths,
    whole_where_exact,
    within_range,
)
from .binding.axes import axes_of, axis_of, models_below
from .binding.bindings import Bindings
from .binding.revisions import revision_columns
from .binding.written import texts_of
from .cube import Axis, Cube, align, elementwise, merge_missing, scalar
from .errors import NotYet, ProbeError
from .paged import cell_by_cell
from .record import Record
from .replicates import PLAIN, Context
from .selections import Ragged, corrected, joined, masked, method_of, parts_of, selected

WORK = ("run", "generate", "judge", "train")
ASKED = ("read", "run", "next-token", "lens", "weights")
READING = ("run", "weights", "unembedding")


@dataclass
class Evaluator:
    """Values of nodes, each computed once per context. `results` holds those of work nodes."""

    bindings: Bindings
    results: dict[str, object]
    context: Context = PLAIN
    _memo: dict[str, object] = field(default_factory=dict)
    _reading: dict[str, bool] = field(default_factory=dict)
    _waiting: dict[str, bool] = field(default_factory=dict)
    _homes: dict[str, str] = field(default_factory=dict)

    def under(self, context: Context) -> Evaluator:
        """The same results under other item weights."""
        return Evaluator(self.bindings, self.results, context, {}, self._reading, self._waiting, self._homes)

    def value(self, node: Node) -> object:
        """The value of a node: a cube, a record, a ragged stack, or a literal."""
        if node.key in self.results:
            return self.results[node.key]
        if node.key in self._memo:
            return self._memo[node.key]
        if self._bare(node):
            return self._kept(node, f"{node.key} of {self._models_of_home()}")
        outer, self.home = self.home, node if self._models(node) else self.home
        try:
            return self._kept(node, node.key)
        finally:
            self.home = outer

    def _kept(self, node: Node, key: str) -> object:
        if key not in self._memo:
            self._memo[key] = self._compute(node)
        return self._memo[key]

    def _models(self, node: Node) -> bool:
        """Whether a node reads a model: then its own models tell the layers that bare labels below it walk."""
        if node.key not in self._reading:
            self._reading[node.key] = node.op in READING or any(self._models(n) for _, n in node.inputs)
        return self._reading[node.key]

    def _bare(self, node: Node) -> bool:
        """Whether a node has labels of layers but no model: then its value depends on where it stands."""
        if node.key not in self._waiting:
            label = node.op == "label" and node.axes[0].labels is None
            below = label or any(self._bare(n) for _, n in node.inputs)
            self._waiting[node.key] = below and not self._models(node)
        return self._waiting[node.key]

    def _models_of_home(self) -> str:
        if self.home is None:
            return ""
        if self.home.key not in self._homes:
            self._homes[self.home.key] = " ".join(sorted(m.key for m in models_below(self.home)))
        return self._homes[self.home.key]

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

    home: Node | None = None  # the nearest value above that reads models: they tell the layers of a bare label

    def _list(self, node: Node) -> list:
        return [self.value(n) for _, n in sorted(node.inputs, key=lambda p: int(p[0][1:]))]

    def _column(self, node: Node) -> Cube:
        table = self.bindings.table(node.input("dataset"))
        axes = axes_of(self.bindings, node)
        name = str(node.param("name"))
        return column_cube(axes, table.column(name), f"the column {name!r} has no value in this row")

    def _response_text(self, node: Node) -> Cube:
        """What a model wrote, as texts."""
        return texts_of(self.bindings, node.input("generated"))

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
        if operator in ("/", "%"):
            return divide(OPERATORS[operator], left, right)
        refuse_mixed(operator, left, right)
        try:
            return within_range(elementwise(whole_where_exact(operator), *numeric(operator, left, right)))
        except TypeError:
            message = f"`{operator}` does not take these values: they are not all numbers"
            raise ProbeError("not-numbers", message, "use a column of numbers, or compare with a text") from None

    def _negate(self, node: Node) -> Cube:
        return elementwise(np.negative, as_numbers(self.cube(node.input("operand"))))

    def _not(self, node: Node) -> Cube:
        return elementwise(np.logical_not, truths(self.cube(node.input("operand"))))

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
        labels = tuple(node.param("labels"))
        columns = revision_columns(labels, elements(node)) if node.axes[0].name == "revision" else {}
        return joined(Axis(node.axes[0].name, labels, node.axes[0].kind, columns), parts)

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
        found, method = self.value(node.input("value")), method_of(node.input("value"))
        return corrected(found, "holm" if method is None else self.value(method))

    # **** operations ****

    def _operation(self, node: Node) -> object:
        if node.op in ASKED:
            raise NotYet(node.op)
        operation = registry.get(node.op)
        if operation.signature.work in WORK and not captured(node):
            raise NotYet(node.op)
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
        if "tokenizer" in operation.function.__code__.co_varnames:
            arguments["tokenizer"] = self.bindings.tokenizer(node.input("model"))
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

    def measured(*captured: Cube) -> Cube:
        cubes = align(*captured)
        flat = [torch.from_numpy(np.array(c.values)).reshape(-1, c.feature[0]) for c in cubes]
        found = function(**{**arguments, **dict(zip(names, flat, strict=True))})
        return Cube(cubes[0].axes, found.numpy().reshape(cubes[0].shape), merge_missing(cubes))

    return cell_by_cell(measured)(*(arguments[k] for k in names))


def python_name(name: str) -> str:
    from keyword import iskeyword

    return name + "_" if iskeyword(name) else name


def column_values(bindings: Bindings, node: Node, table) -> list:
    """The values of an expression over the columns of a table, row by row."""
    found = Evaluator(bindings, bindings.results).cube(node)
    shape = found.shape or (len(table),)
    values, there = np.broadcast_to(found.values, shape), np.broadcast_to(found.present(), shape)
    plain = [v.item() if isinstance(v, np.generic) else v for v in values]
    return [v if ok else None for v, ok in zip(plain, there, strict=True)]
