"""From values of statements to results: tables with intervals, claims with verdicts, plots, previews."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from ..compiler import ir
from ..compiler.elaborate.program import StatementNode
from ..compiler.elaborate.stacks import elements, is_stack
from ..compiler.graph import Node
from ..grammar.tree import Span
from .cautions import of_record
from .cells import NOT_MET, NOT_SELECTED
from .claims import verdict
from .cube import Cube, scalar
from .errors import ProbeError
from .evaluate import Evaluator
from .intervals import caution, interval, least, summarise_items, without_width
from .record import Record
from .report.frame import axis_columns, labelled
from .results import AxisInfo, Claim, PlotResult, Result, Run, Texts, frame_of
from .samples import texts_of
from .selections import Ragged
from .shares import share_of, times

if TYPE_CHECKING:
    from .prepared import Prepared


def collect(prepared: Prepared) -> Run:
    """The results of a run, without its manifest."""
    results: list[Result] = []
    claims: list[Claim] = []
    plots: list[PlotResult] = []
    problems: list[dict] = []
    by_node: dict[str, Result] = {}
    written: list[Texts] = []
    seen: set[str] = set()
    for s in prepared.checked.program.statements:
        node = prepared.roots[s.node.key]
        try:
            if s.keyword == "claim":
                claims.append(claim_of(prepared, s, node))
            elif s.keyword == "plot":
                plots.append(plot_of(prepared, s, node, by_node))
            else:
                by_node[node.key] = result_of(prepared, s, node)
                results.append(by_node[node.key])
                read = texts_of(prepared, s, node, seen)
                written += [read] if read is not None else []
        except ProbeError as error:
            problems.append(
                {"code": error.code, "message": f"{s.name}: {error.message}", "line": s.span.line, "help": error.help}
            )
            if s.keyword == "claim":
                claims.append(Claim(s.name, s.span.line, text_at(prepared, s.span), "not computed", error.message))
    warnings = [*prepared.checked.problems, *problems]
    path = prepared.checked.path
    name = path.rsplit("/", 1)[-1].removesuffix(".probe")
    return Run(
        name,
        prepared.checked.text,
        path,
        tuple(results),
        tuple(claims),
        tuple(plots),
        tuple(warnings),
        previews=previews(prepared),
        texts=tuple(written),
    )


def text_at(prepared: Prepared, span: Span) -> str:
    return prepared.checked.text[span.start : span.end]


# **** statistics and directions ****


def parts(evaluator: Evaluator, node: Node) -> list[tuple[dict[str, object], Node, object]]:
    """The uniform parts of a value: labels of the stacks above, the part's node, and its value."""
    found = evaluator.value(node)
    if not isinstance(found, Ragged):
        return [({}, node, found)]
    if not is_stack(node):
        return [(labels, node, part) for labels, part in flat(found)]
    made = []
    for label, element in zip(node.param("labels"), elements(node), strict=True):
        for labels, leaf, value in parts(evaluator, element):
            made.append(({node.axes[0].name: label, **labels}, leaf, value))
    return made


def flat(found: object) -> list[tuple[dict[str, object], object]]:
    if not isinstance(found, Ragged):
        return [({}, found)]
    return [
        ({found.axis.name: label, **labels}, p)
        for label, part in zip(found.axis.labels, found.parts, strict=True)
        for labels, p in flat(part)
    ]


def result_of(prepared: Prepared, s: StatementNode, node: Node) -> Result:
    """A statistic or direction as tables."""
    evaluator = prepared.evaluator.at_home(node)
    frames, item_frames, axes, notes = [], [], {}, []
    vectors = None
    kind = "number"
    for labels, leaf, value in parts(evaluator, node):
        frame, items, leaf_axes, kind, vectors, said = tables(prepared, evaluator, leaf, value)
        notes += [note for note in said if note not in notes]
        frames.append(labelled(frame, labels))
        if items is not None:
            item_frames.append(labelled(items, labels))
        for name, label in labels.items():
            axes.setdefault(name, []).append(label)
        for axis in leaf_axes:
            axes.setdefault(axis.name, axis)
    infos = tuple(
        a if isinstance(a, AxisInfo) else AxisInfo(n, "written", tuple(dict.fromkeys(a))) for n, a in axes.items()
    )
    frame = joined(frames, s.binders)
    if not frame.height:
        notes.append("no cell is left: the condition holds nowhere")
    items = joined(item_frames, s.binders) if item_frames else None
    statement, text = "direction" if s.keyword == "direction" else "statistic", text_at(prepared, s.span)
    vectors = vectors if len(frames) == 1 else None
    return Result(s.name, statement, s.span.line, text, kind, infos, frame, items, vectors, notes=tuple(notes))


