"""Expressions of the IR to relations: names, binders, `at`, `on`, `under`, selections. The core of the definition.

Every expression denotes a relation from coordinates to values. A name of a `for` denotes its axis, so that operations
broadcast by joining coordinates; nothing here depends on the order in which cells are computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from probelang.compiler import ir
from probelang.compiler.builtins import PARTS, SIDES, SITES
from probelang.runtime.data.table import Table
from probelang.runtime.errors import ProbeError
from probelang.runtime.text.positions import (
    All,
    Bos,
    Complement,
    Coordinate,
    First,
    Last,
    TemplateTokens,
    Union,
)
from probelang.runtime.text.template import SystemMode

from . import calls, declarations, loops, reading
from .environment import Bound, Env
from .labels import text_of
from .relation import (
    Missing,
    Relation,
    Row,
    along,
    lift,
    look_up,
    one,
    paired,
    pick,
)
from .statistics import binary, corrected
from .texts import segment_tokens
from .values import AllOf, End, Listed, Part, Pool, Prompts, Site, Tokens, Vector, Written

PLAIN = (bool, int, float, str, tuple)
SINGLE = (First, Last, Bos, End, Coordinate)
WHOLE = {"first": First(), "last": Last(), "bos": Bos(), "template": TemplateTokens(), "all": All(), "tokens": All()}
POOLS = {"mean": np.mean, "max": np.max, "sum": np.sum}


def interpret(spec: ir.Spec, root: str | Path, params: Mapping[str, object] | None = None) -> dict[str, list[dict]]:
    """Evaluate every direction, statistic and claim of a resolved spec.

    Paths are relative to `root`; `params` override `param`s by name, as plain values or expressions. Gives rows by
    statement: a column for each axis (items under `item`, by key), then `value`: a number, text, truth value, vector
    (numpy), or `Missing`, the reason why there is none. Tests have their other fields beside `value`.
    """
    interpreter = Interpreter(spec, Path(root), dict(params or {}))
    kept = ("direction", "statistic", "claim")
    named = [s.name for s in spec.statements if isinstance(s, ir.Define) and s.keyword in kept and s.params is None]
    return {name: [shown(row) for row in interpreter.named(name, Env()).rows] for name in named}


def shown(row: Row) -> dict:
    """A row of a result."""
    value = row.value.array if isinstance(row.value, Vector) else row.value
    fields = (
        {k: v for k, v in value.items() if k not in ("family", "method")}
        if isinstance(value, dict)
        else {"value": value}
    )
    return {**row.at, **fields}


class Interpreter:
    """Holds the declarations of a spec and of those it uses."""

    def __init__(self, spec: ir.Spec, root: Path, overrides: dict[str, object]) -> None:
        self.root, self.overrides = root, overrides
        self.statements = declarations.collected(spec, self.overrides)
        self.closed: dict[str, object] = {}

    # **** names ****

    def named(self, name: str, env: Env, params: Mapping | None = None) -> Relation | Listed:
        """What a declaration stands for. A `let` or an `intervention` takes the model and interventions in force."""
        statement = self.statements[name]
        is_open = isinstance(statement, ir.Define) and statement.keyword in ("let", "intervention")
        if not is_open and params is None:
            if name not in self.closed:
                self.closed[name] = self.body(name, statement, Env(module=name[: name.rfind(".") + 1]))
            return self.closed[name]
        inner = Env(module=name[: name.rfind(".") + 1], params=params or {})
        if is_open:
            inner = inner.with_(model=env.model, interventions=env.interventions, place=env.place)
        return self.body(name, statement, inner)

    def body(self, name: str, s: ir.Statement, env: Env) -> Relation | Listed:
        match s:
            case ir.DatasetOf():
                return declarations.dataset(self, name.rsplit(".", 1)[-1], s, env)
            case ir.PromptsOf() | ir.ContrastOf():
                return declarations.prompts(self, name, s, env)
            case ir.Define(keyword="param") if name in self.overrides:
                return self.expr(declarations.literal(self.overrides[name]), env)
            case ir.Define(keyword="axis"):
                return loops.axis(self, s.name, s.value, env)
            case ir.Define(keyword="direction" | "statistic" | "claim"):
                return self.statement(s, env)
            case ir.Define():
                return self.expr(s.value, self.bound(s.loop, env))
        raise AssertionError(s)

    def bound(self, loop: ir.Loop | None, env: Env) -> Env:
        """Put the binders of a `for` in scope; they see each other."""
        inner = env
        for _ in loop.binders if loop is not None else ():
            inner = env.with_(binders={b.name: Bound(b, inner) for b in loop.binders})
        return inner

    def statement(self, s: ir.Define, env: Env) -> Relation:
        """A closed statement: its model is the model axis of its `for`, else the file's only model."""
        env = self.bound(s.loop, env.with_(model=self.only_model(env)))
        axis = next((b for b in s.loop.binders if loops.is_model(self, b, env)), None) if s.loop is not None else None
        if axis is not None:
            env = env.with_(model=loops.binder(self, axis.name, env))
        result = self.expr(s.value, env).map(lambda v: response(v))
        if s.loop is not None and s.loop.where is not None:
            holds = self.expr(s.loop.where, env)
            result = Relation(held(paired(result, holds)), result.data | holds.data)
        return corrected(result)

    def only_model(self, env: Env) -> Relation | None:
        found = [n for n, s in self.statements.items() if isinstance(s, ir.Define) and s.keyword == "model"
                 and n.startswith(env.module) and "." not in n[len(env.module):]]  # fmt: skip
        return self.named(found[0], env) if len(found) == 1 and self.statements[found[0]].params is None else None

    # **** expressions ****

    def expr(self, e: ir.Expr, env: Env) -> Relation | Listed:
        """The value of an expression at a place."""
        match e:
            case ir.Literal_():
                return one(e.value)
            case ir.Ref():
                return self.reference(e, env)
            case ir.ListOf():
                items = tuple(self.expr(i, env.with_(place=False)) for i in e.items)
                return Listed(items, tuple(label(i, source) for i, source in zip(items, e.items, strict=True)))
            case ir.RangeOf():
                ends = [1 if x is None else only(self.expr(x, env)) for x in (e.start, e.stop, e.step)]
                return calls.listed(written_range(*ends))
            case ir.CallOf():
                return calls.call(self, e, env)
            case ir.Instance():
                name = env.module + e.name
                arguments = [self.expr(a, env) for a in e.arguments]
                return self.named(name, env, dict(zip(self.statements[name].params, arguments, strict=True)))
            case ir.AttributeOf():
                return self.attribute(e, env)
            case ir.SelectOf():
                return self.select(e, env)
            case ir.ApplyOf(operator="at"):
                return reading.at(self, e, env)
            case ir.ApplyOf(operator="on"):
                inner = env.with_(model=self.expr(e.right, env.clean()))
                return reading.bound(self.expr(e.left, inner), inner)
            case ir.ApplyOf(operator="under"):
                given = self.expr(e.right, env.clean())
                more = given.items if isinstance(given, Listed) else (given,)
                inner = env.with_(interventions=(*env.interventions, *more))
                return reading.bound(self.expr(e.left, inner), inner)
            case ir.UnaryOf():
                return self.expr(e.operand, env).map(lambda v: unary(e.operator, v))
            case ir.BinaryOf():
                return lift(lambda a, b: operate(e.operator, a, b), self.expr(e.left, env), self.expr(e.right, env))
        raise ProbeError("not-in-reference", f"the reference interpreter has no {type(e).__name__}")

    def reference(self, e: ir.Ref, env: Env) -> Relation | Listed:
        if e.to == "binder":
            return loops.binder(self, e.name, env)
        if e.to == "parameter":
            return env.params[e.name]
        if e.to == "declaration":
            return self.named(env.module + e.name, env)
        if env.axes_of is not None and e.name in env.axes_of.axes():
            return along(e.name, env.axes_of.labels(e.name), e.name in env.axes_of.data)
        own = env.columns_of.rows[0].value if env.columns_of is not None else None
        if e.to == "column" or (isinstance(own, Table) and e.name in own.columns):
            return column(env.columns_of, e.name)
        if e.name in ("all_layers", "all_heads"):
            return calls.listed(range(loops.size(e.name[4:-1], env)))
        if e.name in ("default", "empty"):
            return one(SystemMode(e.name))
        if e.name == "none":
            return one(None)
        if e.name in SITES:
            return one(Site(e.name))
        if e.name in PARTS:
            return one(Part(e.name))
        raise ProbeError("not-in-reference", f"the reference interpreter has no {e.name}")

    # **** attributes and selections ****

    def attribute(self, e: ir.AttributeOf, env: Env) -> Relation:
        base = self.expr(e.base, env.with_(place=False))
        first = next((r.value for r in base.rows if not isinstance(r.value, Missing)), None)
        name = e.name
        if isinstance(first, (Prompts, Written)):
            if name in SIDES and "side" in base.axes():
                return pick(base, "side", name)
            if name in POOLS:
                return base.map(lambda p: Pool(Tokens(p, All()), name))
            return base.map(lambda p: Tokens(p, WHOLE.get(name) or segment_tokens(reading.below(p), name)))
        if isinstance(first, Tokens):
            if name in POOLS:
                return base.map(lambda t: Pool(t, name))
            return base if name == "tokens" else base.map(lambda t: Tokens(t.prompts, End(t.expression, name)))
        if isinstance(first, Table):
            return column(base, name)
        if isinstance(first, (Site, Part)):
            return base.map(lambda s: Part(f"{s.name}.{name}"))
        if isinstance(first, dict) or first is None:
            return corrected(base).map(lambda record: record[name])
        raise ProbeError("not-in-reference", f"the reference interpreter has no .{name} here")

    def select(self, e: ir.SelectOf, env: Env) -> Relation:
        """`x[axis=label]`, `x[predicate]`, `set[0]`, `resid_post[layer]`, `weights[part]`: one syntax."""
        if isinstance(e.base, ir.Ref) and e.base.to == "builtin" and e.base.name == "weights":
            indices = [self.expr(a.value, env) for a in e.arguments]
            return lift(calls.weights, env.model, *indices)
        base = self.expr(e.base, env.with_(place=False))
        if isinstance(base, Listed):
            return base.items[only(self.expr(e.arguments[0].value, env))]
        if isinstance(base.rows[0].value, Site):
            return self.indexed(base, e, env)
        for argument in e.arguments:
            if argument.name is not None:
                base = self.chosen(base, argument.name, argument.value, env.clean())
            elif isinstance(argument.value, (ir.Literal_, ir.UnaryOf)) and isinstance(e.base, ir.Ref):
                index = only(self.expr(argument.value, env))
                base = base.map(lambda v: v[index] if isinstance(v, tuple) else v)
            else:
                holds = self.expr(argument.value, env.with_(axes_of=base))
                base = Relation(held(paired(base, holds)), base.data)
        return base

    def indexed(self, base: Relation, e: ir.SelectOf, env: Env) -> Relation:
        names = SITES[base.rows[0].value.name].indices
        for position, argument in enumerate(e.arguments):
            index = self.expr(argument.value, env.with_(place=False))
            key = argument.name or names[position]
            if isinstance(index, Listed):
                index = one(AllOf(only(i) for i in index.items))
            base = lift(lambda s, i, key=key: s.indexed(key, whole(i)), base, index)
        return base

    def chosen(self, base: Relation, axis: str, e: ir.Expr, env: Env) -> Relation:
        """`x[axis=label]`: the label as it is written, or as it is found in each cell."""
        if isinstance(e, ir.Ref) and e.to == "column":
            return pick(base, axis, by_text(base, axis, e.name))
        if isinstance(e, ir.ListOf):
            parts = [one(i.name) if isinstance(i, ir.Ref) and i.to == "column" else self.expr(i, env) for i in e.items]
            labels = lift(lambda *x: tuple(sorted(x)), *parts)
        else:
            labels = self.expr(e, env)
        if isinstance(e, ir.Ref) and e.to == "binder":
            labels = Relation(tuple(Row(r.at, r.at.get(e.name, r.value)) for r in labels.rows), labels.data)
        if isinstance(labels, Listed) or not all(isinstance(r.value, PLAIN) for r in labels.rows):
            return pick(base, axis, by_text(base, axis, text_of(e)))
        if labels.axes():
            return look_up(base, axis, labels)
        value = text_of(e) if isinstance(only(labels), Missing) else only(labels)
        return pick(base, axis, value if value in base.labels(axis) else by_text(base, axis, str(value)))


