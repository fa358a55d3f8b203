"""Signatures: what the checker knows of an operation. The runtime makes them; the compiler only reads them.

A catalogue is a read-only mapping from names to signatures, handed in by the facade, so that the compiler never
imports the runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .kinds import Kind

REQUIRED = object()

# How the axes of the result follow from those of the arguments.
AxesRule = Literal["broadcast", "reduce-items", "reduce", "reduce-side", "reduce-any", "reduce-entries", "none"]
# What kind of work an operation is: `run` reads a model, `pure` is arithmetic, the others are stages of their own.
Work = Literal["pure", "run", "data", "model", "intervention", "generate", "judge", "train", "plot"]


@dataclass(frozen=True)
class Parameter:
    """One parameter: its kinds, whether it takes a list, and its default."""

    name: str
    kinds: tuple[type[Kind], ...]
    many: bool = False
    default: object = REQUIRED
    doc: str = ""
    keyword_only: bool = False
    choices: tuple[object, ...] = ()  # the values a `Literal[...]` annotation allows; empty when any will do

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


@dataclass(frozen=True)
class Signature:
    """The typed, documented face of an operation.

    `subject` names the parameter whose axes and items the result follows. For `reduce`, the parameter `over` names
    the axis that goes (items when it is not given). `infer`, when there, computes the result's type for itself.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: type[Kind]
    work: Work = "pure"
    axes: AxesRule = "broadcast"
    subject: str | None = None
    adds: tuple[tuple[str, str], ...] = ()  # further axes of the result: (name, kind)
    planned: bool = False
    nonlinear: bool = False
    version: int = 1
    summary: str = ""
    doc: str = ""
    source: str = ""
    fields: Mapping[str, type[Kind]] = field(default_factory=dict)  # attributes of the result, for records
    infer: Callable | None = field(default=None, compare=False)
    open_model: bool = False  # the operation reads a model even though none is among its arguments
    apart: tuple[str, ...] = ()  # parameters whose items are not those of the result (what something is fitted on)
    answers_only: bool = False  # the kernel of a measure looks at the logits of its answers, and at no others
    options: tuple[str, ...] = ()  # parameters that are read as one plain value: a sweep calls once for each
    replays: str | None = None  # the parameter handed over as a function of the replicates, to be evaluated again

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.parameters if p.name == name), None)


Catalogue = Mapping[str, Signature]