def tables(prepared: Prepared, evaluator: Evaluator, node: Node, value: object):
    """(summary, values per item or None, axes, kind, vectors or None, notes) of one uniform part."""
    options = prepared.options
    if isinstance(value, Record):
        kind = "test" if "p" in value.fields else "table"
        axes, said = [AxisInfo.of(a) for a in value.axes], of_record(evaluator, node, value)
        return selected_rows(frame_of(value)), None, axes, kind, None, said
    cube = value if isinstance(value, Cube) else scalar(value)
    if cube.feature:
        return frame_of(cube), None, [AxisInfo.of(a) for a in cube.axes], "vector", cube.values, ()
    kind = kind_of(cube)
    rows = [a for a in cube.axes if a.kind == "data"]
    if rows and kind != "text":
        share = share_of(evaluator, node, cube, mean=False) if kind != "boolean" else None
        of, factor = (share.truth.transpose(cube.names), share.factor) if share is not None else (cube, 1.0)
        summary = summarise_items(of, seed=options.seed, n=options.replicates)
        frame = frame_of(*(times(c, factor) for c in (summary.mean, summary.low, summary.high)), summary.n)
        return (
            selected_rows(frame),
            selected_rows(frame_of(cube), NOT_SELECTED, NOT_MET),
            [AxisInfo.of(a) for a in summary.mean.axes],
            kind,
            None,
            () if of.dtype.kind == "b" else caution(summary.n.values) + without_width(summary.low, summary.high),
        )
    if rows or kind == "text":
        gone = (NOT_SELECTED, NOT_MET) if rows else (NOT_SELECTED,)
        return selected_rows(frame_of(cube), *gone), None, [AxisInfo.of(a) for a in cube.axes], kind, None, ()

    share = share_of(evaluator, node, cube, mean=True)
    if share is not None:
        summary = summarise_items(share.truth, seed=options.seed, n=options.replicates, sides=True)
        low, high, counts = (c.transpose(cube.names) for c in (summary.low, summary.high, summary.n))
        frame = frame_of(cube, times(low, share.factor), times(high, share.factor), counts)
        return selected_rows(frame), None, [AxisInfo.of(a) for a in cube.axes], kind, None, ()

    def again(context) -> Cube:
        return evaluator.under(context).at_home(node).cube(node)

    counts: list[Cube] = []
    low, high, _ = interval(again, cube, n=options.replicates, seed=options.seed, counts=counts)
    said = caution(least(counts, cube)[cube.present()]) + without_width(low, high)
    frame = frame_of(cube, low, high)
    return selected_rows(frame), None, [AxisInfo.of(a) for a in cube.axes], kind, None, said


def kind_of(cube: Cube) -> str:
    return {"b": "boolean", "O": "text", "U": "text"}.get(cube.dtype.kind, "number")


def selected_rows(frame: pl.DataFrame, *gone: str) -> pl.DataFrame:
    """The rows that a predicate, or `where`, left in: those that are not missing for one of some reasons."""
    if "reason" not in frame.columns:
        return frame
    return frame.filter(pl.col("reason").is_null() | ~pl.col("reason").is_in(gone or (NOT_SELECTED,)))


def joined(frames: list[pl.DataFrame], binders: tuple[str, ...]) -> pl.DataFrame:
    """One table of all parts: the columns of the statement's `for`, then other axes, then what was measured."""
    axes = [c for f in frames for c in axis_columns(f)]
    axes = sorted(dict.fromkeys(axes), key=lambda c: binder_of(c, binders))
    frame = pl.concat(frames, how="diagonal_relaxed")
    return frame.select([*axes, *(c for c in frame.columns if c not in axes)])


def binder_of(column: str, binders: tuple[str, ...]) -> int:
    """Which binder an axis column belongs to; the number of binders when to none."""
    for i, b in enumerate(binders):
        if column in (b, f"size({b})") or column.startswith((f"{b}.", f"{b}[")):
            return i
    return len(binders)


