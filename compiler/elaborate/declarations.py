"""Declarations by name: found in their module, elaborated when first needed, closed ones once."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..graph import Node
from ..kinds import Boolean, Model, Number, Text, Unknown
from . import datasets, loops, prompts, stacks
from .core import Elaborator
from .env import Env, Scope

OPEN = ("let", "intervention")


@dataclass
class Modules:
    """All declarations of the file and of the specs it uses, by dotted name."""

    statements: dict[str, ir.Statement] = field(default_factory=dict)
    # values for params, each with the module whose names it is written in
    overrides: dict[str, tuple[ir.Expr, str]] = field(default_factory=dict)
    cache: dict[str, Node] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    _kinds: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, spec: ir.Spec, prefix: str = "") -> None:
        for use in spec.uses:
            for given in use.overrides:
                self.overrides.setdefault(f"{prefix}{use.alias}.{given.name}", (given.value, prefix))
            self.add(use.spec, f"{prefix}{use.alias}.")
        for s in spec.statements:
            for name in s.names if isinstance(s, ir.DatasetOf) else (s.name,):
                self.statements.setdefault(prefix + name, s)

    def of_keyword(self, keyword: str, prefix: str = "") -> list[str]:
        """The names that a keyword declares in a module; asked for by every statement."""
        if (keyword, prefix) not in self._kinds:
            self._kinds[keyword, prefix] = [
                n for n, s in self.statements.items() if isinstance(s, ir.Define) and s.keyword == keyword
                and n.startswith(prefix) and "." not in n[len(prefix) :]
            ]  # fmt: skip
        return self._kinds[keyword, prefix]


def module_of(name: str) -> str:
    return name[: name.rfind(".") + 1]


def value(el: Elaborator, name: str, env: Env, span: Span) -> Node:
    """What `name` stands for at a place where `env` holds."""
    statement = el.modules.statements.get(name)
    if statement is None:
        return el.unknown
    el.modules.used.add(name)
    if name in el.modules.running:
        loop = el.modules.running[el.modules.running.index(name) :] + [name]
        return el.report(errors.cycle(span, loop))
    closed = not (isinstance(statement, ir.Define) and statement.keyword in OPEN)
    if closed and name in el.modules.cache:
        return el.modules.cache[name]
    el.modules.running.append(name)
    try:
        node = body(el, name, statement, env)
    except stacks.TooMany as problem:
        if not closed:
            raise
        node = el.report(errors.too_many_cells(place_of(statement), problem.sizes))
    finally:
        el.modules.running.pop()
    if closed:
        el.modules.cache[name] = node
    return node


def place_of(statement: ir.Statement) -> Span:
    """Where a statement's size is told: its `for`, else its name."""
    loop = getattr(statement, "loop", None)
    names = getattr(statement, "name_spans", None) or (getattr(statement, "name_span", None),)
    return (loop.span if loop is not None else names[0]) or NOWHERE


def applied(el: Elaborator, name: str, arguments: list[Node], env: Env, span: Span) -> Node:
    """A declaration with parameters, applied to arguments."""
    statement = el.modules.statements.get(name)
    if statement is None:
        return el.unknown
    el.modules.used.add(name)
    if name in el.modules.running:
        return el.report(errors.cycle(span, [*el.modules.running[el.modules.running.index(name) :], name]))
    names = getattr(statement, "params", None) or ()
    if len(names) != len(arguments):
        return el.unknown
    params = dict(zip(names, arguments, strict=True))
    el.modules.running.append(name)
    try:
        return body(el, name, statement, env.with_(params=params, binders={}), params)
    finally:
        el.modules.running.pop()


def body(el: Elaborator, name: str, statement: ir.Statement, env: Env, params: dict[str, Node] | None = None) -> Node:
    inner = Env(module=module_of(name), params=params or {})
    match statement:
        case ir.DatasetOf():
            return datasets.dataset(el, name, statement, inner)
        case ir.PromptsOf() | ir.ContrastOf():
            return prompts.prompts(el, name, statement, inner)
        case ir.Define(keyword=keyword) if keyword in OPEN:
            inner = inner.with_(model=env.model, model_scope=env.model_scope, interventions=env.interventions,
                                under_scopes=env.under_scopes, place=env.place)  # fmt: skip
            return loop_and_value(el, statement, inner)
        case ir.Define(keyword="param"):
            return param(el, name, statement, inner)
        case ir.Define(keyword="axis"):
            return axis(el, statement, inner)
        case ir.Define(keyword="model"):
            return model(el, name, statement, inner)
        case ir.Define():
            return closed(el, name, statement, inner)
    raise AssertionError(statement)


def param(el: Elaborator, name: str, statement: ir.Define, env: Env) -> Node:
    """The value of a param: its own, or the one that was given, which must be of the same plain kind."""
    own = el.expr(statement.value, env)
    if name not in el.modules.overrides:
        return own
    written, module = el.modules.overrides[name]
    given = el.expr(written, env.with_(module=module))
    for kinds in ((Number, Boolean), (Text,)):
        wanted, found = (issubclass(node.kind, kinds) for node in (own, given))
        if wanted and not found and issubclass(given.kind, (Number, Boolean, Text)):
            place = statement.value.span  # of a value from the command line, too
            error = errors.param_of_another_kind if written.span is place else errors.given_another_kind
            return el.report(error(written.span or NOWHERE, name, el.spoken(own), el.spoken(given)))
    return given


def loop_and_value(el: Elaborator, statement: ir.Define, env: Env) -> Node:
    return el.expr(statement.value, loops.bind(el, statement.loop, env))


def axis(el: Elaborator, statement: ir.Define, env: Env) -> Node:
    from . import loops

    return loops.axis_values(el, statement.name, statement.value, env)


def model(el: Elaborator, name: str, statement: ir.Define, env: Env) -> Node:
    from . import loops

    node = el.expr(statement.value, loops.bind(el, statement.loop, env))
    if node.kind is not Unknown and not issubclass(node.kind, Model):
        return el.report(
            errors.wrong_kind(statement.value.span or NOWHERE, f"model `{name}`", "model", el.spoken(node))
        )
    for leaf in stacks.leaves(node):
        el.names.setdefault(leaf.key, name)
    if not env.params:
        el.program.models[name] = node
    return node


def closed(el: Elaborator, name: str, statement: ir.Define, env: Env) -> Node:
    """A direction, statistic, claim or plot, in its own place: its model is that of its `for`, or the only one."""
    from . import loops, statements

    scope = Scope(statement.span)
    inner = loops.bind(el, statement.loop, env.with_(model=loops.model_of(el, None, env), model_scope=scope))
    inner = inner.with_(model=loops.model_of(el, statement.loop, inner), model_scope=scope)
    node = el.expr(statement.value, inner)
    return statements.finish(el, name, statement, node, inner)


def models_of(el: Elaborator, prefix: str) -> list[str]:
    """Models a reader may name: those of the module that take no parameters."""
    return [n for n in el.modules.of_keyword("model", prefix) if el.modules.statements[n].params is None]
