"""The IR of a spec: declarations with every name resolved, still symbolic over axes. A published format.

Nodes are frozen dataclasses; Pydantic reads and writes them as JSON, refusing unknown fields, and is imported when it
first does. Spans are outside equality and outside the JSON. `probe schema` prints the JSON Schema, `probe compile` the
IR of a spec.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from ..grammar.tree import Span

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT = 1


def _span() -> Span | None:
    return dataclasses.field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Literal_:
    """A number, a text or a truth value."""

    node: Literal["literal"] = "literal"
    value: bool | int | float | str
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Ref:
    """A name that is resolved: a declaration (dotted when it comes from a `use`), parameter, binder or built-in."""

    node: Literal["ref"] = "ref"
    to: Literal["declaration", "parameter", "binder", "builtin", "column"]
    name: str
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class AxisRef:
    """The name of an axis, where an operation asks for one (`over=layer`)."""

    node: Literal["axis"] = "axis"
    name: str
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class ListOf:
    node: Literal["list"] = "list"
    items: tuple[Expr, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class RangeOf:
    """Start to stop, both included."""

    node: Literal["range"] = "range"
    start: Expr
    stop: Expr
    step: Expr | None = None
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Argument:
    """An argument of an operation (always named) or of a selection (a named axis, or a position)."""

    name: str | None = None
    value: Expr
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class CallOf:
    """An operation with its arguments by name."""

    node: Literal["call"] = "call"
    operation: str
    arguments: tuple[Argument, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A declaration with parameters, applied: `student(8)`."""

    node: Literal["instance"] = "instance"
    name: str
    arguments: tuple[Expr, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method of a value: `probe.correct(x, y)`."""

    node: Literal["method"] = "method"
    base: Expr
    name: str
    arguments: tuple[Argument, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class AttributeOf:
    node: Literal["attribute"] = "attribute"
    base: Expr
    name: str
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class SelectOf:
    node: Literal["select"] = "select"
    base: Expr
    arguments: tuple[Argument, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class ApplyOf:
    """`at` tokens, `on` a model, `under` interventions."""

    node: Literal["apply"] = "apply"
    operator: Literal["at", "on", "under"]
    left: Expr
    right: Expr
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class UnaryOf:
    node: Literal["unary"] = "unary"
    operator: Literal["-", "+", "not"]
    operand: Expr
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class BinaryOf:
    node: Literal["binary"] = "binary"
    operator: Literal["+", "-", "*", "/", "%", "**", "==", "!=", "<=", ">=", "<", ">", "and", "or"]
    left: Expr
    right: Expr
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Binder:
    name: str
    values: Expr | None = None
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Loop:
    binders: tuple[Binder, ...]
    where: Expr | None = None
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Define:
    """A param, let, axis, model, direction, intervention, statistic, claim or plot."""

    node: Literal["define"] = "define"
    keyword: Literal["param", "let", "axis", "model", "direction", "intervention", "statistic", "claim", "plot"]
    name: str
    params: tuple[str, ...] | None = None
    value: Expr
    loop: Loop | None = None
    name_span: Place = _span()
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Column:
    name: str
    value: Expr
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class DatasetOf:
    """A dataset, or the parts of a split; derived columns are computed from its own columns."""

    node: Literal["dataset"] = "dataset"
    names: tuple[str, ...]
    value: Expr
    columns: tuple[Column, ...] = ()
    name_spans: Places = dataclasses.field(default=(), compare=False, repr=False)
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A piece of a prompt. `name` may carry a role, as in `user.body`; a text has `{column}` placeholders."""

    name: str
    value: Expr
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class PromptsOf:
    node: Literal["prompts"] = "prompts"
    name: str
    params: tuple[str, ...] | None = None
    source: Expr | None = None
    segments: tuple[Segment, ...]
    name_span: Place = _span()
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Side:
    name: str
    segments: tuple[Segment, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class ContrastOf:
    node: Literal["contrast"] = "contrast"
    name: str
    params: tuple[str, ...] | None = None
    source: Expr | None = None
    sides: tuple[Side, ...]
    name_span: Place = _span()
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Use:
    """Another spec, whole, under a name; `overrides` are values for its params, in terms of this spec."""

    path: str
    alias: str
    spec: Spec
    overrides: tuple[Column, ...] = ()
    span: Place = _span()


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A whole spec: language version, the specs it uses, and its statements."""

    format: Literal[1] = 1
    language: int = 1
    uses: tuple[Use, ...] = ()
    statements: tuple[Statement, ...] = ()


Expr = (
    Literal_ | Ref | AxisRef | ListOf | RangeOf | CallOf | Instance | Method | AttributeOf | SelectOf | ApplyOf
    | UnaryOf | BinaryOf
)  # fmt: skip
Statement = Define | DatasetOf | PromptsOf | ContrastOf
Place = Span | None
Places = tuple[Span, ...]
NODES = (*Expr.__args__, *Statement.__args__, Argument, Binder, Loop, Column, Segment, Side, Use, Spec)


def adapter() -> TypeAdapter:
    """The validator and serialiser of `Spec` (built on first use: checking a spec does not need it)."""
    global _adapter
    if _adapter is None:
        _adapter = _build()
    return _adapter


_adapter: TypeAdapter | None = None


def _build() -> TypeAdapter:
    from pydantic import ConfigDict, Field, TypeAdapter

    # annotations are looked up here by name: unions are told apart by `node`, and places stay out of the JSON
    names = globals()
    names["Expr"] = Annotated[Expr, Field(discriminator="node")]
    names["Statement"] = Annotated[Statement, Field(discriminator="node")]
    names["Place"] = Annotated[Place, Field(exclude=True)]
    names["Places"] = Annotated[Places, Field(exclude=True)]
    for node in NODES:
        node.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(Spec)


def to_json(spec: Spec, indent: int | None = 2) -> str:
    """Canonical JSON of a spec, without spans."""
    return adapter().dump_json(spec, indent=indent, exclude_none=True).decode()


def from_json(text: str | bytes) -> Spec:
    """Read a spec back; raises `pydantic.ValidationError`, located, when it is not one."""
    return adapter().validate_json(text)


def schema() -> dict:
    """The JSON Schema of the IR."""
    return adapter().json_schema()
