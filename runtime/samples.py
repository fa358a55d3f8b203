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
from ..compiler.graph import Node
from .cells import NOT_MET, NOT_SELECTED
from .cube import Cube
from .errors import ProbeError
from .evaluate import Evaluator
from .report.frame import label_text
from .report.numbers import single
from .results import ScoredText, Texts
from .text_marks import Spans, joined, marker
from .text_scores import MEASURED, Scored, scores, table, valued

if TYPE_CHECKING:
    from .prepared import Prepared

SHOWN = 12  # texts of a statement


@dataclass(frozen=True)
class Finding:
    """What a measure says of a text, and a function that finds where."""

    measure: str
    score: str
    find: Callable[[], Spans]


def texts_of(prepared: Prepared, s: StatementNode, root: Node, seen: set[str]) -> Texts | None:
    """The texts that a statement scores; None where it scores none, or where an earlier one has shown them.

    The frame has the keys of the table of items, then `measure`, `text`, `score` and `not_computed`, the reason where
    there is no score: a row for each score. For a reader a text comes once, with all its scores.
    """
    evaluator = prepared.evaluator.at_home(root)
    found = [one for one in scores(root) if one.node.key not in seen]
    seen |= {one.node.key for one in found}
    read: dict[tuple, list[Finding]] = {}
    tables: list[pl.DataFrame] = []
    for one in found:
        try:
            written, score = valued(evaluator, one)
            for labels, text, finding in findings(evaluator, one, written, score):
                read.setdefault((labels, text), []).append(finding)
            tables.append(table(one, written, score))
        except ProbeError:
            continue  # what cannot be computed is told by the statement's own table
    if not read:
        return None
    several = len({one.measure for one in found}) > 1
    rows = {ScoredText(labels, text, (), told(of, several)): of for (labels, text), of in read.items()}
    shown = tuple(replace(row, marks=joined([m for f in rows[row] for m in f.find()])) for row in sample(list(rows)))
    frame = pl.concat(tables, how="diagonal_relaxed")
    frame = frame.select([*(c for c in frame.columns if c not in MEASURED), *MEASURED])
    text = prepared.checked.text[s.span.start : s.span.end]
    return Texts(s.name, s.span.line, text, shown, len(rows), frame)


def told(found: list[Finding], several: bool) -> str:
    """The scores of one text, each with its measure where a statement has several."""
    return "; ".join(f"{f.measure}: {f.score}" if several and f.score else f.score for f in found)


def findings(
    evaluator: Evaluator, one: Scored, written: Cube, score: Cube | None
) -> Iterator[tuple[tuple[tuple[str, str], ...], str, Finding]]:
    """Every text of a score: its labels for a reader, the text, and what was found; only of some it is asked where."""
    marks = marker(evaluator, one.node)
    outer = tuple((name, label_text(label)) for name, label in one.labels.items())
    for cell in np.ndindex(written.shape):
        if not written.present()[cell] or (score is not None and left_out(score, cell)):
            continue
        at = dict(zip(written.names, cell, strict=True))
        axes = zip(written.axes, cell, strict=True)
        labels = tuple((a.name, label_text(a.labels[i]) if a.kind != "data" else str(i + 1)) for a, i in axes)
        text = written.values[cell]
        said = "" if score is None else spoken(score, cell)
        yield (*outer, *labels), text, Finding(one.measure, said, partial(marks, text, at))


def left_out(score: Cube, cell: tuple[int, ...]) -> bool:
    """Whether a condition leaves out all scores of a text."""
    return score.missing is not None and all(
        reason in (NOT_MET, NOT_SELECTED) for reason in np.ravel(np.asarray(score.missing[cell], dtype=object))
    )


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
