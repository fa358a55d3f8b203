"""Scores of texts inside a value: which they are, what they are called, and their table.

Scores that say which items a value is about (`keep`, a condition) are none of its own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from ..compiler.elaborate.stacks import elements, is_stack
from ..compiler.graph import Node, walk
from .cells import NOT_MET, NOT_SELECTED
from .cube import Cube, align
from .evaluate import Evaluator
from .record import Record
from .report.frame import axis_columns, frame_of, is_coordinate, labelled
from .selections import masked
from .text_cells import texts

SCORED = {
    "mentions": "text", "matches": "text", "exact_match": "text", "judge": "answers", "repetition": "text",
    "log_odds_words": "of",
}  # fmt: skip
SAYING = ("words", "pattern", "reference", "rubric")  # inputs that tell measures apart
WRITTEN = ("const", "list", "any_of")
MEASURED = ("measure", "text", "score", "not_computed")  # columns of a table of texts behind its keys
CHOOSING = {"keep": "where", "keep_pairs": "pairs", "filter": "predicate"}  # inputs that say which items, not what


@dataclass(frozen=True)
class Scored:
    """A score of texts inside a statement: labels of the lists above it, the node, what it is called, and conditions.

    `conditions` are the predicates that choose among its cells.
    """

    labels: dict[str, object]
    node: Node
    measure: str
    conditions: tuple[Node, ...]


def leaves(node: Node, labels: dict[str, object] | None = None) -> Iterator[tuple[dict[str, object], Node]]:
    """The elements of lists inside lists, with their labels."""
    labels = labels or {}
    if not is_stack(node):
        yield labels, node
        return
    for label, element in zip(node.param("labels"), elements(node), strict=True):
        yield from leaves(element, {**labels, node.axes[0].name: label})


def scores(root: Node) -> list[Scored]:
    """The scores of texts that a value is computed from, in order; not those that say which items it is about.

    Where a cell has several that are called alike, the second is `#2`; the same score in other cells has one name.
    """
    found = []
    for labels, leaf in leaves(root):
        counts: Counter[str] = Counter()
        for node, under in own(leaf):
            said = called(node)
            counts[said] += 1
            found.append(Scored(labels, node, said if counts[said] == 1 else f"{said} #{counts[said]}", under))
    return found


def own(leaf: Node) -> list[tuple[Node, tuple[Node, ...]]]:
    """The scores below a node, each with the conditions that all ways to it pass."""
    ways: dict[str, tuple[Node, list[tuple[Node, ...]]]] = {}
    seen: set[tuple] = set()

    def visit(node: Node, under: tuple[Node, ...]) -> None:
        if (node.key, under) in seen:
            return
        seen.add((node.key, under))
        if node.op == "filter":
            under = (*under, node.input("predicate"))
        for name, child in node.inputs:
            if CHOOSING.get(node.op) != name:
                visit(child, under)
        if node.op in SCORED:
            ways.setdefault(node.key, (node, []))[1].append(under)

    visit(leaf, ())
    return [(node, all_of[0] if len(all_of) == 1 else ()) for node, all_of in ways.values()]


def called(node: Node) -> str:
    """A measure by its name and the texts that it is given: `mentions("Elara")`."""
    given = [list(walk(n)) for name, n in node.inputs if name in SAYING]
    written = [n.param("value") for below in given if all(n.op in WRITTEN for n in below) for n in below]
    texts = [json.dumps(v, ensure_ascii=False) for v in written if isinstance(v, str)]
    return f"{node.op}({', '.join(texts)})" if texts else node.op


def valued(evaluator: Evaluator, one: Scored) -> tuple[Cube, Cube | None]:
    """The texts, and their scores on the axes of the texts and then others; None for words of a whole corpus.

    Scores that a condition leaves out are missing.
    """
    evaluator = evaluator.at_home(one.node)
    written = texts(evaluator.cube(one.node.input(SCORED[one.node.op])), one.node.op)
    value = evaluator.value(one.node)
    if isinstance(value, Record):
        return written, None
    for predicate in map(evaluator.cube, one.conditions):
        if set(predicate.names) <= {*written.names, *value.names}:
            value = masked(value, predicate)
    wide = align(written, value)[1]
    return written, wide.transpose([*written.names, *(n for n in wide.names if n not in written.names)])


def table(one: Scored, written: Cube, score: Cube | None) -> pl.DataFrame:
    """One row for each score, with the keys that the table of items has: labels of axes, none of their columns."""
    frame = frame_of(written if score is None else score)
    columns = axis_columns(frame)
    keys = [pl.col(c).alias(f"{c} (axis)" if c in MEASURED else c) for c in columns if not is_coordinate(c, columns)]
    text = frame_of(written if score is None else written.expand(score.axes)).get_column("value").cast(pl.String)
    value, reason = (pl.lit(None, pl.Float64), pl.lit(None, pl.String)) if score is None else ("value", "reason")
    made = frame.select(*keys, text.alias("text"), score=value, not_computed=reason, measure=pl.lit(one.measure))
    left_out = pl.col("not_computed").is_in([NOT_SELECTED, NOT_MET]).fill_null(False)
    return labelled(made.filter(pl.col("text").is_not_null() & ~left_out), one.labels)
