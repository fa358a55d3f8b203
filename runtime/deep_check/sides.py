"""Contrasts whose two sides differ in length: the same position is then not the same place in the text."""

from __future__ import annotations

from collections.abc import Iterator

from ...compiler.graph import Node
from ..text.tokenizer import Tokenizer
from .scene import Scene, counted


def look(scene: Scene) -> None:
    """Report contrasts with items whose sides are of different length in tokens."""
    for positive, negative in _pairs(scene):
        if negative.key not in scene.runs:
            continue
        for model, tokenizer in scene.readers(positive):
            both = list(_lengths(scene, positive, negative, tokenizer))
            unequal = [(i, a, b) for i, a, b in both if a != b]
            if unequal:
                index, a, b = unequal[0]
                which = f"item {index + 1} has" if len(both) > 1 else "they have"
                name = str(positive.param("name")).removesuffix(".positive")
                scene.report(
                    "warning",
                    "sides-of-unequal-length",
                    scene.places.of_prompts(positive),
                    f"the sides of `{name}` differ in length for {model.name}{counted(len(unequal), len(both))}: "
                    f"{which} {a} and {b} tokens",
                    "length is then part of the contrast, and positions do not correspond; "
                    "`probe tokens` shows both sides",
                )


def _pairs(scene: Scene) -> Iterator[tuple[Node, Node]]:
    by_name = {str(prompts.param("name")): prompts for prompts, _ in scene.runs.values()}
    for name, prompts in by_name.items():
        other = by_name.get(f"{name.removesuffix('.positive')}.negative")
        if name.endswith(".positive") and other is not None:
            yield prompts, other


def _lengths(scene: Scene, a: Node, b: Node, tokenizer: Tokenizer) -> Iterator[tuple[int, int, int]]:
    for left, right in zip(scene.shown(a, tokenizer), scene.shown(b, tokenizer), strict=False):
        if left.rendered is not None and right.rendered is not None:
            yield left.index, len(left.rendered.ids), len(right.rendered.ids)