# **** claims ****


def claim_of(prepared: Prepared, s: StatementNode, node: Node) -> Claim:
    """The verdict on a claim, with the numbers that decided it."""
    declared = (d for d in prepared.checked.spec.statements if isinstance(d, ir.Define))
    expression = next(d.value for d in declared if d.name == s.name)
    evaluator = prepared.evaluator.at_home(node)
    return verdict(evaluator, s.name, s.span.line, text_at(prepared, s.span), expression, node)


# **** plots ****


def plot_of(prepared: Prepared, s: StatementNode, node: Node, by_node: dict[str, Result]) -> PlotResult:
    """A plot's data: the table of the statistic that it shows, with its channels."""
    main = next(node.input(k) for k in ("points", "z", "y") if node.input(k) is not None)
    shown = table_for(prepared, main, by_node)
    frame = shown.items if node.op == "scatter" and shown.items is not None else shown.frame
    encodings, options = {}, {}
    for channel in ("x", "y", "color", "dash", "facet"):
        given = node.input(channel)
        if given is not None and given.op == "axis":
            encodings[channel] = column_named(frame, str(given.param("name")))
    if node.input("log") is not None:
        options["log"] = str(node.input("log").param("value"))
    band, rule = node.input("band"), node.input("rule")
    other, told = node.input("beside"), (s.name, s.span.line, text_at(prepared, s.span), node.op)
    beside = None
    if other is not None:
        named = {c: column_named(table_for(prepared, other, by_node).frame, n) for c, n in encodings.items()}
        beside = PlotResult(
            *told, table_for(prepared, other, by_node).frame, named, options, measure=name_of(prepared, other)
        )
    if band is not None:
        encodings["band"] = name_of(prepared, band)
    return PlotResult(
        *told, frame, encodings, options, beside=beside,
        band=None if band is None else table_for(prepared, band, by_node).frame,
        rule=None if rule is None else table_for(prepared, rule, by_node).frame, measure=name_of(prepared, main),
    )  # fmt: skip


def column_named(frame: pl.DataFrame, name: str) -> str:
    """The column an axis name means; `test.task` is a column of the items."""
    tail = f"item.{name.rpartition('.')[2]}"
    return name if name in frame.columns or tail not in frame.columns else tail


def table_for(prepared: Prepared, node: Node, by_node: dict[str, Result]) -> Result:
    if node.key in by_node:
        return by_node[node.key]
    return result_of(prepared, StatementNode("statistic", "value", node, Span(0, 0, 1, 1)), node)


def name_of(prepared: Prepared, node: Node) -> str:
    for s in prepared.checked.program.statements:
        if prepared.roots[s.node.key].key == node.key:
            return s.name
    for child in (node.input("base"), node.input("record")):
        if child is not None:
            return name_of(prepared, child)
    return "value"


# **** previews ****


def previews(prepared: Prepared) -> tuple[dict, ...]:
    """The first prompt of each prompts, as each model saw it."""
    from ..compiler.graph import walk

    found: dict[tuple[str, str], dict] = {}
    for node in walk(*prepared.roots.values()):
        if node.op != "run":
            continue
        model, prompts = node.input("model"), node.input("prompts")
        name, source = str(prompts.param("name")), str(prepared.bindings.source(model))
        if (name, source) in found:
            continue
        rendered = prepared.bindings.rendered(model, prompts)
        if not rendered:
            continue
        first = rendered[0]
        tokens = [
            {"text": t, "kind": k, "segment": seg}
            for t, k, seg in zip(first.pieces, first.token_kinds, first.token_segments, strict=True)
        ]
        found[name, source] = {
            "prompts": name,
            "model": source,
            "line": declared_at(prepared.checked.text, name),
            "tokens": tokens,
            "notes": list(first.notes),
        }
    return tuple(found.values())


DECLARING = ("prompts ", "contrast ", "use ")


def declared_at(text: str, name: str) -> int:
    """The line that declares prompts or a contrast, or uses the file that does; 1 when there is none."""
    first = name.partition(".")[0]
    lines = enumerate(text.splitlines(), start=1)
    return next((at for at, line in lines if line.startswith(DECLARING) and first in re.findall(r"\w+", line)), 1)
