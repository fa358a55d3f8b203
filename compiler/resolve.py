"""Statements of the tree as IR: which names a file declares, and what each statement is made of.

Declarations can stand in any order. Nothing here knows types: what a name may be used for is `elaborate`'s business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..grammar import tree as t
from ..grammar.diagnostics import Diagnostic
from . import errors, ir
from .expressions import Expressions
from .scope import Declared, Scope, alias_of, is_of
from .signature import Catalogue

FIXED = ("all_layers", "all_heads", "none", "default", "empty")  # values that no declaration may hide

Loader = Callable[[str, t.Span], "ir.Spec | Diagnostic"]


@dataclass
class Resolver:
    catalogue: Catalogue
    load: Loader
    expressions: Expressions = field(init=False)
    problems: list[Diagnostic] = field(init=False)  # of statements and of their expressions, in the order found

    def __post_init__(self) -> None:
        self.expressions = Expressions(self.catalogue)
        self.problems = self.expressions.problems

    def spec(self, tree: t.Spec, assumed: frozenset[str] = frozenset()) -> ir.Spec:
        """Resolve a whole file."""
        language = 1
        uses: list[ir.Use] = []
        lost: set[str] = set()  # aliases of specs that could not be loaded
        declared: dict[str, Declared] = {}
        for statement in tree.statements:
            if isinstance(statement, t.Version):
                language = self.version(statement)
            elif isinstance(statement, t.Use):
                found = self.use(statement, uses)
                uses += found
                lost |= set() if found else {alias_of(statement)}
            else:
                self.declare(statement, declared, uses)
        scope = Scope(declared, {u.alias: u for u in uses}, assumed=assumed | lost)
        uses = [replace(u, overrides=self.overrides(s, u, scope)) for u in uses for s in tree.statements if is_of(s, u)]
        statements = [s for s in tree.statements if not isinstance(s, (t.Version, t.Use))]
        return ir.Spec(
            language=language, uses=tuple(uses), statements=tuple(self.statement(s, scope) for s in statements)
        )

    # **** declarations ****

    def version(self, statement: t.Version) -> int:
        if statement.number.value != 1:
            self.problems.append(errors.unknown_version(statement.number.span, statement.number.raw))
        return 1

    def use(self, statement: t.Use, known: list[ir.Use]) -> list[ir.Use]:
        alias = alias_of(statement)
        loaded = self.load(statement.path.value, statement.path.span)
        if isinstance(loaded, Diagnostic):
            self.problems.append(loaded)
            return []
        if any(u.alias == alias for u in known):
            self.problems.append(errors.declared_twice(statement.span, alias, known[0].span))
            return []
        return [ir.Use(path=statement.path.value, alias=alias, spec=loaded, span=statement.span)]

    def overrides(self, statement: t.Use, use: ir.Use, scope: Scope) -> tuple[ir.Column, ...]:
        """Values for the params of a used spec, written in the names of this file."""
        params = [s.name for s in use.spec.statements if isinstance(s, ir.Define) and s.keyword == "param"]
        made = []
        for given in statement.overrides:
            if given.name.text not in params:
                self.problems.append(errors.unknown_param(given.name.span, given.name.text, params))
            elif given.name.text in [c.name for c in made]:
                self.problems.append(errors.declared_twice(given.name.span, given.name.text, None))
            else:
                made.append(
                    ir.Column(name=given.name.text, value=self.expressions.expr(given.value, scope), span=given.span)
                )
        return tuple(made)

    def declare(self, statement: t.Statement, declared: dict[str, Declared], uses: list[ir.Use]) -> None:
        if isinstance(statement, t.Dataset):
            found = [(n, "dataset", None) for n in statement.names]
        elif isinstance(statement, t.Define):
            found = [(statement.name, statement.keyword, statement.params)]
        else:
            found = [(statement.name, type(statement).__name__.lower(), statement.params)]
        for name, keyword, params in found:
            if name.text in t.KEYWORDS:
                self.problems.append(errors.reserved_name(name.span, name.text))
            first = declared.get(name.text) or next(
                (Declared(u.alias, "use", None, u.span) for u in uses if u.alias == name.text), None
            )
            if first is not None:
                self.problems.append(errors.declared_twice(name.span, name.text, first.span))
                continue
            if name.text in FIXED:
                self.problems.append(errors.shadows_builtin(name.span, name.text))
            elif name.text in self.catalogue and params is not None:
                # without parameters a name is never called, so `mean` and `mean(x)` cannot be confused
                self.problems.append(errors.shadows_operation(name.span, name.text))
            texts = None if params is None else tuple(p.text for p in params)
            declared[name.text] = Declared(name.text, keyword, texts, name.span)

    def statement(self, s: t.Statement, scope: Scope) -> ir.Statement:
        match s:
            case t.Define():
                return self.define(s, scope)
            case t.Dataset():
                value = self.expressions.expr(s.value, scope)
                columns = tuple(
                    ir.Column(
                        name=c.name.text, value=self.expressions.expr(c.value, scope.within(columns=True)), span=c.span
                    )
                    for c in s.columns
                )
                return ir.DatasetOf(
                    names=tuple(n.text for n in s.names),
                    value=value,
                    columns=columns,
                    name_spans=tuple(n.span for n in s.names),
                    span=s.span,
                )
            case t.Prompts():
                inner, params = self.parameters(s.params, scope)
                return ir.PromptsOf(
                    name=s.name.text,
                    params=params,
                    source=s.source and self.expressions.expr(s.source, inner),
                    segments=self.segments(s.segments, inner),
                    name_span=s.name.span,
                    span=s.span,
                )
            case t.Contrast():
                inner, params = self.parameters(s.params, scope)
                sides = tuple(
                    ir.Side(name=x.label.text, segments=self.segments(x.segments, inner), span=x.label.span)
                    for x in s.sides
                )
                return ir.ContrastOf(
                    name=s.name.text,
                    params=params,
                    source=s.source and self.expressions.expr(s.source, inner),
                    sides=sides,
                    name_span=s.name.span,
                    span=s.span,
                )
        raise AssertionError(s)

    def parameters(self, params: tuple[t.Ident, ...] | None, scope: Scope) -> tuple[Scope, tuple[str, ...] | None]:
        if params is None:
            return scope, None
        seen: set[str] = set()
        for p in params:
            if p.text in seen:
                self.problems.append(errors.declared_twice(p.span, p.text, None))
            seen.add(p.text)
        texts = tuple(p.text for p in params)
        return scope.within(params=texts), texts

    def define(self, s: t.Define, scope: Scope) -> ir.Define:
        inner, params = self.parameters(s.params, scope)
        loop = None
        if s.loop is not None:
            names = tuple(b.name.text for b in s.loop.binders)
            for i, binder in enumerate(s.loop.binders):
                if binder.name.text in names[:i]:
                    self.problems.append(
                        errors.declared_twice(
                            binder.name.span, binder.name.text, s.loop.binders[names.index(binder.name.text)].span
                        )
                    )
            outer = inner
            inner = inner.within(binders=names)
            bare = [b.name.text for b in s.loop.binders if b.values is None]
            models = [n for n in bare if n in outer.declared and outer.declared[n].keyword == "model"]
            binders = tuple(self.binder(b, outer, inner, models) for b in s.loop.binders)
            loop = ir.Loop(
                binders=binders, where=s.loop.where and self.expressions.expr(s.loop.where, inner), span=s.loop.span
            )
        return ir.Define(
            keyword=s.keyword,
            name=s.name.text,
            params=params,
            value=self.expressions.expr(s.value, inner),
            loop=loop,
            name_span=s.name.span,
            span=s.span,
        )

    def binder(self, b: t.Binder, outer: Scope, inner: Scope, models: list[str]) -> ir.Binder:
        """A binder with what it walks; `models` are those that the clause names instead of an axis."""
        if b.values is not None:
            others = inner.within(binders=tuple(n for n in inner.binders if n != b.name.text))
            return ir.Binder(name=b.name.text, values=self.expressions.expr(b.values, others), span=b.name.span)
        name = b.name.text
        known = outer.declared.get(name)
        if name in outer.assumed and known is None:
            return ir.Binder(name=name, span=b.name.span)
        if name not in ("layer", "head") and (known is None or known.keyword not in ("axis", "param", "let")):
            axes = [d.name for d in outer.declared.values() if d.keyword == "axis"] + ["layer", "head"]
            self.problems.append(errors.binder_without_axis(b.name.span, name, axes, models if name in models else ()))
        return ir.Binder(name=name, span=b.name.span)

    def segments(self, segments: tuple[t.Segment, ...], scope: Scope) -> tuple[ir.Segment, ...]:
        return tuple(
            ir.Segment(name=s.label.text, value=self.expressions.expr(s.value, scope), span=s.label.span)
            for s in segments
        )
