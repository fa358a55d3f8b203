"""Paths of files in a spec that another one uses: written relative to their own file, read relative to the user's.

A path is a text at which an operation reads a file, or the value of a `param` or `let` that stands there. What `with`
gives is written in the spec that uses, and is relative to it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from . import ir

PATHS = {"file": "path", "path": "directory", "vector": "path", "adapter": "directory"}  # operation -> argument
SHIPPED = "zoo/"


def folder_of(name: str, own: str, user: str) -> str:
    """The folder of a used spec, from that of its user; one of the library has none of its own."""
    beside = Path(user).resolve().parent / name
    found = Path(own).resolve() in (beside.resolve(), beside.with_name(beside.name + ".probe").resolve())
    return posixpath.dirname(name) if found else ""


def moved(spec: ir.Spec, folder: str) -> ir.Spec:
    """The spec with its paths as another spec writes them, from whose folder this one's is `folder`."""
    return _Mover(spec, folder).spec() if folder else spec


def path_names(spec: ir.Spec) -> set[str]:
    """Names of params and lets that stand where a path is read, in the spec or through `with` in those it uses."""
    found = {value.name for value in _path_values(spec) if isinstance(value, ir.Ref) and value.to == "declaration"}
    for use in spec.uses:
        inner = path_names(use.spec)
        given = (c.value for c in use.overrides if c.name in inner)
        found |= {value.name for value in given if isinstance(value, ir.Ref) and value.to == "declaration"}
        found |= {f"{use.alias}.{name}" for name in inner}
    return found


def _path_values(node: object) -> Iterator[ir.Expr]:
    """The expressions of a spec's own text that are read as paths."""
    if isinstance(node, ir.Use):
        return
    if isinstance(node, ir.CallOf) and node.operation in PATHS:
        yield from (a.value for a in node.arguments if a.name == PATHS[node.operation])
    for part in _parts(node):
        yield from _path_values(part)


def _parts(node: object) -> Iterator[object]:
    for name in getattr(node, "__dataclass_fields__", ()):
        value = getattr(node, name)
        for part in value if isinstance(value, tuple) else (value,):
            if hasattr(part, "__dataclass_fields__") and "span" not in name:
                yield part


class _Mover:
    def __init__(self, spec: ir.Spec, folder: str) -> None:
        self.whole, self.folder, self.names = spec, folder, path_names(spec)

    def spec(self) -> ir.Spec:
        uses = tuple(self.use(u) for u in self.whole.uses)
        return replace(self.whole, uses=uses, statements=tuple(self.node(s) for s in self.whole.statements))

    def use(self, use: ir.Use) -> ir.Use:
        names = path_names(use.spec)
        given = tuple(replace(c, value=self.path(c.value) if c.name in names else c.value) for c in use.overrides)
        return replace(use, spec=moved(use.spec, self.folder), overrides=given)

    def path(self, value: ir.Expr) -> ir.Expr:
        """A text as a path; anything else has its paths inside."""
        text = value.value if isinstance(value, ir.Literal_) else None
        if not isinstance(text, str):
            return self.node(value)
        if text.startswith(SHIPPED) or posixpath.isabs(text):
            return value
        return replace(value, value=posixpath.normpath(posixpath.join(self.folder, text)))

    def node(self, node):
        """A node with the paths below it moved."""
        if isinstance(node, ir.Define) and node.keyword in ("param", "let") and node.name in self.names:
            return replace(node, value=self.path(node.value))
        if isinstance(node, ir.CallOf) and node.operation in PATHS:
            wanted = PATHS[node.operation]
            made = (replace(a, value=(self.path if a.name == wanted else self.node)(a.value)) for a in node.arguments)
            return replace(node, arguments=tuple(made))
        changes: dict[str, object] = {}
        for name in getattr(node, "__dataclass_fields__", ()):
            value = getattr(node, name)
            if "span" in name:
                continue
            if hasattr(value, "__dataclass_fields__"):
                changes[name] = self.node(value)
            elif isinstance(value, tuple):
                changes[name] = tuple(self.node(v) if hasattr(v, "__dataclass_fields__") else v for v in value)
        return replace(node, **changes) if changes else node
