"""The plan of a spec: every stage lowered as far as its inputs are there, and bounds for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..compiler.check import Checked
from ..compiler.counting import cost
from ..compiler.explain import grouped
from ..compiler.graph import Node, walk
from ..compiler.passes import PASSES, one_by_one, optimise
from ..compiler.physical import PhysicalStage
from ..compiler.plan_text import Load, ModelPart, StagePart, duration, render
from ..compiler.sizes import amount, counted, sizes
from ..compiler.stages import Stage
from . import registry
from .donated import donated_bytes
from .errors import ProbeError
from .estimates import calibrate_missing, speed_of, turn_seconds, writing_seconds
from .execute import lowered_stages
from .generation.batches import in_batches
from .generation.lower import lower_writing
from .judges.run import at_endpoint, calls
from .lowering.lower import models_of
from .memory import Memory
from .no_items import with_items
from .options import RunOptions
from .prepared import Prepared, planned, prepare
from .provenance import models_below
from .schedule import Schedule, memory_of, name_of, room_for_texts, schedule, shape_of
from .weight_files import weight_files

ALONE = "every row alone"


@dataclass(frozen=True)
class Plan:
    """What a run would compute. `stages` carry the numbers, `text()` tells them."""

    title: str
    stages: tuple[StagePart, ...]
    schedule: Schedule
    missing: tuple[str, ...]
    memory: Memory
    estimate: float | None = None
    load_seconds: float = 0.0

    @property
    def loads(self) -> int:
        return self.schedule.loads

    @property
    def forwards(self) -> int:
        return sum(m.cost.forwards for m in self.counting)

    @property
    def row_layer_tokens(self) -> int:
        return sum(m.cost.row_layer_tokens for m in self.counting)

    @property
    def unembeddings(self) -> int:
        """Places at which measures take the logits of the whole vocabulary."""
        return sum(m.cost.unembeddings for m in self.parts if m.cost is not None)

    @property
    def flops(self) -> int:
        return sum(m.load.sizes.flops for m in self.counting)

    @property
    def parts(self) -> tuple[ModelPart, ...]:
        """What each model does in each stage."""
        return tuple(m for s in self.stages for m in s.models)

    @property
    def counting(self) -> tuple[ModelPart, ...]:
        """The parts whose counts add up: bounds are left out where other parts are not known at all."""
        open_ended = any(m.cost is None for m in self.parts)
        return tuple(m for m in self.parts if m.cost is not None and not (open_ended and m.bound))

    @property
    def exact(self) -> bool:
        """Whether the counts are what a run will count, and not bounds."""
        return all(m.cost is not None and not m.bound for m in self.parts)

    def text(self, stage: int | None = None) -> str:
        """The plan as text, or of it one stage: stable from run to run, and from machine to machine for one memory."""
        if stage is not None:
            return render("", [s for s in self.stages if s.stage.index == stage], ()).lstrip("\n")
        unused = [f"not available yet: {', '.join(self.missing)}"] if self.missing else []
        return render(self.title, self.stages, self.totals(), unused)

    @property
    def bounded(self) -> str:
        """How the totals are to be taken, in words."""
        open_ended = any(m.cost is None for m in self.parts)
        return "" if self.exact else "at least " if open_ended else "at most "

    def totals(self) -> list[str]:
        """The lines at the end of the plan."""
        how = self.bounded
        counts = (counted(self.forwards, "forward"), counted(self.row_layer_tokens, "row-layer-token"))
        words = [how + c for c in (*counts, amount(self.flops, "FLOP"))]
        loads = counted(self.loads, "load")
        if self.schedule.load_bytes:
            donated = sum(m.donated for m in self.parts)
            more = f" and {amount(donated, 'B')} beside" if donated else ""
            least = "" if self.schedule.sizes_known else "at least "
            loads += f" ({least}{amount(self.schedule.load_bytes, 'B')} of weights{more})"
        lines = [f"in all: {loads}, {', '.join(words)}"]
        if self.schedule.loads < self.schedule.plain_loads:
            lines.insert(0, f"order-models: {self.schedule.words()}: {self.schedule.plain_loads} -> {self.loads} loads")
        if self.schedule.read_ahead:
            how = f"{self.schedule.read_ahead} of {counted(self.loads, 'load')} find their files read"
            lines.insert(-1, f"overlap-loads: {how}")
        if not self.memory.known:
            free = amount(self.memory.free, "B")
            lines.insert(
                -1, f"memory: no {self.memory.kind} here to ask: planned for {free}; --memory plans for another"
            )
        return lines + self.costs()

    def costs(self) -> list[str]:
        """Estimated time and memory, where this machine was measured."""
        if self.estimate is None:
            return []
        known = [m for m in self.parts if m.load is not None]
        most = max((m.load.sizes.peak + m.load.sizes.held + m.donated for m in known), default=0)
        weights = self.schedule.most_held
        how = self.bounded
        return [
            f"estimate: {how}{duration(self.estimate)} for models, of which {duration(self.load_seconds)} to load them",
            f"memory: {amount(weights + most, 'B')} of {amount(self.memory.free, 'B')} that are free",
        ]


def plan(
    checked: Checked, *, root: Path, options: RunOptions, naive: bool = False, measure: Measure | None = None
) -> Plan:
    """Plan a checked spec without running anything. Models and data are looked at where they are at hand.

    `naive` also tells what each part takes without any pass, and after each. `measure` times models that were not
    timed on this machine, for an estimate.
    """
    prepared = prepare(checked, root, options)
    if measure is not None:
        calibrate_missing(prepared, measure.again, measure.tell)
    names = names_of(checked)
    order, seen = schedule(prepared), set()
    stages = tuple(stage_part(prepared, stage, names, naive, seen) for stage in prepared.stages)
    missing = tuple(dict.fromkeys(n.op for n in planned(prepared)))
    counts = (counted(len(checked.program.statements), "statement"), counted(len(stages), "stage"))
    title = f"plan of {Path(checked.path).name}: {', '.join(counts)}"
    made = Plan(title, stages, order, missing, memory_of(prepared))
    times = [m.seconds for m in made.counting]
    speeds = [speed_of(prepared, order.nodes[key]) for key in order.loaded]
    if not times or None in times or None in speeds:
        return made
    load = sum(s.load for s in speeds)
    return replace(made, estimate=sum(times) + load, load_seconds=load)


@dataclass(frozen=True)
class Measure:
    """Time models before planning: those that were not timed, or all of them `again`; `tell` is told of each."""

    again: bool = False
    tell: Callable[[str], None] = lambda text: None


def names_of(checked: Checked) -> dict[str, str]:
    program = checked.program
    return {
        node.key: name for group in (program.models, program.prompts, program.datasets) for name, node in group.items()
    }


def stage_part(prepared: Prepared, stage: Stage, names: dict[str, str], naive: bool, seen: set[str]) -> StagePart:
    elsewhere = [n for n in stage.nodes if at_endpoint(n)]
    lines = (*calls(prepared, elsewhere), *grouped(stage.nodes, names))
    if stage.kind == "weights":
        return StagePart(stage, (), (weights_read(prepared, stage), *lines))
    catalogue = registry.catalogue()
    unknown = any(n.op in catalogue and catalogue[n.op].planned for n in walk(*stage.nodes))
    if stage.kind not in ("run", "judge", "generate") or unknown:
        return StagePart(stage, bounded(prepared, stage), lines)
    try:
        if stage.kind == "generate":
            return StagePart(stage, written(prepared, stage), lines)
        found = lowered_stages(prepared, with_items(prepared, stage), planning=True)
    except ProbeError as error:
        if error.code == "not-yet":
            return StagePart(stage, bounded(prepared, stage), lines)
        shown = dict.fromkeys(str(prepared.bindings.source(m)) for n in stage.nodes for m in models_of(n))
        most = bounds(prepared, stage) if stage.kind == "generate" else {}
        why = f"not counted: {error.message}"
        return StagePart(stage, tuple(ModelPart(m, None, why=why, at_most=most.get(m)) for m in shown), lines)
    parts = tuple(model_part(prepared, p, [w.node.op for w in works], naive, seen) for p, works in found)
    return StagePart(stage, parts, lines)


def weights_read(prepared: Prepared, stage: Stage) -> str:
    """Which models' files a stage reads, and their bytes where all are at hand."""
    models = models_below(stage.nodes)
    names = ", ".join(name_of(prepared, m) for m in models)
    try:
        files = {f for m in models for f in weight_files(prepared.bindings.folder(m))}
    except ProbeError:
        return f"reads the files of {names}"
    return f"reads the files of {names}: {amount(sum(f.stat().st_size for f in files), 'B')}"


