"""Sites against models: layers and heads in range, and sites that an architecture does not have."""

from __future__ import annotations

from collections.abc import Iterator

from ...compiler.builtins import SITES
from ...compiler.graph import Node, walk
from ...grammar.tree import Span
from ..binding.templates import constants
from ..errors import ProbeError
from ..sites import SiteRef, place
from .models import AtHand
from .scene import Scene

OUTSIDE = ("layer-out-of-range", "head-out-of-range", "site-not-in-model")


def look(scene: Scene) -> None:
    """Report sites that do not exist in the model that they are read or edited in."""
    for node, statement in scene.nodes:
        if node.op == "read":
            _site(scene, node.input("site"), node.input("run").input("model"), node, statement)
        elif node.op == "run":
            for name, edit in node.inputs:
                if name.startswith("i"):
                    for site in _sites_of_edit(edit):
                        _site(scene, site, node.input("model"), edit, statement)
        elif node.op == "weights" and node.input("layer") is not None:
            _layers(scene, node, statement)
        elif node.input("site") is not None and node.input("of") is not None:
            for run in walk(node.input("of")):
                if run.op == "run":
                    _site(scene, node.input("site"), run.input("model"), node, statement)


def _sites_of_edit(edit: Node) -> Iterator[Node]:
    place_ = edit.input("place")
    given = place_.input("site") if place_ is not None else edit.input("site")
    if given is not None:
        yield given
    elif (direction := edit.input("direction")) is not None:
        yield from (n.input("site") for n in walk(direction) if n.op == "read")


def _site(scene: Scene, site: Node, model: Node, user: Node, statement: Span) -> None:
    found = scene.model(model)
    if site.op != "site" or found is None:
        return
    name = str(site.param("name"))
    layers = constants(site.input("layer")) if "layer" in SITES[name].indices else [None]
    heads = constants(site.input("head")) if "head" in SITES[name].indices else [None]
    # one index out of range is told, not each of them; unknown ones are looked at as the first
    for layer in _ends(layers):
        for head in _ends(heads):
            problem = _problem(name, layer, head, found)
            if problem is not None:
                at = scene.places.of(site, scene.places.of(user, statement).span)
                scene.report("error", problem.code, at, f"{problem.message} ({found.name})", problem.help)
                return


def _ends(values: list | None) -> list:
    if values is None or values == [None]:
        return [0] if values is None else [None]
    numbers = [v for v in values if isinstance(v, int)]
    return list(dict.fromkeys((max(numbers), min(numbers)))) if numbers else [0]


def _problem(name: str, layer: int | None, head: int | None, model: AtHand) -> ProbeError | None:
    try:
        place(SiteRef(name, layer, head), model.facts)
    except ProbeError as problem:
        return problem if problem.code in OUTSIDE else None
    return None


def _layers(scene: Scene, node: Node, statement: Span) -> None:
    found, layers = scene.model(node.input("model")), constants(node.input("layer"))
    highest = max((v for v in layers or () if isinstance(v, int)), default=None)
    if found is not None and highest is not None and highest >= found.facts.n_layers:
        scene.report(
            "error",
            "layer-out-of-range",
            scene.at(node, statement),
            f"layer {highest} does not exist: {found.name} has layers 0 to {found.facts.n_layers - 1}",
        )
