"""The IR of a spec: declarations with every name resolved, still symbolic over axes. A published format.

Nodes are frozen Pydantic dataclasses that refuse unknown fields and round-trip through JSON. Spans are outside
equality and outside the JSON. `probe schema` prints the JSON Schema, `probe compile` the IR of a spec.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from ..grammar.tree import Span

FORMAT = 1
_CONFIG = ConfigDict(extra="forbid", defer_build=True)


def _span() -> Span | None:
    return dataclasses.field(default=None, compare=False, repr=False)


Place = Annotated[Span | None, Field(exclude=True)]


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Literal_:
    """A number, a text or a truth value."""

    node: Literal["literal"] = "literal"
    value: bool | int | float | str
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Ref:
    """A name that is resolved: to a declaration (dotted when it comes from a `use`), a parameter, a binder or a built-in."""

    node: Literal["ref"] = "ref"
    to: Literal["declaration", "parameter", "binder", "builtin", "column"]
    name: str
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class AxisRef:
    """The name of an axis, where an operation asks for one (`over=layer`)."""

    node: Literal["axis"] = "axis"
    name: str
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class ListOf:
    node: Literal["list"] = "list"
    items: tuple[Expr, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class RangeOf:
    """Start to stop, both included."""

    node: Literal["range"] = "range"
    start: Expr
    stop: Expr
    step: Expr | None = None
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Argument:
    """An argument of an operation (always named) or of a selection (a named axis, or a position)."""

    name: str | None
    value: Expr
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class CallOf:
    """An operation with its arguments by name."""

    node: Literal["call"] = "call"
    operation: str
    arguments: tuple[Argument, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Instance:
    """A declaration with parameters, applied: `student(8)`."""

    node: Literal["instance"] = "instance"
    name: str
    arguments: tuple[Expr, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Method:
    """A method of a value: `probe.correct(x, y)`."""

    node: Literal["method"] = "method"
    base: Expr
    name: str
    arguments: tuple[Argument, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class AttributeOf:
    node: Literal["attribute"] = "attribute"
    base: Expr
    name: str
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class SelectOf:
    node: Literal["select"] = "select"
    base: Expr
    arguments: tuple[Argument, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class ApplyOf:
    """`at` tokens, `on` a model, `under` interventions."""

    node: Literal["apply"] = "apply"
    operator: Literal["at", "on", "under"]
    left: Expr
    right: Expr
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class UnaryOf:
    node: Literal["unary"] = "unary"
    operator: Literal["-", "+", "not"]
    operand: Expr
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class BinaryOf:
    node: Literal["binary"] = "binary"
    operator: Literal["+", "-", "*", "/", "%", "**", "==", "!=", "<=", ">=", "<", ">", "and", "or"]
    left: Expr
    right: Expr
    span: Place = _span()


Expr = Annotated[
    Literal_ | Ref | AxisRef | ListOf | RangeOf | CallOf | Instance | Method | AttributeOf | SelectOf | ApplyOf
    | UnaryOf | BinaryOf,
    Field(discriminator="node"),
]  # fmt: skip


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Binder:
    name: str
    values: Expr | None = None
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Loop:
    binders: tuple[Binder, ...]
    where: Expr | None = None
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
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


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Column:
    name: str
    value: Expr
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class DatasetOf:
    """A dataset, or the parts of a split; derived columns are computed from its own columns."""

    node: Literal["dataset"] = "dataset"
    names: tuple[str, ...]
    value: Expr
    columns: tuple[Column, ...] = ()
    name_spans: Annotated[tuple[Span, ...], Field(exclude=True)] = dataclasses.field(default=(), compare=False, repr=False)
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Segment:
    """A piece of a prompt. `name` may carry a role, as in `user.body`; a text has `{column}` placeholders."""

    name: str
    value: Expr
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class PromptsOf:
    node: Literal["prompts"] = "prompts"
    name: str
    params: tuple[str, ...] | None = None
    source: Expr | None = None
    segments: tuple[Segment, ...]
    name_span: Place = _span()
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Side:
    name: str
    segments: tuple[Segment, ...]
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class ContrastOf:
    node: Literal["contrast"] = "contrast"
    name: str
    params: tuple[str, ...] | None = None
    source: Expr | None = None
    sides: tuple[Side, ...]
    name_span: Place = _span()
    span: Place = _span()


Statement = Annotated[Define | DatasetOf | PromptsOf | ContrastOf, Field(discriminator="node")]


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Use:
    """Another spec, whole, under a name."""

    path: str
    alias: str
    spec: Spec
    span: Place = _span()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Spec:
    """A whole spec: language version, the specs it uses, and its statements."""

    format: Literal[1] = 1
    language: int = 1
    uses: tuple[Use, ...] = ()
    statements: tuple[Statement, ...] = ()


def adapter() -> TypeAdapter:
    """The validator and serialiser of `Spec` (built on first use: checking a spec does not need it)."""
    global _adapter
    if _adapter is None:
        _adapter = TypeAdapter(Spec)
    return _adapter


_adapter: TypeAdapter | None = None


def to_json(spec: Spec, indent: int | None = 2) -> str:
    """Canonical JSON of a spec, without spans."""
    return adapter().dump_json(spec, indent=indent, exclude_none=True).decode()


def from_json(text: str | bytes) -> Spec:
    """Read a spec back; raises `pydantic.ValidationError`, located, when it is not one."""
    return adapter().validate_json(text)


def schema() -> dict:
    """The JSON Schema of the IR."""
    return adapter().json_schema()
