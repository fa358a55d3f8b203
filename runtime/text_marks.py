"""Where in a text its score is about: the words that it mentions, the matches of a pattern, the words that rose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..compiler.graph import Node
from .cube import Cube
from .evaluate import Evaluator
from .operations.text.mentions import words_cube
from .text import regex
from .text_cells import texts

Spans = tuple[tuple[int, int], ...]


def marker(evaluator: Evaluator, node: Node) -> Callable[[str, dict[str, int]], list[tuple[int, int]]]:
    """A function that finds, in a text at a place of the axes, the characters that its score is about."""
    flag = {name: bool(option(evaluator, node, name)) for name in ("ignore_case",)}
    if node.op == "mentions":
        wanted = words_cube(evaluator.value(node.input("words")), "mentions")
        whole = option(evaluator, node, "whole_words", True)

        def mentioned(text: str, at: dict[str, int]) -> list[tuple[int, int]]:
            lists = np.ravel(here(wanted, at).values)
            words = {w for one in lists for w in one.words}
            return [span for w in words for span in regex.places(text, w, whole_words=bool(whole), **flag)]

        return mentioned
    if node.op == "matches":
        patterns = texts(evaluator.value(node.input("pattern")), "matches")

        def matched(text: str, at: dict[str, int]) -> list[tuple[int, int]]:
            wanted = {p for p in np.ravel(here(patterns, at).values)}
            return [m.span() for p in wanted for m in regex.compile(p, **flag).finditer(text) if m.end() > m.start()]

        return matched
    if node.op == "log_odds_words":
        risen = evaluator.at_home(node).value(node)["word"]

        def rose(text: str, at: dict[str, int]) -> list[tuple[int, int]]:
            words = {w for w in np.ravel(here(risen, at).values) if w}
            return [span for w in words for span in regex.places(text, w, **flag)]

        return rose
    return lambda text, at: []


def option(evaluator: Evaluator, node: Node, name: str, default: object = False) -> object:
    given = node.input(name)
    found = default if given is None else evaluator.value(given)
    return found.values.any() if isinstance(found, Cube) else found


def here(cube: Cube, at: dict[str, int]) -> Cube:
    """The part of a cube at a place, on the axes that it has."""
    for name, index in at.items():
        if name in cube.names:
            cube = cube.isel(name, index)
    return cube


def joined(spans: list[tuple[int, int]]) -> Spans:
    """Marks in order, those that touch or overlap made one."""
    made: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return tuple(made)
