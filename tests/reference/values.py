"""What expressions of the language denote in the reference interpreter, beside numbers, texts and truth values."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from probelang.runtime.data.table import Table
from probelang.runtime.text.continuation import with_ids
from probelang.runtime.text.positions import TokenExpression
from probelang.runtime.text.rendered import Rendered
from probelang.runtime.text.template import Template

from .relation import Relation

if TYPE_CHECKING:
    from .network import Network


@dataclass(frozen=True)
class Listed:
    """A list as written: elements, and what each is called as a label."""

    items: tuple[Relation, ...]
    shown: tuple[Hashable, ...]


class AllOf(tuple):
    """Every layer, or head: as an element of a swept list it becomes an axis, elsewhere it is a set."""


@dataclass(frozen=True)
class Site:
    """A site; `layer` is a number, or a tuple of them when several layers are meant at once."""

    name: str
    layer: int | tuple[int, ...] | None = None
    head: int | None = None

    def indexed(self, index: str, value: object) -> Site:
        """The site at a layer or head."""
        return replace(self, **{index: value})

    @property
    def layers(self) -> tuple[int | None, ...]:
        return self.layer if isinstance(self.layer, tuple) else (self.layer,)


@dataclass(frozen=True)
class Part:
    """A part of a model's weights."""

    name: str


@dataclass(frozen=True, eq=False)
class Prompts:
    """A prompt for every item of a table, or a single one. `extra` are values of parameters, and of column segments."""

    name: str
    template: Template
    table: Table | None
    extra: dict[str, object] = field(default_factory=dict)
    writers: int = 0  # how many models wrote what it is made from

    def same(self, other: Prompts) -> bool:
        """Whether two are the same prompts: parametrised ones are made anew wherever they are used."""
        mine, others = (self.name, self.template, self.extra), (other.name, other.template, other.extra)
        return mine == others and self.keys == other.keys

    @property
    def keys(self) -> tuple[Hashable, ...]:
        """Keys of the items; (None,) without a dataset."""
        return (None,) if self.table is None else self.table.keys

    def row(self, key: Hashable) -> dict[str, object]:
        """What the placeholders stand for in one item."""
        own = {} if self.table is None else self.table.rows()[self.table.keys.index(key)]
        extra = {k: v[key] if isinstance(v, dict) else v for k, v in self.extra.items()}
        return {**own, **extra}


@dataclass(frozen=True, eq=False)
class Written:
    """A text behind one item of some prompts. It stands where prompts do: as prompts without a dataset.

    `writers` counts the models that wrote it and what it answers. Of an `unfinished` text every token is read for the
    next one.
    """

    prompts: Prompts
    key: Hashable
    network: Network
    ids: tuple[int, ...]
    writers: int
    unfinished: bool = False
    table: None = None
    keys: tuple = (None,)

    @property
    def text(self) -> str:
        rendered = self.read_by(self.network)
        return rendered.text[slice(*rendered.spans["response"])]

    def read_by(self, network: Network) -> Rendered:
        """The prompt with the tokens of the text behind it."""
        from .texts import written

        return with_ids(written(self.prompts, self.key, network), self.ids, network.tokenizer)

    def row(self, at: dict) -> dict[str, object]:
        """What placeholders of prompts that are made from the text stand for."""
        sample = {"sample": at["sample"]} if "sample" in at else {}
        return {**self.prompts.row(self.key), **sample, "response": self.text}


@dataclass(frozen=True)
class End:
    """The first or last of some tokens."""

    of: TokenExpression
    which: str


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens of prompts, meant and not yet found."""

    prompts: Prompts
    expression: object


@dataclass(frozen=True, eq=False)
class Pool:
    tokens: Tokens
    how: str


@dataclass(frozen=True, eq=False)
class Place:
    """Where an edit acts."""

    site: Site
    tokens: Tokens


@dataclass(frozen=True, eq=False)
class Vector:
    """A vector [d] (or [layers, d] when read at several layers at once) that knows where it was read."""

    array: np.ndarray
    site: Site | None = None
    network: Network | None = None
    rendered: Rendered | None = None

    def with_(self, array: np.ndarray) -> Vector:
        return Vector(array, self.site, self.network, self.rendered)


@dataclass(frozen=True, eq=False)
class Weights:
    """Weight matrices by name."""

    tensors: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Distribution:
    """Logits [vocabulary] behind a prompt."""

    logits: np.ndarray
    network: Network
    rendered: Rendered


@dataclass(frozen=True, eq=False)
class Intervention:
    """An operation on a run, with its arguments; None stands for no intervention."""

    kind: str
    arguments: dict[str, object]