def held(pairs: list[tuple]) -> tuple[Row, ...]:
    """The rows for which a condition holds; where it could not be computed, a cell says so."""
    gone = "the condition could not be computed: "
    kept = [(at, value, ok) for at, value, ok in pairs if ok is True or isinstance(ok, Missing)]
    return tuple(Row(at, value if ok is True else Missing(gone + ok)) for at, value, ok in kept)


def by_text(base: Relation, axis: str, text: str) -> object:
    """The label that reads as `text`; an axis without one is an error."""
    return next((x for x in base.labels(axis) if str(x) == text), text)


def column(base: Relation, name: str) -> Relation:
    """A column of a dataset: a value per item; of texts, a value per text."""
    if isinstance(base.rows[0].value, Written):
        return Relation(tuple(Row(r.at, r.value.row(r.at)[name]) for r in base.rows), base.data)
    gone = Missing(f"the column {name!r} has no value in this row")
    rows = [Row({**r.at, "item": key}, gone if value is None else value) for r in base.rows
            for key, value in zip(r.value.keys, r.value.column(name), strict=True)]  # fmt: skip
    return Relation(tuple(rows), base.data | {"item"})


def response(value: object) -> object:
    """A response where a value is asked is its text."""
    return value.prompts.text if isinstance(value, Tokens) and isinstance(value.prompts, Written) else value


