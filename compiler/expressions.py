"""Expressions of the tree as IR: a name finds what it stands for at its place, an argument finds its parameter.

Nothing here knows statements (`resolve`) or types (`elaborate`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..grammar import tree as t
from ..grammar.diagnostics import Diagnostic
from . import errors, ir
from .builtins import AXES, BUILTINS
from .kinds import AxisName, ColumnName
from .scope import Declared, Scope, axis_text
from .signature import Catalogue, Parameter, Signature

UNKNOWN = "unknown"  # the name of the built-in that stands where a name could not be resolved


@dataclass
class Expressions:
    """Resolve expressions; what is wrong with them is collected in `problems`."""

    catalogue: Catalogue
    problems: list[Diagnostic] = field(default_factory=list)
    missing: dict[str, Diagnostic] = field(default_factory=dict)  # unknown names, with what was said about them

    def expr(self, e: t.Expr, scope: Scope) -> ir.Expr:
        """Resolve one expression where the names of `scope` are in force."""
        match e:
            case t.Paren():
                return self.expr(e.inner, scope)
            case t.Number() | t.String() | t.Bool():
                return ir.Literal_(value=e.value, span=e.span)
            case t.Name():
                return self.name(e, scope)
            case t.List():
                return ir.ListOf(items=tuple(self.expr(i, scope) for i in e.items), span=e.span)
            case t.Range():
                return ir.RangeOf(
                    start=self.expr(e.start, scope),
                    stop=self.expr(e.stop, scope),
                    step=e.step and self.expr(e.step, scope),
                    span=e.span,
                )
            case t.Unary():
                return ir.UnaryOf(operator=e.operator, operand=self.expr(e.operand, scope), span=e.span)
            case t.Binary():
                return ir.BinaryOf(
                    operator=e.operator, left=self.expr(e.left, scope), right=self.expr(e.right, scope), span=e.span
                )
            case t.Apply():
                return ir.ApplyOf(
                    operator=e.operator, left=self.expr(e.left, scope), right=self.expr(e.right, scope), span=e.span
                )
            case t.Attribute():
                return self.attribute(e, scope)
            case t.Select():
                return self.select(e, scope)
            case t.Call():
                return self.call(e, scope)
        raise AssertionError(e)

    def name(self, e: t.Name, scope: Scope) -> ir.Expr:
        name = e.text
        if name in scope.binders:
            return ir.Ref(to="binder", name=name, span=e.span)
        if name in scope.params:
            return ir.Ref(to="parameter", name=name, span=e.span)
        if name in scope.declared:
            wants = scope.declared[name].params
            if wants:
                self.problems.append(errors.needs_arguments(e.span, name, wants, scope.declared[name].span))
                return self.unknown(e.span)
            return ir.Ref(to="declaration", name=name, span=e.span)
        if name in scope.spaces:
            self.problems.append(errors.namespace_as_value(e.span, name, self.members(scope.spaces[name])))
            return self.unknown(e.span)
        if name in BUILTINS and not (scope.labels and name in AXES):
            return ir.Ref(to="builtin", name=name, span=e.span)
        if name in scope.assumed:
            return self.unknown(e.span)
        if scope.columns:
            return ir.Ref(to="column", name=name, span=e.span)
        if name in self.catalogue:
            self.problems.append(errors.operation_as_value(e.span, self.catalogue[name]))
        else:
            self.report_unknown(e.span, name, scope)
        return self.unknown(e.span)

    def report_unknown(self, span: t.Span, name: str, scope: Scope) -> None:
        """Say once that a name is unknown; its other places are further labels."""
        if (first := next((i for i, d in enumerate(self.problems) if d == self.missing.get(name)), None)) is None:
            self.missing[name] = errors.unknown_name(span, name, scope.visible())
            self.problems.append(self.missing[name])
        else:
            self.missing[name] = self.problems[first] = errors.also_here(self.problems[first], span)

    def unknown(self, span: t.Span) -> ir.Ref:
        return ir.Ref(to="builtin", name=UNKNOWN, span=span)

    def members(self, use: ir.Use) -> list[str]:
        return [n for s in use.spec.statements for n in (s.names if isinstance(s, ir.DatasetOf) else (s.name,))]

    def member(self, e: t.Attribute, scope: Scope) -> ir.Expr | None:
        """`alias.name`, where `alias` comes from a `use`; `alias.all` lists its contrasts."""
        if not isinstance(e.base, t.Name) or e.base.text not in scope.spaces:
            return None
        if e.base.text in scope.binders or e.base.text in scope.params or e.base.text in scope.declared:
            return None
        use = scope.spaces[e.base.text]
        if e.name.text in self.members(use):
            return ir.Ref(to="declaration", name=f"{use.alias}.{e.name.text}", span=e.span)
        contrasts = [s.name for s in use.spec.statements if isinstance(s, ir.ContrastOf) and not s.params]
        if e.name.text == "all" and contrasts:
            items = tuple(ir.Ref(to="declaration", name=f"{use.alias}.{c}", span=e.span) for c in contrasts)
            return ir.ListOf(items=items, span=e.span)
        self.problems.append(errors.unknown_member(e.name.span, use.alias, e.name.text, self.members(use)))
        return self.unknown(e.span)

    def attribute(self, e: t.Attribute, scope: Scope) -> ir.Expr:
        found = self.member(e, scope)
        if found is not None:
            return found
        return ir.AttributeOf(base=self.expr(e.base, scope), name=e.name.text, span=e.span)

    def select(self, e: t.Select, scope: Scope) -> ir.Expr:
        base = self.expr(e.base, scope)
        inner = scope.within(columns=True, labels=True)  # a name found nowhere is an axis of the base, or a label
        made = tuple(ir.Argument(name=a.name, value=self.expr(a.value, inner), span=a.span) for a in e.arguments)
        return ir.SelectOf(base=base, arguments=made, span=e.span)

    def call(self, e: t.Call, scope: Scope) -> ir.Expr:
        function = e.function
        if isinstance(function, t.Attribute):
            member = self.member(function, scope.within(columns=False))
            if isinstance(member, ir.Ref) and member.to == "declaration":
                return self.instance(e, member.name, self.spaced(member.name, scope), scope)
            if member is not None:
                return self.unknown(e.span)
            base = self.expr(function.base, scope)
            arguments = tuple(
                ir.Argument(name=a.name, value=self.expr(a.value, scope), span=a.span) for a in e.arguments
            )
            return ir.Method(base=base, name=function.name.text, arguments=arguments, span=e.span)
        if not isinstance(function, t.Name):
            self.problems.append(errors.not_callable(function.span))
            return self.unknown(e.span)
        name = function.text
        declared = scope.declared.get(name) if name not in scope.binders and name not in scope.params else None
        if declared is not None and (declared.params is not None or name not in self.catalogue):
            return self.instance(e, name, declared, scope)
        if name in self.catalogue:
            return self.operation(e, function, self.catalogue[name], scope)
        for a in e.arguments:  # problems inside the arguments are still worth saying; a bare name may be an axis
            self.expr(a.value, scope.within(columns=True))
        if name in scope.binders or name in scope.params or name in BUILTINS:
            self.problems.append(errors.not_callable(function.span, name))
        elif name not in scope.assumed:
            parametrised = [d.name for d in scope.declared.values() if d.params]
            self.problems.append(errors.unknown_operation(function.span, name, [*self.catalogue, *parametrised]))
        return self.unknown(e.span)

    def spaced(self, name: str, scope: Scope) -> Declared:
        alias, _, member = name.partition(".")
        for s in scope.spaces[alias].spec.statements:
            if not isinstance(s, ir.DatasetOf) and s.name == member:
                return Declared(name, s.node, s.params, None)
        return Declared(name, "dataset", None, None)

    def instance(self, e: t.Call, name: str, declared: Declared, scope: Scope) -> ir.Expr:
        if declared.params is None:
            self.problems.append(errors.takes_no_arguments(e.span, name, declared.span))
            return self.unknown(e.span)
        given: dict[str, ir.Expr] = {}
        for i, a in enumerate(e.arguments):
            key = a.name or (declared.params[i] if i < len(declared.params) else None)
            value = self.expr(a.value, scope)
            if key is None or key not in declared.params or key in given:
                self.problems.append(errors.wrong_arguments(a.span, name, declared.params, declared.span))
                continue
            given[key] = value
        missing = [p for p in declared.params if p not in given]
        if missing:
            self.problems.append(errors.missing_arguments(e.span, name, missing, declared.span))
            return self.unknown(e.span)
        return ir.Instance(name=name, arguments=tuple(given[p] for p in declared.params), span=e.span)

    def operation(self, e: t.Call, function: t.Name, signature: Signature, scope: Scope) -> ir.Expr:
        positional = [p for p in signature.parameters if not p.keyword_only]
        given: dict[str, ir.Argument] = {}
        wrong = False
        for i, a in enumerate(e.arguments):
            if a.name is not None:
                parameter = signature.parameter(a.name)
                if parameter is None:
                    self.problems.append(errors.unknown_argument(a.span, signature, a.name))
            else:
                parameter = positional[i] if i < len(positional) else None
                if parameter is None:
                    self.problems.append(errors.too_many_arguments(a.span, signature, len(positional)))
            if parameter is None:
                wrong = True
                self.expr(a.value, scope.within(columns=True))
                continue
            if parameter.name in given:
                self.problems.append(
                    errors.argument_twice(a.span, signature, parameter.name, given[parameter.name].span)
                )
                wrong = True
                continue
            given[parameter.name] = ir.Argument(
                name=parameter.name, value=self.argument(a, parameter, scope), span=a.span
            )
        missing = [p.name for p in signature.parameters if p.required and p.name not in given]
        if missing and not wrong:
            self.problems.append(errors.missing_operands(e.span, signature, missing))
        if missing or wrong:
            return self.unknown(e.span)
        return ir.CallOf(operation=function.text, arguments=tuple(given.values()), span=e.span)

    def argument(self, a: t.Argument, parameter: Parameter, scope: Scope) -> ir.Expr:
        if AxisName in parameter.kinds:
            axis = axis_text(a.value)
            if axis is not None:
                return ir.AxisRef(name=axis, span=a.value.span)
        if ColumnName in parameter.kinds:
            return self.expr(a.value, scope.within(columns=True))
        return self.expr(a.value, scope)
