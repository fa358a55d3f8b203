"""Names in force at some place of a file, and the names that the tree gives to things."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..grammar import tree as t
from . import ir
from .builtins import BUILTINS


@dataclass(frozen=True)
class Declared:
    """What a name stands for at the top level."""

    name: str
    keyword: str
    params: tuple[str, ...] | None
    span: t.Span | None


@dataclass
class Scope:
    """Names in force at some place: parameters and binders of the declaration, then the file's declarations."""

    declared: dict[str, Declared]
    spaces: dict[str, ir.Use]
    params: tuple[str, ...] = ()
    binders: tuple[str, ...] = ()
    columns: bool = False  # a name found nowhere is a column
    labels: bool = False  # inside a selection: `layer` and `head` are axes of the value that is selected from
    assumed: frozenset[str] = frozenset()  # names that broken statements seem to declare

    def within(self, **changes) -> Scope:
        return replace(self, **changes)

    def visible(self) -> list[str]:
        return [*self.binders, *self.params, *self.declared, *self.spaces, *BUILTINS]


def is_of(statement: t.Statement, use: ir.Use) -> bool:
    return isinstance(statement, t.Use) and statement.span == use.span


def alias_of(statement: t.Use) -> str:
    """The name under which a spec is used: as written, else its file's."""
    if statement.alias is not None:
        return statement.alias.text
    return statement.path.value.rsplit("/", 1)[-1].removesuffix(".probe")


def axis_text(e: t.Expr) -> str | None:
    """The name of an axis, or of something derived from one: `layer`, `set[0]`, `revision.tokens`, `size(set)`."""
    match e:
        case t.Name():
            return e.text
        case t.Attribute(base=t.Name() as base):
            return f"{base.text}.{e.name.text}"
        case t.Select(base=t.Name() as base, arguments=(t.Argument(name=None, value=value),)):
            sign, number = ("-", value.operand) if isinstance(value, t.Unary) else ("", value)
            if isinstance(number, t.Number):
                return f"{base.text}[{sign}{number.raw}]"
    return None
