"""The tree of a spec: nodes with exact spans, close to the text.

Spans are outside equality, so `parse(format(tree)) == tree`. Parentheses are kept, for the formatter. The tree knows
nothing of names or types.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Span:
    """A half-open range of characters, with the line and column (1-based) of its start."""

    start: int
    end: int
    line: int
    column: int

    def merge(self, other: Span) -> Span:
        first = self if self.start <= other.start else other
        return Span(first.start, max(self.end, other.end), first.line, first.column)


NOWHERE = Span(0, 0, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Node:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Ident(Node):
    """A name where it is declared."""

    text: str


# **** expressions ****


@dataclass(frozen=True, kw_only=True)
class Name(Node):
    text: str


@dataclass(frozen=True, kw_only=True)
class Number(Node):
    value: int | float
    raw: str = field(compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class String(Node):
    value: str
    raw: str = field(compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Bool(Node):
    value: bool


@dataclass(frozen=True, kw_only=True)
class List(Node):
    items: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True)
class Paren(Node):
    inner: Expr


@dataclass(frozen=True, kw_only=True)
class Argument(Node):
    """`value` or `name=value`, in a call or a selection."""

    name: str | None
    value: Expr


@dataclass(frozen=True, kw_only=True)
class Call(Node):
    function: Expr
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, kw_only=True)
class Attribute(Node):
    base: Expr
    name: Ident


@dataclass(frozen=True, kw_only=True)
class Select(Node):
    base: Expr
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, kw_only=True)
class Apply(Node):
    """The tight postfix operators: `x at tokens`, `x on model`, `x under intervention`."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, kw_only=True)
class Unary(Node):
    operator: str
    operand: Expr


@dataclass(frozen=True, kw_only=True)
class Binary(Node):
    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, kw_only=True)
class Range(Node):
    """`start..stop [by step]`, both ends included."""

    start: Expr
    stop: Expr
    step: Expr | None


Expr = Name | Number | String | Bool | List | Paren | Call | Attribute | Select | Apply | Unary | Binary | Range


# **** statements ****


@dataclass(frozen=True, kw_only=True)
class Version(Node):
    number: Number


@dataclass(frozen=True, kw_only=True)
class Column(Node):
    """`name = value`: a derived column of a dataset, or a param of a spec that is used."""

    name: Ident
    value: Expr


@dataclass(frozen=True, kw_only=True)
class Use(Node):
    """`use "path" as alias with param = value`: another spec, under a name, with values for its params."""

    path: String
    alias: Ident | None
    overrides: tuple[Column, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Binder(Node):
    """`name in values`, or `name` alone for an axis that is declared or built in."""

    name: Ident
    values: Expr | None


@dataclass(frozen=True, kw_only=True)
class Loop(Node):
    binders: tuple[Binder, ...]
    where: Expr | None


@dataclass(frozen=True, kw_only=True)
class Define(Node):
    """`keyword name(params) = value for …`, with a keyword such as param, let, model, statistic or claim."""

    keyword: str
    name: Ident
    params: tuple[Ident, ...] | None
    value: Expr
    loop: Loop | None


@dataclass(frozen=True, kw_only=True)
class Dataset(Node):
    names: tuple[Ident, ...]
    value: Expr
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class Segment(Node):
    label: Ident
    value: Expr


@dataclass(frozen=True, kw_only=True)
class Prompts(Node):
    name: Ident
    params: tuple[Ident, ...] | None
    source: Expr | None
    segments: tuple[Segment, ...]


@dataclass(frozen=True, kw_only=True)
class Side(Node):
    label: Ident
    segments: tuple[Segment, ...]


@dataclass(frozen=True, kw_only=True)
class Contrast(Node):
    name: Ident
    params: tuple[Ident, ...] | None
    source: Expr | None
    sides: tuple[Side, ...]


Statement = Version | Use | Define | Dataset | Prompts | Contrast


@dataclass(frozen=True, kw_only=True)
class Comment(Node):
    """A comment, with its `#`; `own_line` tells whether code stands before it on its line."""

    text: str
    own_line: bool


@dataclass(frozen=True, kw_only=True)
class Spec(Node):
    """A whole file. Comments are beside the statements, found by their spans."""

    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = field(default=(), compare=False)


KEYWORDS = frozenset(
    "probe use as param let axis model dataset with prompts from contrast direction intervention statistic claim plot "
    "for in where at on under by and or not true false".split()
)
OPENERS = frozenset(
    "probe use param let axis model dataset prompts contrast direction intervention statistic claim plot".split()
)
