"""A plan as one page: how the stages follow from each other, and what is left of the work after each pass.

The page opens offline and runs no script.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...compiler.plan_text import Load, ModelPart, StagePart, duration, taken, times
from ...compiler.sizes import amount

if TYPE_CHECKING:
    from ..planning import Plan

WIDTH, GAP, LINE, HEAD, SPACE = 184, 44, 18, 40, 20  # of the boxes of the overview, in pixels


@dataclass(frozen=True)
class Box:
    """A stage in the overview: where it is drawn, and its models with their shares of all work (0 to 1)."""

    stage: StagePart
    x: int
    y: int
    height: int
    models: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Overview:
    """Boxes and the lines between them, each line from a box to one that waits for it."""

    boxes: tuple[Box, ...]
    lines: tuple[tuple[Box, Box], ...]
    width: int
    height: int


@dataclass(frozen=True)
class Rung:
    """One line of a ladder: `share` is its row-layer-tokens as a part of the first line's."""

    name: str
    load: Load
    share: float
    calls: float
    fewer: str


def plan_page(plan: Plan) -> str:
    """The plan as HTML; one that was made with `naive` shows what every pass saved."""
    return _environment().get_template("plan.html.j2").render(
        plan=plan, overview=overview(plan), rungs=rungs, taken=taken, duration=duration, totals=whole(plan),
        WIDTH=WIDTH, LINE=LINE,
    )  # fmt: skip


def overview(plan: Plan) -> Overview:
    """Place the stages: each to the right of all that it waits for."""
    level: dict[int, int] = {}
    for part in plan.stages:
        level[part.stage.index] = 1 + max((level[n] for n in part.stage.needs), default=-1)
    all_work = max(sum(m.cost.row_layer_tokens for m in plan.parts if m.cost is not None), 1)
    down: dict[int, int] = {}
    boxes = []
    for part in plan.stages:
        column = level[part.stage.index]
        models = tuple((m.model, 0.0 if m.cost is None else m.cost.row_layer_tokens / all_work) for m in part.models)
        height = HEAD + LINE * len(models)
        boxes.append(Box(part, column * (WIDTH + GAP), down.get(column, 0), height, models))
        down[column] = down.get(column, 0) + height + SPACE
    by_index = {box.stage.stage.index: box for box in boxes}
    lines = tuple((by_index[n], box) for box in boxes for n in nearest(box.stage.stage.needs, by_index))
    width = (max(level.values(), default=0) + 1) * (WIDTH + GAP) - GAP
    return Overview(tuple(boxes), lines, width, max(down.values(), default=SPACE) - SPACE)


def nearest(needs: tuple[int, ...], boxes: dict[int, Box]) -> list[int]:
    """The stages that are waited for and not already by another of them."""
    behind = {m for n in needs for m in boxes[n].stage.stage.needs}
    return [n for n in needs if n not in behind]


def rungs(part: ModelPart) -> list[Rung]:
    """The ladder of a model's part as bars."""
    if not part.ladder:
        return []
    first, before, found = part.ladder[0][1].cost, None, []
    for name, load in part.ladder:
        share = load.cost.row_layer_tokens / max(first.row_layer_tokens, 1)
        calls = load.cost.forwards / max(first.forwards, 1)
        found.append(Rung(name, load, share, calls, "" if before is None else fewer(before, load)))
        before = load
    return found


def fewer(before: Load, after: Load) -> str:
    """What a pass saved, in words."""
    words = (
        (times(after.cost.row_layer_tokens, before.cost.row_layer_tokens), "less work"),
        (times(after.cost.forwards, before.cost.forwards), "fewer forwards"),
    )
    return ", ".join(f"{t} {what}" for t, what in words if t)


def whole(plan: Plan) -> list[tuple[str, str, str]]:
    """The totals: a number, what it counts, and how many times as many it would be for every row alone.

    Where texts are written there is no such ladder, and nothing is said of it.
    """
    ladders = [m.ladder for m in plan.counting]
    first = [ladder[0][1].cost for ladder in ladders if ladder] if all(ladders) else []
    forwards, tokens = (sum(getattr(c, n) for c in first) for n in ("forwards", "row_layer_tokens"))
    how = plan.bounded
    found = [
        (f"{how}{plan.forwards:,}", "forward passes", times(plan.forwards, forwards)),
        (f"{how}{plan.row_layer_tokens:,}", "row-layer-tokens", times(plan.row_layer_tokens, tokens)),
        (how + amount(plan.flops, "FLOP"), "in matrix products", ""),
        (f"{plan.loads:,}", "model loads", times(plan.loads, plan.schedule.plain_loads)),
    ]
    if plan.estimate is not None:
        found.append((how + duration(plan.estimate), "on this machine", ""))
    return found


@cache
def _environment() -> Environment:
    package = __name__.rpartition(".")[0]
    found = Environment(
        loader=PackageLoader(package, ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    found.filters |= {"amount": amount, "capitalize_first": lambda text: text[:1].upper() + text[1:]}
    return found
