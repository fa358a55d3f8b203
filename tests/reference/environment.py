"""What holds at some place of an expression: names, the model, the interventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from probelang.compiler import ir

from .relation import Relation
from .values import Listed


@dataclass(frozen=True)
class Bound:
    """A binder of a `for`, with the place where its values are written."""

    binder: ir.Binder
    home: Env


@dataclass(frozen=True)
class Env:
    """`module` is the dotted prefix of the spec whose names are meant. A model of None is still open."""

    module: str = ""
    model: Relation | None = None
    interventions: tuple[Relation, ...] = ()
    binders: Mapping[str, Bound] = field(default_factory=dict)
    params: Mapping[str, Relation | Listed] = field(default_factory=dict)
    axes_of: Relation | None = None  # inside `x[predicate]`, bare names are axes of x
    columns_of: Relation | None = None  # inside `keep(data, …)`, bare names are columns of data
    place: bool = False  # `site at tokens` is where an edit acts, and not read

    def with_(self, **changes) -> Env:
        return replace(self, **changes)

    def clean(self) -> Env:
        """The same place without interventions: their own operands are read there."""
        return replace(self, interventions=(), place=False)