def model_part(prepared: Prepared, stage: PhysicalStage, work: list[str], naive: bool, seen: set[str]) -> ModelPart:
    """What one model does in a stage as it was lowered, with the passes and without any."""
    shape = shape_of(prepared, stage.model)

    def load(found: PhysicalStage) -> Load:
        return Load(cost(found), sizes(found, shape, work))

    off = frozenset(prepared.options.passes_off)
    best = optimise(stage, off)
    # A model is checked on the first rows that it runs.
    seconds = turn_seconds(prepared, best, loads=False, checks=stage.model.key not in seen)
    seen.add(stage.model.key)
    donated = donated_bytes(best, shape, prepared.bindings.facts(stage.model).arch)
    donors = {n.key: name_of(prepared, n) for n in (walk(*stage.work) if donated else ()) if n.key in donated}
    notes = tuple(("weights beside", f"{amount(size, 'B')} of {donors[key]}") for key, size in donated.items())
    return ModelPart(
        name_of(prepared, stage.model), load(best), (*best.saved, *notes), best.bound, seconds=seconds,
        ladder=ladder(stage, off, load) if naive else (), donated=sum(donated.values()),
    )  # fmt: skip


def ladder(
    stage: PhysicalStage, off: frozenset[str], load: Callable[[PhysicalStage], Load]
) -> tuple[tuple[str, Load], ...]:
    """What a stage takes without any pass, and after each pass that changes that."""
    names = [name for name, _ in PASSES]
    steps = [(ALONE, load(one_by_one(stage)))]
    for number, name in enumerate(names):
        if name in off:
            continue
        step = load(optimise(stage, off | frozenset(names[number + 1 :])))
        if step != steps[-1][1]:
            steps.append((name, step))
    return tuple(steps)


