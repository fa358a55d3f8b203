"""Which models and datasets are here: broken ones are errors, absent ones are said to be unchecked."""

from __future__ import annotations

from pathlib import Path

from ...compiler.errors import near
from ...compiler.graph import Node
from ...compiler.kinds import Model
from ...grammar.diagnostics import Label
from ...grammar.tree import NOWHERE, Span
from ..data.paths import locate
from ..errors import ProbeError
from ..sites import architecture
from .items import READ, Items, file_of
from .models import SOURCES, Missing
from .scene import Scene

CODE = "unchecked"


def look(scene: Scene) -> None:
    """Report models and datasets that are wrong or not at hand."""
    absent: dict[tuple[str, str], list[tuple[Missing, Label]]] = {}
    for node, statement in scene.nodes:
        if node.op in SOURCES and issubclass(node.kind, Model):
            _model(scene, node, statement, absent)
    for (kind, _), found in absent.items():
        _absent(scene, kind, found)
    for dataset, statement in _files(scene):
        _dataset(scene, dataset, statement)
    for node, statement in scene.nodes:
        if (rubric := node.input("rubric")) is not None and rubric.op == "file":
            _rubric(scene, rubric, statement)


def _model(scene: Scene, node: Node, statement: Span, absent: dict) -> None:
    found = scene.look_up(node)
    if found is None:
        return
    at = scene.places.of_model(node, found.source.name, statement)
    if isinstance(found, Missing):
        if found.problem is None:
            absent.setdefault((node.op, found.source.name), []).append((found, at))
        else:
            scene.report("error", found.problem.code, at, found.problem.message, found.problem.help)
        return
    try:
        architecture(found.facts.arch)
    except ProbeError as problem:
        scene.report("error", problem.code, at, problem.message, problem.help)
    if found.tokenizer is None:
        message = f"{found.name} has no tokenizer.json here: its prompts and answers are unchecked"
        scene.report("note", CODE, at, message)


def _absent(scene: Scene, kind: str, found: list[tuple[Missing, Label]]) -> None:
    """Say once of a model, however many revisions of it there are, that it is not here."""
    missing, at = found[0]
    rest = "its layers, prompts and answers are unchecked"
    if kind == "path":
        scene.report(
            "warning", CODE, at, f"{_lack(scene, missing.source.name)}; {rest}", _where(scene, missing.source.name)
        )
        return
    if kind == "zoo":
        scene.report("note", CODE, at, f"{missing.name} is written when it is first run; until then {rest}")
        return
    what = missing.name if len(found) == 1 else f"{kind}({missing.source.name}) in {len(found)} revisions"
    scene.report("note", CODE, at, f"not on this machine: {what}; {rest}")


def _lack(scene: Scene, directory: str) -> str:
    folder = scene.root / directory
    if not folder.exists():
        return f"there is no folder `{directory}`"
    return f"`{directory}` has no config.json" if folder.is_dir() else f"`{directory}` is no folder"


def _where(scene: Scene, directory: str) -> str:
    """Say where a model's folder was looked for, and what would do."""
    folder = scene.root / directory
    beside = [p.parent for p in sorted(folder.parent.glob("*/config.json"))[:50]]
    meant = near(folder.name, [p.name for p in beside])
    if meant is not None and meant != folder.name:
        return f'did you mean "{(Path(directory).parent / meant).as_posix()}"?'
    return (
        f"looked for {folder / 'config.json'}: paths are relative to the spec's folder, and name what "
        "`save_pretrained` wrote; `hub(…)` is for models of the hub"
    )


def _files(scene: Scene) -> list[tuple[Node, Span]]:
    """Where the rows of every dataset that is read come from."""
    found: dict[str, tuple[Node, Span]] = {}
    read = [(node.input("source") or node.input("dataset") or node.input("items"), span) for node, span in scene.nodes]
    read += [(node, NOWHERE) for node in scene.program.datasets.values()]
    for dataset, statement in read:
        if dataset is not None and (origin := file_of(dataset)) is not None:
            found.setdefault(origin.key, (origin, statement))
    return list(found.values())


def _dataset(scene: Scene, dataset: Node, statement: Span) -> None:
    found, at = scene.read(dataset), scene.at(dataset, statement)
    if isinstance(found, ProbeError):
        scene.report("error", found.code, at, found.message, found.help)
    elif found is None:
        where = "on the hub" if dataset.op == "hub" else "not on this machine"
        scene.report("note", CODE, at, f"the rows of this dataset are {where}: its columns and items are unchecked")
    elif found.whole and not found.rows:
        scene.report(
            "error", "empty-dataset", at, "this dataset has no rows", "only the names of its columns are there"
        )
    else:
        _partly(scene, dataset, found, at)


def _partly(scene: Scene, dataset: Node, items: Items, at: Label) -> None:
    """Say that only a sample was looked at, where a model would have shown all."""
    sources = [p for p, _ in scene.runs.values() if p.input("source") is not None]
    rendered = [p for p in sources if file_of(p.input("source")) is dataset and any(scene.readers(p))]
    sample = len(items.sample(scene.limit))
    if not rendered or (items.whole and sample == len(items.rows)):
        return
    total = str(len(items.rows)) if items.whole else f"more than {READ}"
    scene.report("note", CODE, at, f"{sample} of {total} items were looked at, evenly spread; the others are unchecked")


def _rubric(scene: Scene, rubric: Node, statement: Span) -> None:
    """A rubric is a text file, read when a judge runs."""
    name = rubric.input("path")
    if name is None or name.op != "const" or str(name.param("value")).startswith("zoo/"):
        return
    try:
        locate(name.param("value"), root=scene.root, allow_outside=scene.options.allow_outside)
    except ProbeError as problem:
        scene.report("error", problem.code, scene.at(rubric, statement), problem.message, problem.help)
