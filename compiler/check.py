"""Text to program: parse, resolve, elaborate. Gives everything that text alone can tell, and all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..grammar import tree as t
from ..grammar.diagnostics import Diagnostic
from ..grammar.parse import declared_names, parse
from . import errors, ir
from .elaborate import Program, elaborate, left_out
from .expressions import Expressions
from .folders import folder_of, moved
from .places import Foreign, placed
from .resolve import Resolver
from .scope import Scope
from .signature import Catalogue

# Finds the text of a used spec: (path as written, path of the file that uses it) -> (text, its own path), or the
# names that there are when it is not found.
Find = Callable[[str, str], "tuple[str, str] | list[str]"]


@dataclass
class Checked:
    """What checking a file gives. `program` and `spec` are there when the text could be parsed and resolved."""

    path: str
    text: str
    tree: t.Spec
    problems: list[Diagnostic] = field(default_factory=list)
    spec: ir.Spec | None = None
    program: Program | None = None

    @property
    def errors(self) -> list[Diagnostic]:
        return [d for d in self.problems if d.severity == "error"]


def check(text: str, path: str, catalogue: Catalogue, find: Find, params: Mapping[str, str] | None = None) -> Checked:
    """Check a spec. `params` override `param`s: name to value, written as in a spec."""
    tree, problems = parse(text)
    checked = Checked(path, text, tree, list(problems))
    resolver = Resolver(catalogue, _loader(path, catalogue, find, (path,)))
    assumed = frozenset(declared_names(text)) if problems else frozenset()
    checked.spec = resolver.spec(tree, assumed)
    checked.problems += resolver.problems
    overrides = _overrides(checked.spec, params or {}, catalogue, checked.problems)
    if not checked.errors:
        checked.program, found = elaborate(checked.spec, catalogue, overrides)
        checked.problems += found
        checked.problems += [] if checked.errors else left_out(checked.spec, checked.program)
    else:
        # Something is wrong already: types of the rest are still worth saying, what follows from it is not. A broken
        # statement may have been the model that others read, or the second file of that name.
        _, found = elaborate(checked.spec, catalogue, overrides)
        follows = ("model-open",) if problems else ()
        checked.problems += [d for d in found if d.severity == "error" and d.code not in follows]
    foreign = Foreign(checked.spec)
    checked.problems = sorted((foreign.relabelled(d) for d in checked.problems), key=lambda d: d.order)
    return checked


def _overrides(
    spec: ir.Spec, params: Mapping[str, str], catalogue: Catalogue, problems: list[Diagnostic]
) -> dict[str, ir.Expr]:
    """Values given on the command line, parsed as the language's own expressions; a bare word is a text."""
    known = {s.name: s for s in spec.statements if isinstance(s, ir.Define) and s.keyword == "param"}
    for use in spec.uses:
        known |= {
            f"{use.alias}.{s.name}": s for s in use.spec.statements if isinstance(s, ir.Define) and s.keyword == "param"
        }
    found: dict[str, ir.Expr] = {}
    for name, written in params.items():
        if name not in known:
            problems.append(errors.unknown_param(t.NOWHERE, name, list(known)))
            continue
        tree, broken = parse(f"param {name.rsplit('.', 1)[-1]} = {written}")
        value = ir.Literal_(value=written)
        if not broken and len(tree.statements) == 1:
            inner = Expressions(catalogue)
            parsed = inner.expr(tree.statements[0].value, Scope({}, {}))
            value = value if inner.problems else parsed
        found[name] = placed(value, known[name].value.span)
    return found


def _loader(path: str, catalogue: Catalogue, find: Find, above: tuple[str, ...]):
    """Load a used spec: parsed and resolved, its own problems summed up at the place that uses it."""

    def load(name: str, span: t.Span) -> ir.Spec | Diagnostic:
        found = find(name, path)
        if isinstance(found, list):
            return errors.use_not_found(span, name, found)
        text, own = found
        if own in above:
            return errors.use_cycle(span, name)
        tree, problems = parse(text)
        resolver = Resolver(catalogue, _loader(own, catalogue, find, (*above, own)))
        spec = resolver.spec(tree)
        wrong = [d for d in [*problems, *resolver.problems] if d.severity == "error"]
        if wrong:
            return errors.use_has_errors(span, name, len(wrong), wrong[0])
        return moved(spec, folder_of(name, own, path))

    return load
