"""Values of two models that meet: their widths must agree, and where tokens are compared, their vocabularies."""

from __future__ import annotations

from ...compiler.builtins import SITES
from ...compiler.graph import Node, walk
from ...compiler.kinds import Distribution, Matrix, Number, Vector
from ...grammar.tree import Span
from .models import AtHand
from .scene import Scene

WIDTHS = ("d_model", "d_head", "d_mlp")


def look(scene: Scene) -> None:
    """Report widths that differ, and vocabularies or tokenizers that differ."""
    sources: dict[str, frozenset[str]] = {}
    nodes: dict[str, Node] = {}
    for node, statement in scene.nodes:
        if node.op in ("run", "weights"):
            model = node.input("model")
            nodes[model.key] = model
            sources[node.key] = frozenset({model.key})
        else:
            sources[node.key] = frozenset().union(*(sources.get(c.key, frozenset()) for _, c in node.inputs))
        if node.op == "run":
            for name, edit in node.inputs:
                if name.startswith("i"):
                    _edit(scene, edit, node, sources, nodes, statement)
        elif node.op not in ("stack", "list"):
            _operands(scene, node, sources, nodes, statement)


def _operands(scene: Scene, node: Node, sources: dict, nodes: dict[str, Node], statement: Span) -> None:
    for kind, compare in ((Vector, _widths), (Matrix, _matrices), (Distribution, _vocabularies), (Number, _tokens)):
        parts = [c for _, c in node.inputs if issubclass(c.kind, kind) and sources.get(c.key)]
        for left, right in zip(parts, parts[1:], strict=False):
            pairs = [
                (scene.model(nodes[a]), scene.model(nodes[b]))
                for a in sorted(sources[left.key])
                for b in sorted(sources[right.key])
            ]
            for a, b in pairs:
                if a is not None and b is not None and a.name != b.name:
                    compare(scene, a, b, left, node, statement)


def _widths(scene: Scene, a: AtHand, b: AtHand, part: Node, node: Node, statement: Span) -> None:
    sites = {n.input("site").param("name") for n in walk(part) if n.op == "read" and n.input("site").op == "site"}
    for width in {SITES[s].width for s in sites} & set(WIDTHS):
        if getattr(a.facts, width) != getattr(b.facts, width):
            scene.report(
                "error",
                "width-differs",
                scene.at(node, statement),
                f"vectors of {a.name} and {b.name} meet here: {getattr(a.facts, width)} numbers and "
                f"{getattr(b.facts, width)}",
                "vectors of two models need one width",
            )


def _matrices(scene: Scene, a: AtHand, b: AtHand, part: Node, node: Node, statement: Span) -> None:
    shapes = [(m.facts.n_layers, m.facts.d_model, m.facts.d_mlp, m.facts.n_heads, m.facts.n_kv_heads) for m in (a, b)]
    if shapes[0] != shapes[1]:
        scene.report(
            "error",
            "width-differs",
            scene.at(node, statement),
            f"weights of {a.name} and {b.name} meet here, and the two have different shapes",
        )


def _vocabularies(scene: Scene, a: AtHand, b: AtHand, part: Node, node: Node, statement: Span) -> None:
    if _differ(a, b):
        scene.report(
            "error",
            "vocabulary-differs",
            scene.at(node, statement),
            f"{a.name} and {b.name} have different vocabularies, so their distributions cannot be compared",
        )


def _tokens(scene: Scene, a: AtHand, b: AtHand, part: Node, node: Node, statement: Span) -> None:
    if node.op == "binary" and part.axis("item") is not None and _differ(a, b):
        scene.report(
            "warning",
            "vocabulary-differs",
            scene.at(node, statement),
            f"{a.name} and {b.name} cut texts into different tokens, and their values are compared item by item",
            "probabilities and ranks are of other vocabularies; `probe tokens` shows both",
        )


def _edit(scene: Scene, edit: Node, run: Node, sources: dict, nodes: dict[str, Node], statement: Span) -> None:
    target = scene.model(run.input("model"))
    for name, given in edit.inputs:
        if target is None or not issubclass(given.kind, Vector):
            continue
        for key in sorted(sources.get(given.key, ())):
            source = scene.model(nodes[key])
            if source is None or source.name == target.name:
                continue
            _widths(scene, source, target, given, edit, statement)
            if name == "from" and given.axis("item") is not None and _differ(source, target):
                scene.report(
                    "warning",
                    "vocabulary-differs",
                    scene.at(edit, statement),
                    f"activations of {source.name} are patched into {target.name}, which cuts texts into other tokens",
                    "check with `probe tokens` that the positions correspond",
                )


def _differ(a: AtHand, b: AtHand) -> bool:
    if a.tokenizer is None or b.tokenizer is None:
        return False
    return a.tokenizer.vocabulary_fingerprint != b.tokenizer.vocabulary_fingerprint
