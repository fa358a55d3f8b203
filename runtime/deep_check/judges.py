"""Judges: whether a rubric can be asked, and whether the judge's tokenizer knows the integers of the scale."""

from __future__ import annotations

from ...compiler.graph import Node, walk
from ...grammar.diagnostics import Label
from ..binding.templates import constants
from ..data.paths import locate
from ..errors import ProbeError
from ..judges.config import endpoint, how_to_set_up
from ..judges.rubric import PLACE, asked, check_rubric, read_rubric
from ..text.template import Segment, Template
from .scene import Scene


def look(scene: Scene) -> None:
    """Report rubrics that cannot be asked, columns that they name and that are not there, and scales unknown."""
    for node, statement in scene.nodes:
        if node.op == "endpoint":
            set_up(scene, node, scene.at(node, statement))
        if node.op != "judge":
            continue
        at = scene.at(node, statement)
        for rubric in rubrics(scene, node):
            if sound(scene, node, rubric, at):
                known(scene, node, rubric, at)


def set_up(scene: Scene, model: Node, at: Label) -> None:
    """Warn of an endpoint that this machine does not know and for which no replies were recorded."""
    alias, recorded = model.input("alias"), model.input("recorded")
    if alias is None or alias.op != "const" or (recorded is not None and recorded.op != "none"):
        return
    name = str(alias.param("value"))
    try:
        if endpoint(name) is None:
            message = f"the endpoint `{name}` is not set up on this machine: what it judges will be empty"
            scene.report("warning", "endpoint-not-set-up", at, message, how_to_set_up(name))
    except ProbeError as problem:
        scene.report("warning", problem.code, at, problem.message, problem.help)


def rubrics(scene: Scene, node: Node) -> list[str]:
    """The rubrics of a judge as far as the spec and the files at hand tell."""
    given = node.input("rubric")
    if given.op != "file":
        return [text for text in constants(given) or () if isinstance(text, str)]
    name = given.input("path")
    if name is None or name.op != "const" or str(name.param("value")).startswith("zoo/"):
        return []
    try:
        return [read_rubric(locate(name.param("value"), root=scene.root, allow_outside=scene.options.allow_outside))]
    except ProbeError:
        return []  # that the file is not here, or is no text, is told where it is looked for


def sound(scene: Scene, node: Node, rubric: str, at: Label) -> bool:
    """Whether a rubric can be put to a judge, with the columns that it names."""
    try:
        check_rubric(rubric)
        if not PLACE.search(rubric):
            return True
        named = set(Template("judge", (Segment("question", None, rubric),)).columns) - {"text"}
    except ProbeError as problem:
        scene.report("error", problem.code, at, problem.message, problem.help)
        return False
    items = scene.items(dataset_of(node.input("answers")))
    missing = sorted(named - set(items.own)) if items is not None else []
    if missing:
        has = ", ".join(items.own)
        scene.report("error", "unknown-column", at, f"the rubric names a column {missing[0]!r}", f"there are {has}")
    return not missing


def dataset_of(answers: Node) -> Node | None:
    """The dataset whose items were judged."""
    for node in walk(answers):
        found = node.input("dataset") if node.op == "column" else node.input("source") if node.op == "prompts" else None
        if found is not None:
            return found
    return None


def known(scene: Scene, node: Node, rubric: str, at: Label) -> None:
    """Report a scale whose integers the judge's tokenizer does not know."""
    from ..judges.prompts import branches, prompt
    from ..judges.questions import DEFAULTS
    from ..judges.scale import integers

    model, given = scene.model(node.input("model")), node.input("scale")
    if model is None or model.tokenizer is None or (given is not None and given.op != "const"):
        return
    scale = integers(str(given.param("value")) if given is not None else str(DEFAULTS["scale"]))
    if PLACE.search(rubric):
        rubric = "The text.\nScore:"  # what stands in its place decides nothing
    try:
        branches(model.tokenizer, [prompt(model.tokenizer, asked(rubric, "a text", {}))], scale, model.name)
    except ProbeError as problem:
        scene.report("error", problem.code, at, problem.message, problem.help)
