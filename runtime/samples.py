"""Texts that were scored, with what was found in them: all of them, and a sample for a reader.

Which texts are shown follows from a hash of their labels, never from their scores, so that a page of them is no
selection of the best.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ..compiler.elaborate.program import StatementNode
from ..compiler.elaborate.stacks import elements, is_stack
from ..compiler.graph import Node, walk
from .cube import Cube, align
from .errors import ProbeError
from .evaluate import Evaluator
from .operations.text.mentions import words_cube
from .record import Record
from .report.frame import label_text
from .report.numbers import single
from .results import ScoredText, Texts
from .text import regex
from .text_cells import texts

if TYPE_CHECKING:
    from .execute import Prepared

SCORED = {
    "mentions": "text", "matches": "text", "exact_match": "text", "judge": "answers", "repetition": "text",
    "log_odds_words": "of",
}  # fmt: skip
SHOWN = 12  # texts of a statement

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Scored:
    """A score of texts inside a statement: labels of the lists above it, and the node."""

    labels: dict[str, object]
    node: Node


def texts_of(prepared: Prepared, s: StatementNode, root: Node, seen: set[str]) -> Texts | None:
    """The texts that a statement scores; None where it scores none, or where an earlier one has shown them."""
    evaluator = prepared.evaluator.at_home(root)
    found = [Scored(labels, n) for labels, leaf in leaves(root) for n in walk(leaf) if n.op in SCORED]
    found = [one for one in found if one.node.key not in seen]
    seen |= {one.node.key for one in found}
    rows: list[ScoredText] = []
    finders: dict[int, Callable[[], Spans]] = {}
    for one in found:
        try:
            for row, find in scored(evaluator, one):
                finders[id(row)] = find
                rows.append(row)
        except ProbeError:
            continue  # what cannot be computed is told by the statement's own table
    if not rows:
        return None
    columns = list(dict.fromkeys(name for row in rows for name, _ in row.labels))
    table = [{**dict(row.labels), "text": row.text, "score": row.score} for row in rows]
    frame = pl.DataFrame(table, schema={name: pl.String for name in (*columns, "text", "score")})
    text = prepared.checked.text[s.span.start : s.span.end]
    shown = tuple(replace(row, marks=finders[id(row)]()) for row in sample(rows))
    return Texts(s.name, s.span.line, text, shown, len(rows), frame)


def leaves(node: Node, labels: dict[str, object] | None = None) -> Iterator[tuple[dict[str, object], Node]]:
    """The elements of lists inside lists, with their labels."""
    labels = labels or {}
    if not is_stack(node):
        yield labels, node
        return
    for label, element in zip(node.param("labels"), elements(node), strict=True):
        yield from leaves(element, {**labels, node.axes[0].name: label})


def scored(evaluator: Evaluator, one: Scored) -> Iterator[tuple[ScoredText, Callable[[], Spans]]]:
    """Every text of a score with what was found, and a function that finds where; only some texts are shown."""
    node = one.node
    written = texts(evaluator.at_home(node).cube(node.input(SCORED[node.op])), node.op)
    value = evaluator.at_home(node).value(node)
    found = value["word"] if isinstance(value, Record) else value
    marks = marker(evaluator, node)
    cubes = [written] if isinstance(value, Record) else list(align(written, found))
    axes = {a.name: a for a in cubes[0].axes}
    order = [*written.names, *(n for n in axes if n not in written.names)]
    said = None if isinstance(value, Record) else cubes[1].transpose(order)
    for cell in np.ndindex(written.shape):
        if written.missing is not None and written.missing[cell] is not None:
            continue
        at = dict(zip(written.names, cell, strict=True))
        labels = tuple((n, str(axes[n].labels[i]) if axes[n].kind != "data" else str(i + 1)) for n, i in at.items())
        text = written.values[cell]
        outer = tuple((name, label_text(label)) for name, label in one.labels.items())
        row = ScoredText((*outer, *labels), text, (), "" if said is None else spoken(said, cell))
        yield row, partial(lambda text, at: joined(marks(text, at)), text, at)


def spoken(value: Cube, cell: tuple[int, ...]) -> str:
    """What was found of one text: yes or no, a number, or the labels for which it holds."""
    rest = value.axes[len(cell) :]
    inside, reasons = value.values[cell], None if value.missing is None else value.missing[cell]
    told = []
    for place in np.ndindex(tuple(len(a) for a in rest)):
        reason = None if reasons is None else np.asarray(reasons, dtype=object)[place]
        label = " · ".join(label_text(a.labels[i]) for a, i in zip(rest, place, strict=True))
        one = np.asarray(inside)[place]
        if reason is not None:
            told.append(f"{label}: {reason}" if label else str(reason))
        elif value.values.dtype.kind != "b":
            told.append(f"{label}: {single(float(one))}" if label else single(float(one)))
        elif not label:
            told.append("yes" if one else "no")
        elif one:
            told.append(label)
    return ", ".join(told) or "none of them"


# **** marks ****


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


# **** the sample ****


def sample(rows: list[ScoredText]) -> list[ScoredText]:
    """At most `SHOWN` texts, as many of each cell as there is room for, chosen by the hash of their labels.

    Of more cells than that, some from the first to the last.
    """
    cells: dict[tuple, list[ScoredText]] = {}
    for row in rows:
        cell = tuple(pair for pair in row.labels if pair[0] not in ("item", "sample", "token"))
        cells.setdefault(cell, []).append(row)
    many = min(len(cells), SHOWN)
    groups = [list(cells.values())[i * (len(cells) - 1) // max(many - 1, 1)] for i in range(many)]
    each = SHOWN // max(many, 1)
    return [row for group in groups for row in sorted(sorted(group, key=chance)[:each], key=group.index)]


def chance(row: ScoredText) -> bytes:
    return hashlib.blake2b(repr(row.labels).encode(), digest_size=8).digest()
