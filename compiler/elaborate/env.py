"""What holds at some place of an expression: the model, the interventions, binders and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...grammar.tree import Span
from ..graph import Node


@dataclass
class Scope:
    """An `on` or `under` (or the statement's own model), whether anything read under it, and texts written there."""

    span: Span | None = None
    used: bool = False
    reread: bool = False  # an `under` that is meant for the reading, too, of what was written in it
    texts: set[str] = field(default_factory=set)  # keys of the `generate` nodes


@dataclass(frozen=True)
class Env:
    """`module` is the spec whose declarations names refer to (dotted prefix, empty for the file itself)."""

    module: str = ""
    model: Node | None = None
    model_scope: Scope = field(default_factory=Scope)
    interventions: tuple[Node, ...] = ()
    under_scopes: tuple[Scope, ...] = ()
    binders: Mapping[str, Node] = field(default_factory=dict)
    params: Mapping[str, Node] = field(default_factory=dict)
    axes_of: Node | None = None  # inside `x[predicate]`: names are axes of x
    columns_of: Node | None = None  # inside `keep(data, …)`: names are columns of data
    place: bool = False  # `site at tokens` is the place of an edit, not read
    quiet: bool = False  # names of the model are of no matter (labels)

    def with_(self, **changes) -> Env:
        return replace(self, **changes)

    def clean(self) -> Env:
        """The same place without interventions: operands of an intervention are read there."""
        return replace(self, interventions=(), under_scopes=(), place=False)
