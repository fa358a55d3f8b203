"""What of a spec is stored, and why the rest is not: every work value of a statement, found or to be computed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..compiler.check import Checked
from ..compiler.graph import Node, walk
from ..compiler.stages import Stage
from .binding.axes import axis_of
from .cube import Axis, Cube
from .errors import ProbeError
from .execute import lowered_stages
from .generation.lower import lower_writing
from .generation.pieces import pieces_of
from .kept import about_of, kernels_of, looked_up, operands, stored
from .options import RunOptions
from .prepared import Prepared, prepare
from .provenance import inputs_of
from .store.compare import Relative, relative_of
from .store.cubes import Part as Kept
from .store.cubes import Piece, joined

WAITS = "it needs values that are computed first"


@dataclass(frozen=True)
class Part:
    """A work value. `state` is stored, known (all of its pieces are) or computed.

    `items` are those to be computed and all of them, where that is known; `relative` is the most similar stored value.
    """

    says: str
    models: tuple[str, ...]
    state: str
    bytes: int | None = None
    written: float | None = None
    spec: str | None = None
    items: tuple[int, int] | None = None
    note: str | None = None
    relative: Relative | None = None


@dataclass(frozen=True)
class Why:
    """The work behind a statement."""

    name: str
    line: int
    parts: tuple[Part, ...]


def why(checked: Checked, *, root: Path, options: RunOptions, names: tuple[str, ...] = ()) -> tuple[Why, ...]:
    """Look up all work behind the statements named (all, when none is) in the store of `options`; runs nothing.

    Raises `unknown-statement`.
    """
    prepared = prepare(checked, root, options)
    statements = {s.name: s for s in checked.program.statements if names or s.keyword not in ("plot", "claim")}
    unknown = [n for n in names if n not in statements]
    if unknown:
        raise ProbeError("unknown-statement", f"the spec has no `{unknown[0]}`", f"it has {', '.join(statements)}")
    parts: dict[str, Part] = {}
    try:
        for stage in prepared.stages:
            parts |= parts_of(prepared, stage)
    finally:
        prepared.store.close()
    found = []
    for name in names or statements:
        below = {n.key for n in walk(prepared.roots[statements[name].node.key])}
        mine = [p for key, p in parts.items() if key in below]
        found.append(Why(name, statements[name].span.line, tuple(mine)))
    return tuple(found)


def parts_of(prepared: Prepared, stage: Stage) -> dict[str, Part]:
    """What is known of each work value of a stage; those that are there join the evaluator's, for later stages."""
    left = {n.key for n in stored(prepared, stage).nodes}
    looks = {"run": of_run, "generate": of_texts}.get(stage.kind)
    items = {} if looks is None else counted(prepared, looks, [
        Stage(stage.index, stage.kind, (n,), stage.needs) for n in stage.nodes if n.key in left])  # fmt: skip
    found = {}
    for node in stage.nodes:
        about = about_of(prepared, node)
        says, models = about["says"], tuple(about["models"])
        if node.key not in left:
            row = prepared.store.row(prepared.recipe(node))
            found[node.key] = Part(says, models, "stored", row.told["bytes"], row.written, row.told["spec"])
            continue
        missing, note = items.get(node.key, (None, None))
        if missing is not None and missing[0] == 0:
            found[node.key] = Part(says, models, "known")
            continue
        relative = relative_of(prepared.store, about, inputs_of(prepared, node), item_axis(prepared, node))
        found[node.key] = Part(says, models, "computed", items=missing, note=note, relative=relative)
    return found


Found = Iterator[tuple[int | None, Sequence[Piece], Collection[str], Callable[[], Cube]]]


def counted(
    prepared: Prepared, looks: Callable[[Prepared, Stage], Found], stages: list[Stage]
) -> dict[str, tuple[tuple[int, int] | None, str | None]]:
    """Per work value that is not stored whole: items to be computed, and all items; or why that is not known yet."""
    found: dict[str, tuple[tuple[int, int] | None, str | None]] = {}
    for stage in stages:
        (node,) = stage.nodes
        try:
            for along, pieces, there, whole in looks(prepared, stage):
                missing = sum(p.stop - p.start for p in pieces if p.key not in there)
                found[node.key] = (missing, pieces[-1].stop if along is not None else 1), None
                if not missing:
                    prepared.evaluator.results[node.key] = whole()
        except ProbeError as error:
            found[node.key] = None, WAITS if error.code == "not-yet" else error.message
    return found


def of_run(prepared: Prepared, stage: Stage) -> Found:
    """The pieces of what is read in runs: the axis that they are cut along, those that are stored, and the whole."""
    for physical, lowered in lowered_stages(prepared, stage):
        kernels = kernels_of(prepared, physical, lowered)
        rest = looked_up(prepared, physical, lowered, kernels)
        for number, (along, pieces) in enumerate(rest.cuts):
            yield along, pieces, rest.found, partial(rest.whole, number, lowered[number], kernels[number], None)


def of_texts(prepared: Prepared, stage: Stage) -> Found:
    """The pieces of texts, likewise."""
    for writing in lower_writing(stage, prepared.bindings, prepared.evaluator):
        nodes = [asked.node for asked in writing.asked]
        vectors = operands(prepared, (*writing.edits, *writing.later), nodes)
        kept = pieces_of(prepared, writing, vectors)
        for asked, (along, pieces) in zip(writing.asked, kept.cuts, strict=True):
            axes = tuple(next(a for a in asked.axes if a.name == axis.name) for axis in asked.node.axes)
            yield along, pieces, kept.found, partial(together, axes, along, pieces, kept.found)


def together(axes: tuple[Axis, ...], along: int | None, pieces: Sequence[Piece], there: Mapping[str, Kept]) -> Cube:
    """A value of its pieces, all of which are there."""
    return joined(axes, along, [there[p.key] for p in pieces])


def item_axis(prepared: Prepared, node: Node) -> Axis | None:
    """The items of a value, with their columns."""
    axis = node.axis("item")
    return None if axis is None else axis_of(prepared.bindings, axis, node)
