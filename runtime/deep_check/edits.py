"""Grafts, gates and knockouts against models: parts, layers and heads that there are, and edges that can be cut."""

from __future__ import annotations

from collections.abc import Iterator

from ...compiler.graph import Node
from ...grammar.tree import Span
from ..binding.templates import constants, expression_of
from ..errors import ProbeError
from ..text.positions import positions
from .models import AtHand
from .scene import Scene

NUMBERED = {"graft": ("layers",), "gate": ("layers",), "knockout": ("layer", "head")}


def look(scene: Scene) -> None:
    """Report what these interventions name and the model that runs does not have, and knockouts that cut nothing."""
    for run, statement in scene.nodes:
        if run.op != "run":
            continue
        model = scene.model(run.input("model"))
        for edit in _edits(run):
            if not _parts(scene, edit, model, statement):
                continue
            if model is None or _numbers(scene, edit, model, statement):
                _edges(scene, edit, run.input("prompts"), statement)


def _edits(run: Node) -> Iterator[Node]:
    for name, edit in run.inputs:
        if name[:1] == "i" and name[1:].isdigit() and edit.op in NUMBERED:
            yield edit


def _parts(scene: Scene, edit: Node, model: AtHand | None, statement: Span) -> bool:
    """Whether the parts of a graft or gate are such as can be grafted."""
    given = edit.input("parts")
    if given is None or given.op != "list" or any(part.op not in ("part", "site") for _, part in given.inputs):
        return True
    from ..lowering.graft import elementary

    try:
        elementary(given, "" if model is None else model.facts.arch)
    except ProbeError as problem:
        scene.report("error", problem.code, scene.at(edit, statement), problem.message, problem.help)
        return False
    return True


def _numbers(scene: Scene, edit: Node, model: AtHand, statement: Span) -> bool:
    """Whether the model has the layers and heads that an intervention names, as far as the text tells them."""
    from ..lowering.grid import index_in_model

    good = True
    for name in NUMBERED[edit.op]:
        count = model.facts.n_heads if name == "head" else model.facts.n_layers
        for number in constants(edit.input(name)) or ():
            try:
                for one in number if isinstance(number, tuple) else (number,):
                    index_in_model(edit.op, name, one, count)
            except ProbeError as problem:
                message = f"{problem.message} ({model.name})"
                scene.report("error", problem.code, scene.at(edit, statement), message, problem.help)
                good = False
                break
    return good


def _edges(scene: Scene, edit: Node, prompts: Node, statement: Span) -> None:
    """Warn of a knockout whose tokens `from` stand behind those that shall not see them, in every item looked at."""
    during = edit.input("during")
    if edit.op != "knockout" or prompts.op != "prompts" or during is not None:
        return
    ends = [expression_of(edit.input(name)) for name in ("from", "to")]
    if None in ends:
        return
    for _, tokenizer in scene.readers(prompts):
        cut = []
        for shown in scene.shown(prompts, tokenizer):
            try:
                seen, sees = (positions(shown.rendered, end) for end in ends) if shown.rendered else ((), ())
            except ProbeError:
                return  # that tokens are not there is told where they are named
            cut.append(len(seen) > 0 and len(sees) > 0 and min(seen) <= max(sees))
        if cut and not any(cut):
            message = "this knockout cuts nothing: the tokens `from` stand behind the tokens `to`, which never see them"
            help_ = "tokens see only what stands before them: turn `from` and `to` around"
            scene.report("warning", "no-edge-to-cut", scene.at(edit, statement), message, help_)
            return
