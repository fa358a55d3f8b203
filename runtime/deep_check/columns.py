"""Columns: those that `columns=` promises, that placeholders and attributes name, and that identify or split items."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from ...compiler.elaborate.prompts import literal_texts, placeholders
from ...compiler.errors import listed
from ...compiler.graph import Node
from ...grammar.diagnostics import Label
from ...grammar.tree import NOWHERE
from .items import Items, promised
from .scene import Scene

NAMED_BY = ("key", "stratify", "cluster")


def look(scene: Scene) -> None:
    """Report columns that a file does not have, and keys that are not unique or empty."""
    datasets = [(node, scene.at(node, NOWHERE)) for node in scene.program.datasets.values()]
    for node, statement in scene.nodes:
        if node.op == "column":
            _named(scene, node.input("dataset"), str(node.param("name")), scene.at(node, statement))
        elif node.op == "prompts" and node.input("source") is not None:
            _placeholders(scene, node)
        elif node.op in ("file", "rows", "split"):
            datasets.append((node, scene.at(node, statement)))
    for prompts in scene.program.prompts.values():
        for side in [n for _, n in prompts.inputs] if prompts.op == "stack" else [prompts]:
            if side.op == "prompts" and side.input("source") is not None:
                _placeholders(scene, side)
    for node, at in datasets:
        _of_source(scene, node, at)


def _placeholders(scene: Scene, prompts: Node) -> None:
    items = scene.items(prompts.input("source"))
    if items is None:
        return
    own = {name[2:] for name, _ in prompts.inputs if name.startswith("v_")}
    for i in range(len(prompts.param("segments") or ())):
        for text in literal_texts(prompts.input(f"s{i}")):
            for column in placeholders(text):
                if column not in own:
                    _missing(scene, items, column, scene.places.of_prompts(prompts, i))


def _named(scene: Scene, dataset: Node, column: str, at: Label) -> None:
    items = scene.items(dataset)
    if items is not None:
        _missing(scene, items, column, at)


def _missing(scene: Scene, items: Items, column: str, at: Label) -> bool:
    if column in items.columns:
        return False
    scene.report("error", "unknown-column", at, f"the file has no column `{column}`", _help(column, items.columns))
    return True


def _of_source(scene: Scene, node: Node, at: Label) -> None:
    items = scene.items(node)
    if items is None:
        return
    for column in promised(node) if node.op == "file" else ():
        if column not in items.own:
            message = f"`columns=` promises `{column}`, and the file does not have it"
            scene.report("error", "unknown-column", at, message, _help(column, items.own))
    for name in NAMED_BY:
        given = node.input(name)
        column = given.param("value" if given.op == "const" else "name") if given is not None else None
        if isinstance(column, str) and not _missing(scene, items, column, at) and name == "key":
            _keys(scene, items, column, at)


def _keys(scene: Scene, items: Items, column: str, at: Label) -> None:
    values = [row.get(column) for row in items.rows]
    empty = sum(v is None for v in values)
    if empty:
        scene.report("error", "missing-key", at, f"the key `{column}` is empty in {empty} of {len(values)} rows")
    twice = (
        next((v for i, v in enumerate(values) if v is not None and v in values[:i]), None)
        if len(set(values)) < len(values)
        else None
    )
    if twice is not None:
        scene.report(
            "error",
            "duplicate-key",
            at,
            f"the key `{column}` is {twice!r} in more than one row",
            "a key tells items apart: choose another column, or leave `key=` out",
        )


def _help(column: str, columns: Sequence[str]) -> str:
    near = get_close_matches(column, columns, 1)
    return f"did you mean `{near[0]}`?" if near else f"it has {listed(columns)}"
