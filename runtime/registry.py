"""The registry of operations: one decorated function is one operation of the language.

The decorator reads names, kinds and defaults off the function's annotations and the prose off its docstring. Files in
`runtime/operations/` are discovered; packages add theirs by the entry point group `probelang.operations`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..compiler.kinds import Boolean, Kind, Nothing, Number, Text
from ..compiler.signature import REQUIRED, AxesRule, Catalogue, Parameter, Signature, Work

INJECTED = ("ctx", "tokenizer")  # parameters that the executor fills, and that are not part of the language


@dataclass(frozen=True)
class Operation:
    """A signature with the function that computes it; `function` is None for planned operations."""

    signature: Signature
    function: Callable | None


GROUP = "probelang.operations"

_operations: dict[str, Operation] = {}
_loaded = False


def operation(
    name: str | None = None,
    *,
    work: Work = "pure",
    axes: AxesRule = "broadcast",
    subject: str | None = None,
    adds: tuple[tuple[str, str], ...] = (),
    planned: bool = False,
    nonlinear: bool = False,
    version: int = 1,
    source: str = "",
    fields: dict[str, type[Kind]] | None = None,
    infer: Callable | None = None,
    open_model: bool = False,
    replays: str | None = None,
    apart: tuple[str, ...] = (),
    answers_only: bool = False,
    options: tuple[str, ...] = (),
) -> Callable[[Callable], Callable]:
    """Register a function as an operation; see `compiler.signature.Signature` for the arguments."""

    def register(function: Callable) -> Callable:
        called = name or function.__name__.rstrip("_")
        if called in _operations:
            raise ValueError(f"operation {called} is registered twice")
        doc = inspect.getdoc(function) or ""
        parameters = tuple(_parameters(function))
        hints = inspect.get_annotations(function, eval_str=True)
        signature = Signature(
            name=called, parameters=parameters, result=hints["return"], work=work, axes=axes,
            subject=subject or (parameters[0].name if parameters else None), adds=adds, planned=planned,
            nonlinear=nonlinear, version=version, summary=doc.split("\n", 1)[0], doc=doc, source=source,
            fields=fields or {}, infer=infer, open_model=open_model, replays=replays, apart=apart,
            answers_only=answers_only, options=options,
        )  # fmt: skip
        _operations[called] = Operation(signature, None if planned else function)
        return function

    return register


def _parameters(function: Callable) -> list[Parameter]:
    hints = inspect.get_annotations(function, eval_str=True)
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in INJECTED:
            continue
        kinds, many, choices = _kinds(hints[parameter.name])
        default = REQUIRED if parameter.default is inspect.Parameter.empty else parameter.default
        keyword_only = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        called = parameter.name.rstrip("_")  # `from_` in Python is `from` in the language
        found.append(Parameter(called, kinds, many, default, "", keyword_only, choices))
    return found


def _kinds(annotation: object) -> tuple[tuple[type[Kind], ...], bool, tuple[object, ...]]:
    """Read kinds off an annotation: a kind, a union of kinds, `list[kind]`, `None`, or a `Literal` of values."""
    origin = typing.get_origin(annotation)
    if origin is types.UnionType or origin is typing.Union:
        parts = [_kinds(a) for a in typing.get_args(annotation)]
        kinds = tuple(dict.fromkeys(k for ks, _, _ in parts for k in ks))
        return kinds, any(many for _, many, _ in parts), tuple(c for _, _, cs in parts for c in cs)
    if origin is typing.Literal:
        values = typing.get_args(annotation)
        plain = {str: Text, bool: Boolean, int: Number, float: Number}
        return tuple(dict.fromkeys(plain[type(v)] for v in values)), False, values
    if origin is list:
        kinds, _, choices = _kinds(typing.get_args(annotation)[0])
        return kinds, True, choices
    if annotation is None or annotation is type(None):
        return (Nothing,), False, ()
    if isinstance(annotation, type) and issubclass(annotation, Kind) and annotation is not Kind:
        return (annotation,), False, ()
    raise TypeError(f"{annotation!r} is not a kind of the language")


def load() -> None:
    """Import every file of `runtime/operations/` and every entry point, once."""
    global _loaded
    if _loaded:
        return
    _loaded = True
    from . import operations

    for found in pkgutil.walk_packages(operations.__path__, operations.__name__ + "."):
        importlib.import_module(found.name)
    for entry in _entries():
        entry.load()


def catalogue() -> Catalogue:
    """The signatures of all operations, by name, for the checker; operations themselves need not be imported for it."""
    global _kept
    from . import signature_cache

    if not _loaded and _kept is None:
        _kept = signature_cache.read()
    if _loaded or _kept is None:
        first = not _loaded
        load()
        found = _signatures()
        if first and not _entries():
            signature_cache.write(found)
    else:
        for entry in _entries():  # what others add is not kept, and has to be asked
            entry.load()
        found = _kept | _signatures()
    return types.MappingProxyType(dict(sorted(found.items())))


_kept: dict[str, Signature] | None = None


def _signatures() -> dict[str, Signature]:
    return {name: op.signature for name, op in _operations.items()}


def _entries() -> list:
    """Entry points of other packages. Asking is slow, so there is first a look whether any names the group."""
    if not _named_somewhere():
        return []
    from importlib.metadata import entry_points

    return list(entry_points(group=GROUP))


def _named_somewhere() -> bool:
    """Whether any installed package names the group; what is no plain folder is left to the library."""
    for place in map(Path, sys.path):
        if place.suffix in (".zip", ".whl", ".egg") and place.exists():  # python's own zip is named, and seldom there
            return True
        for info in (*place.glob("*.dist-info/entry_points.txt"), *place.glob("*.egg-info/entry_points.txt")):
            if GROUP in info.read_text("utf-8", errors="replace"):
                return True
    return False


def get(name: str) -> Operation:
    """The operation called `name`; the checker has made sure that it exists."""
    load()
    return _operations[name]