def only(x: Relation) -> object:
    """The value of a relation without axes."""
    if len(x.rows) != 1:
        raise ProbeError("option-varies", "this has to be one value")
    return x.rows[0].value


def whole(index: object) -> object:
    """A layer or head as an integer; sets of them stay sets."""
    return index if isinstance(index, tuple) else int(index)


def label(value: Relation | Listed, source: ir.Expr) -> object:
    """What an element of a list is called: its own value when it is a number or text, else as it is written."""
    if isinstance(value, Relation) and len(value.rows) == 1 and not value.axes():
        own = value.rows[0].value
        if isinstance(own, PLAIN) and not isinstance(own, Missing):
            return own
    return text_of(source)


def unary(operator: str, value: object) -> object:
    if isinstance(value, Tokens):
        return Tokens(value.prompts, Complement(value.expression))
    if operator == "not":
        return not value
    if operator == "+":
        return value
    if isinstance(value, Vector):
        return value.with_(-value.array)
    return -value if isinstance(value, (int, float)) and not isinstance(value, bool) else -float(value)


def operate(operator: str, a: object, b: object) -> object:
    if isinstance(a, Tokens):
        return Tokens(a.prompts, Union((a.expression, b.expression)))
    both = all(isinstance(v, int) and not isinstance(v, bool) for v in (a, b))
    if both and operator in "+-*":
        return {"+": a + b, "-": a - b, "*": a * b}[operator]
    return binary(operator, a, b)


def written_range(start: float, stop: float, step: float) -> list:
    """The numbers from start to stop, both included."""
    count = int((stop - start) / step + 1e-9) + 1
    values = [start + i * step for i in range(count)]
    return values if all(isinstance(x, int) for x in (start, stop, step)) else [round(v, 12) for v in values]
