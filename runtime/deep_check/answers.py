"""Answers: whether what a measure looks for is one token behind the prompt, for each model and item."""

from __future__ import annotations

from collections.abc import Iterator

from ...compiler.graph import Node, walk
from ...compiler.kinds import Distribution, Text
from ...grammar.diagnostics import Label
from ..binding.templates import constants
from ..errors import ProbeError
from ..text.answers import answer_ids
from ..text.tokenizer import Tokenizer
from .scene import Scene, Shown, counted

TARGETS = ("answer", "wrong")
SEVERAL = "this measure looks for one token: choose other answers; `probe tokens` shows how a text is cut"
CONTEXTS = 20  # items behind which a text that is the same for all is tokenised


def look(scene: Scene) -> None:
    """Report answers of several tokens, unknown ones, and answers that are one token with the wrong ones."""
    for node, statement in scene.nodes:
        signature = scene.catalogue.get(node.op)
        if signature is None:
            continue
        parameters = [p.name for p in signature.parameters if Text in p.kinds and not p.choices]
        distributions = [c for name, c in node.inputs if issubclass(c.kind, Distribution)]
        if not parameters or not distributions:
            continue
        at = scene.at(node, statement)
        for run in _runs(distributions[0]):
            prompts, model = run.input("prompts"), scene.model(run.input("model"))
            if prompts.op == "prompts" and model is not None and model.tokenizer is not None:
                _measure(scene, node, parameters, prompts, model.name, model.tokenizer, at)


def _runs(distribution: Node) -> Iterator[Node]:
    if distribution.op == "next-token":
        yield distribution.input("run")
    elif distribution.op == "lens":
        yield from (n.input("run") for n in walk(distribution) if n.op == "read")


def _measure(
    scene: Scene, node: Node, parameters: list[str], prompts: Node, name: str, tokenizer: Tokenizer, at: Label
) -> None:
    shown = [s for s in scene.shown(prompts, tokenizer) if s.rendered is not None]
    failures: dict[tuple[str, str], list[tuple[int, ProbeError]]] = {}
    equal: list[int] = []
    constant = all(_constant(node.input(p)) for p in parameters if node.input(p) is not None)
    given = any(node.input(p) is not None for p in parameters)
    for s in shown[:CONTEXTS] if given and constant else shown:
        ids: dict[str, set[int]] = {}
        for parameter in parameters:
            for text in _texts(scene, node, parameter, prompts, s):
                try:
                    ids.setdefault(parameter, set()).add(answer_ids(tokenizer, s.rendered, text).id)
                except ProbeError as problem:
                    failures.setdefault((problem.code, parameter), []).append((s.index, problem))
        if ids.get("answer") and ids.get("answer") == ids.get("wrong"):
            equal.append(s.index)
    severity = "warning" if scene.narrowed(prompts) else "error"
    for (code, parameter), found in failures.items():
        written = node.input(parameter) is None
        place = _target(scene, prompts, parameter, at) if written else at
        many = counted(len({i for i, _ in found}), len(shown)) if written else ""
        first = found[0][1]
        help_ = SEVERAL if code == "answer-of-several-tokens" else first.help
        message = f"{first.message.rstrip('.')} ({name}{many})"
        scene.report(severity, code, place, message, help_, same=tokenizer.fingerprint)
    if equal:
        where = f"{name}{counted(len(equal), len(shown))}"
        message = f"the answer and the wrong answer are the same token for {where}"
        scene.report("warning", "answers-equal", _target(scene, prompts, "answer", at), message)


def _constant(node: Node | None) -> bool:
    return node is None or node.op != "column"


def _texts(scene: Scene, node: Node, parameter: str, prompts: Node, shown: Shown) -> list[str]:
    given = node.input(parameter)
    if given is None:
        text = shown.rendered.targets.get(parameter) if parameter in TARGETS else None
        return [] if text is None else [text]
    if given.op == "column":
        items = scene.items(given.input("dataset"))
        value = items.rows[shown.index].get(given.param("name")) if items is not None else None
        return [] if value is None else [str(value)]
    return [v for v in constants(given) or () if isinstance(v, str)]


def _target(scene: Scene, prompts: Node, target: str, at: Label) -> Label:
    segments = list(prompts.param("segments") or ())
    return scene.places.of_prompts(prompts, segments.index(target)) if target in segments else at
