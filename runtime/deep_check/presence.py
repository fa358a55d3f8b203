"""Which models and datasets are here: broken ones are errors, absent ones are said to be unchecked."""

from __future__ import annotations

from ...compiler.graph import Node
from ...compiler.kinds import Dataset, Model
from ...grammar.tree import NOWHERE, Span
from ..errors import ProbeError
from ..sites import architecture
from .items import READ, Items, file_of
from .models import SOURCES, Missing
from .scene import Scene

CODE = "unchecked"


def look(scene: Scene) -> None:
    """Report models and datasets that are wrong or not at hand."""
    for node, statement in scene.nodes:
        if node.op in SOURCES and issubclass(node.kind, Model):
            _model(scene, node, statement)
    for dataset, statement in _files(scene):
        _dataset(scene, dataset, statement)


def _model(scene: Scene, node: Node, statement: Span) -> None:
    found, at = scene.look_up(node), scene.at(node, statement)
    if found is None:
        return
    if isinstance(found, Missing):
        if found.problem is not None:
            scene.report("error", found.problem.code, at, found.problem.message, found.problem.help)
        elif node.op == "path":
            scene.report(
                "warning",
                CODE,
                at,
                f"unchecked: there is no model in the folder of {found.name}",
                "its layers, prompts and answers are checked when it is there",
            )
        else:
            scene.report(
                "note",
                CODE,
                at,
                f"unchecked: {found.name} is not on this machine, so its layers, prompts and "
                "answers were not looked at",
            )
        return
    try:
        architecture(found.facts.arch)
    except ProbeError as problem:
        scene.report("error", problem.code, at, problem.message, problem.help)
    if found.tokenizer is None:
        scene.report(
            "note",
            CODE,
            at,
            f"unchecked: {found.name} has no tokenizer.json here, so its prompts and answers were not looked at",
        )


def _files(scene: Scene) -> list[tuple[Node, Span]]:
    found: dict[str, tuple[Node, Span]] = {}
    for node, statement in scene.nodes:
        if issubclass(node.kind, Dataset) and (origin := file_of(node)) is not None:
            found.setdefault(origin.key, (origin, statement))
    for node in scene.program.datasets.values():
        if (origin := file_of(node)) is not None:
            found.setdefault(origin.key, (origin, NOWHERE))
    return list(found.values())


def _dataset(scene: Scene, dataset: Node, statement: Span) -> None:
    found, at = scene.read(dataset), scene.at(dataset, statement)
    if isinstance(found, ProbeError):
        scene.report("error", found.code, at, found.message, found.help)
    elif found is None:
        where = "on the hub" if dataset.op == "hub" else "not on this machine"
        scene.report(
            "note",
            CODE,
            at,
            f"unchecked: the rows of this dataset are {where}, so its columns and items were not looked at",
        )
    else:
        _partly(scene, dataset, found, statement)


def _partly(scene: Scene, dataset: Node, items: Items, statement: Span) -> None:
    """Say that only a sample was looked at, where a model would have shown all."""
    rendered = any(
        file_of(prompts.input("source")) is dataset and next(scene.readers(prompts), None) is not None
        for prompts, _ in scene.runs.values()
        if prompts.input("source") is not None
    )
    if not rendered or (items.whole and len(items.rows) <= scene.limit):
        return
    total = str(len(items.rows)) if items.whole else f"more than {READ}"
    sample = f"{min(scene.limit, len(items.rows))} of {total}"
    scene.report("note", CODE, scene.at(dataset, statement), f"unchecked: {sample} items were looked at, evenly spread")
