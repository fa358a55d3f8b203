"""Labels of tokens in selections, `x[token="subject[0]"]`: whether some item has a token of that name."""

from __future__ import annotations

from collections.abc import Iterator

from ...compiler.elaborate.attributes import names_of, prompts_under
from ...compiler.errors import listed, near
from ...compiler.graph import Node, walk
from ...grammar.tree import Span
from ..text.positions import coordinates
from .scene import Scene, Shown


def look(scene: Scene) -> None:
    """Report labels that no item's prompt has, with the nearest that there are."""
    for node, statement in scene.nodes:
        for axis, label, prompts in _chosen(node):
            if prompts.op == "prompts" and label.op == "const":
                _label(scene, axis, label, prompts, statement)


def _chosen(node: Node) -> Iterator[tuple[str, Node, Node]]:
    """The axis, label and prompts of a token that a selection names: before a run, or in the values it gave."""
    label = node.input("label")
    if node.op == "token-at" and label is not None:
        for prompts in prompts_under(node):
            yield "token", label, prompts
    elif node.op == "select" and label is not None:
        axis = node.input("base").axis(str(node.param("axis")))
        for reader in walk(node.input("base")) if axis is not None and axis.name == "token" else ():
            if reader.op == "read" and (own := reader.axis("token")) is not None and own.origin == axis.origin:
                yield axis.name, label, reader.input("run").input("prompts")


def _label(scene: Scene, axis: str, label: Node, prompts: Node, statement: Span) -> None:
    written = str(label.param("value"))
    for model, tokenizer in scene.readers(prompts):
        shown = [s for s in scene.shown(prompts, tokenizer) if s.rendered is not None]
        known = dict.fromkeys(f"{c[0]}[{c[1]}]" for s in shown for c in coordinates(s.rendered))
        if not shown or written in known:
            continue
        span = next((s for (_, key), s in scene.program.labels.items() if key == label.key), statement)
        name = str(prompts.param("name"))
        # an item that was not looked at may be longer
        severity = "error" if scene.all_shown(prompts) else "warning"
        message = f"no token of `{name}` is called `{written}` ({model.name})"
        help_ = _help(written, list(known), prompts, shown)
        scene.report(severity, "unknown-label", scene.places.at(span), message, help_, same=tokenizer.fingerprint)


def _help(written: str, known: list[str], prompts: Node, shown: list[Shown]) -> str:
    texts = [(f"{s}[{i}]", text.strip()) for s, i, text in coordinates(shown[0].rendered)]
    reading = next((label for label, text in texts if text == written.strip()), None)
    word = written.partition("[")[0]
    segments, columns = names_of(prompts)
    if word in columns and word not in segments:
        return f"labels are of segments, and `{word}` is a column: they are {listed(known)}"
    if reading is not None:
        return f"a token is selected by its label: the first one that reads {written.strip()!r} is `{reading}`"
    closest = near(written, known)
    return (f"did you mean `{closest}`? " if closest else "") + f"there are {listed(known)}"
