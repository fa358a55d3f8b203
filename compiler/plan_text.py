"""The plan as text: stages, rows and counts. Stable: no times, no addresses, no absolute paths.

It knows numbers and lines handed to it; it lowers nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .counting import Cost
from .sizes import Sizes, amount, counted
from .stages import Stage


@dataclass(frozen=True)
class Load:
    """What a stage takes of one model: what is counted, and FLOPs and bytes."""

    cost: Cost
    sizes: Sizes


@dataclass(frozen=True)
class ModelPart:
    """What one model does in one stage. `load` is None when it cannot be known yet; `why` says what is missing.

    `ladder` begins with the same without any pass, every row alone from the first block to the last, and tells what is
    left after each pass that changed something. `seconds` is an estimate.
    `what` is counted: rows, or texts that are written. `donated` are bytes of other models' weights that are grafted.
    """

    model: str
    load: Load | None
    saved: tuple[tuple[str, str], ...] = ()
    bound: bool = False
    why: str = ""
    at_most: int | None = None
    ladder: tuple[tuple[str, Load], ...] = ()
    seconds: float | None = None
    what: str = "row"
    donated: int = 0

    @property
    def cost(self) -> Cost | None:
        return None if self.load is None else self.load.cost


@dataclass(frozen=True)
class StagePart:
    stage: Stage
    models: tuple[ModelPart, ...]
    lines: tuple[str, ...]


def render(title: str, stages: Sequence[StagePart], totals: Sequence[str], unused: Sequence[str] = ()) -> str:
    """The whole plan."""
    lines = [title]
    for part in stages:
        waits = f"   after {', '.join(str(n) for n in part.stage.needs)}" if part.stage.needs else ""
        lines += ["", f"stage {part.stage.index} · {part.stage.kind}{waits}"]
        for model in part.models:
            lines += model_lines(model)
        lines += [f"    {line}" for line in part.lines]
    lines += ["", *totals, *unused]
    return "\n".join(lines) + "\n"


def model_lines(part: ModelPart) -> list[str]:
    """The lines of one model in a stage: counts, what it takes, and what the passes did."""
    if part.load is None:
        bound = f"<= {part.at_most:,} rows, " if part.at_most is not None else ""
        return [f"  {part.model}: {bound}{part.why}"]
    most = "<= " if part.bound else ""
    if part.ladder:
        lines = ladder_lines(part, most)
    else:
        c, may = part.load.cost, most if part.what == "text" else ""  # how long texts get is known when they are there
        parts = [counted(c.rows, part.what), may + counted(c.tokens, "token"), may + counted(c.forwards, "forward")]
        lines = [f"  {part.model}: {', '.join([*parts, most + counted(c.row_layer_tokens, 'row-layer-token')])}"]
    time = "" if part.seconds is None else f", {most or 'about '}{duration(part.seconds)}"
    lines.append(f"    {taken(part.load.sizes, most)}{time}")
    return lines + [f"    {name}: {text}" for name, text in part.saved]


def taken(sizes: Sizes, most: str = "") -> str:
    """FLOPs and bytes in words."""
    words = f"{most}{amount(sizes.flops, 'FLOP')}, largest batch {amount(sizes.peak, 'B')}"
    return f"{words}, keeps {amount(sizes.kept, 'B')}"


def ladder_lines(part: ModelPart, most: str = "") -> list[str]:
    """What is left after each pass, from every row alone to the plan."""
    lines = [f"  {part.model:22}{'rows':>10}{'forwards':>10}{'row-layer-tokens':>20}{'FLOP':>12}"]
    for name, load in part.ladder:
        c, flops = load.cost, amount(load.sizes.flops, "").rstrip()
        numbers = f"{c.rows:>10,}{c.forwards:>10,}{most + format(c.row_layer_tokens, ','):>20}{most + flops:>12}"
        lines.append(f"    {name:20}{numbers}")
    first, last = part.ladder[0][1].cost, part.ladder[-1][1].cost
    words = [f"{t} fewer {w}" for t, w in (
        (times(last.forwards, first.forwards), "forwards"),
        (times(last.row_layer_tokens, first.row_layer_tokens), "row-layer-tokens"),
    ) if t]  # fmt: skip
    return [*lines, f"    {', '.join(words)}"] if words else lines


def times(planned: int, naive: int) -> str:
    """How many times as much the naive plan takes; nothing where it takes no more."""
    if not planned or naive <= planned:
        return ""
    ratio = naive / planned
    return f"{ratio:.1f}x" if ratio < 9.95 else f"{ratio:,.0f}x"


def duration(seconds: float) -> str:
    """Seconds in words: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