def written(prepared: Prepared, stage: Stage) -> tuple[ModelPart, ...]:
    """What writing costs: the passes over prompts exactly, and at most as many tokens as are allowed."""
    parts, room = [], room_for_texts(prepared)
    for lowered in lower_writing(with_items(prepared, stage), prepared.bindings, prepared.evaluator, planning=True):
        shape = shape_of(prepared, lowered.model)
        w = in_batches(lowered, shape, room)
        notes = (
            ("prompts", w.prompts_read()),
            ("pack-batches", f"{counted(len(w.row), 'text')} in {counted(len(w.batches), 'batch')}"),
        )
        load, seconds = Load(w.cost(), w.sizes(shape)), writing_seconds(prepared, w)
        parts.append(ModelPart(name_of(prepared, w.model), load, notes, bound=True, seconds=seconds, what="text"))
    return tuple(parts)


def bounded(prepared: Prepared, stage: Stage) -> tuple[ModelPart, ...]:
    """The models of a stage whose rows are not known before it is lowered."""
    why = "counts known when it is lowered"
    return tuple(ModelPart(name, None, why=why, at_most=most) for name, most in bounds(prepared, stage).items())


def bounds(prepared: Prepared, stage: Stage) -> dict[str, int | None]:
    """The most rows that each model of a stage can have: items times samples of what it reads."""
    found: dict[str, int | None] = {}
    for node in stage.nodes:
        for model in stage_models(node):
            name = name_of(prepared, model)
            rows = most_rows(prepared, node)
            known = found.get(name, 0)
            found[name] = None if rows is None or known is None else known + rows
    return found


def stage_models(node: Node) -> list[Node]:
    direct = node.input("model")
    if direct is not None and direct.op != "run":
        return [direct]
    return [n.input("model") for _, n in node.inputs if n.op == "run"] or models_of(node)


def most_rows(prepared: Prepared, node: Node) -> int | None:
    """Items of the datasets below, times samples of the generations below; None when a dataset is not at hand."""
    rows = 1
    seen: set[str] = set()
    for n in walk(node):
        if (
            n.op == "prompts"
            and n.input("source") is not None
            and n.input("source").op != "generate"
            and n.key not in seen
        ):
            seen.add(n.key)
            try:
                rows = max(rows, len(prepared.bindings.table(n.input("source"))))
            except ProbeError:
                return None
        if n.op == "generate" and n.input("samples") is not None and n.input("samples").op == "const":
            rows *= int(n.input("samples").param("value"))
    return rows
