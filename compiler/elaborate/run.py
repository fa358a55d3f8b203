"""Elaborate a whole spec: every statement that leaves a result, then what nothing uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...grammar.diagnostics import Diagnostic
from ...grammar.tree import NOWHERE
from .. import errors, ir
from ..signature import Catalogue
from . import declarations, stacks
from .core import Elaborator
from .env import Env, Scope
from .program import Program
from .prompts import placeholders

ROOTS = ("direction", "statistic", "claim", "plot")


def elaborate(
    spec: ir.Spec, catalogue: Catalogue, overrides: dict[str, ir.Expr] | None = None
) -> tuple[Program, list[Diagnostic]]:
    """Turn a resolved spec into a typed graph.

    `overrides` replace the values of `param`s, by name (dotted for those of a used spec). Returns the program and all
    problems; the program is whole only when none of them is an error.
    """
    el = Elaborator(catalogue)
    el.modules = declarations.Modules(overrides={name: (value, "") for name, value in (overrides or {}).items()})
    el.modules.add(spec)
    for statement in spec.statements:
        if isinstance(statement, ir.Define) and statement.keyword in ROOTS and not statement.params:
            declarations.value(el, statement.name, Env(), statement.name_span or NOWHERE)
            el.modules.used.discard(statement.name)
    look_at_the_rest(el, spec)
    unused_columns(el, spec)
    order = {s.name: i for i, s in enumerate(spec.statements) if not isinstance(s, ir.DatasetOf)}
    el.program.statements.sort(key=lambda s: order.get(s.name, 0))
    return el.program, sorted(el.problems.values(), key=lambda d: d.order)


def left_out(spec: ir.Spec, program: Program) -> list[Diagnostic]:
    """No result is left out in silence: what could not be typed, and was no error, is a gap of the checker."""
    made = {s.name for s in program.statements}
    wanted = (s for s in spec.statements if isinstance(s, ir.Define) and s.keyword in ROOTS and not s.params)
    return [errors.untyped(s.name_span or NOWHERE, s.name) for s in wanted if s.name not in made]


def look_at_the_rest(el: Elaborator, spec: ir.Spec) -> None:
    """Find problems in declarations that nothing uses, and say that nothing uses them."""
    used = set(el.modules.used)
    referenced = used | names_referenced(spec)
    library = not any(isinstance(s, ir.Define) and s.keyword in ROOTS for s in spec.statements)
    any_model = Env(model=el.unknown, model_scope=Scope(used=True))
    for s in spec.statements:
        names = s.names if isinstance(s, ir.DatasetOf) else (s.name,)
        params = getattr(s, "params", None)
        for name in names:
            if name not in used:
                if params:
                    looked_at(
                        el,
                        s,
                        lambda n=name, p=params: declarations.applied(el, n, [el.unknown] * len(p), any_model, NOWHERE),
                    )
                elif not (isinstance(s, ir.Define) and s.keyword in ROOTS):
                    looked_at(el, s, lambda n=name: declarations.value(el, n, any_model, NOWHERE))
            if (
                name in referenced
                or library
                or (isinstance(s, ir.Define) and s.keyword in ("statistic", "claim", "plot"))
            ):
                continue
            span = (
                s.name_spans[s.names.index(name)]
                if isinstance(s, ir.DatasetOf) and s.name_spans
                else getattr(s, "name_span", None)
            ) or NOWHERE
            el.report(errors.unused(span, s.keyword if isinstance(s, ir.Define) else s.node, name))


def looked_at(el: Elaborator, statement: ir.Statement, look: Callable[[], object]) -> None:
    try:
        look()
    except stacks.TooMany as problem:
        el.report(errors.too_many_cells(declarations.place_of(statement), problem.sizes))


def unused_columns(el: Elaborator, spec: ir.Spec) -> None:
    """Warn of derived columns that no text, condition or plot uses."""
    derived = {c.name: c for s in spec.statements if isinstance(s, ir.DatasetOf) for c in s.columns}
    used: set[str] = set()
    for node in parts(spec) if derived else ():
        match node:
            case ir.Literal_(value=str() as text):
                used |= set(placeholders(text))
            case ir.Ref(to="column", name=name) | ir.AttributeOf(name=name):
                used.add(name)
            case ir.AxisRef(name=name):
                used |= set(name.split("."))
    for name, column in derived.items():
        if name not in used:
            el.report(errors.unused_column(column.span or NOWHERE, name))


def names_referenced(spec: ir.Spec) -> set[str]:
    """Names of declarations that a spec's own text refers to."""
    found: set[str] = set()
    for node in parts(spec):
        match node:
            case ir.Ref(to="declaration", name=name) | ir.Instance(name=name) | ir.Binder(name=name, values=None):
                found.add(name)
            case ir.AxisRef(name=name):
                found.add(name.partition(".")[0])
    return found


def parts(node: object) -> Iterator[object]:
    """A node of the IR and everything below it, but for the specs that it uses."""
    if isinstance(node, ir.Use):
        for given in node.overrides:
            yield from parts(given.value)
        return
    yield node
    for name in getattr(node, "__dataclass_fields__", ()):
        value = getattr(node, name)
        for part in value if isinstance(value, tuple) else (value,):
            if hasattr(part, "__dataclass_fields__") and "span" not in name:
                yield from parts(part)
