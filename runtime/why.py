"""What of a spec is stored, and why the rest is not: every work value of a statement, found or to be computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..compiler.check import Checked
from ..compiler.graph import Node, walk
from ..compiler.stages import Stage
from .binding.axes import axis_of
from .cube import Axis
from .errors import ProbeError
from .execute import lowered_stages
from .kept import about_of, kernels_of, looked_up, stored
from .options import RunOptions
from .prepared import Prepared, prepare
from .provenance import inputs_of
from .store.compare import Relative, relative_of

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
    """What is known of each work value of a stage; stored ones join the evaluator's, for later stages to look at."""
    left = {n.key for n in stored(prepared, stage).nodes}
    items = {} if stage.kind != "run" else counted(prepared, Stage(stage.index, stage.kind, tuple(
        n for n in stage.nodes if n.key in left), stage.needs))  # fmt: skip
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


def counted(prepared: Prepared, stage: Stage) -> dict[str, tuple[tuple[int, int] | None, str | None]]:
    """Per work value that is not stored whole: items to be computed, and all items; or why that is not known yet."""
    found: dict[str, tuple[tuple[int, int] | None, str | None]] = {}
    for node in stage.nodes:
        alone = Stage(stage.index, stage.kind, (node,), stage.needs)
        try:
            for physical, lowered in lowered_stages(prepared, alone):
                rest = looked_up(prepared, physical, lowered, kernels_of(prepared, physical, lowered))
                for number, (along, pieces) in enumerate(rest.cuts):
                    whole = pieces[-1].stop if along is not None else 1
                    found[node.key] = (sum(p.stop - p.start for p in rest.missing(number)), whole), None
        except ProbeError as error:
            found[node.key] = None, WAITS if error.code == "not-yet" else error.message
    return found


def item_axis(prepared: Prepared, node: Node) -> Axis | None:
    """The items of a value, with their columns."""
    axis = node.axis("item")
    return None if axis is None else axis_of(prepared.bindings, axis, node)
