"""The plan of a spec: every stage lowered as far as its inputs are there, and bounds for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..compiler.check import Checked
from ..compiler.explain import ModelPart, StagePart, counted, grouped, render
from ..compiler.graph import Node, walk
from ..compiler.physical import cost
from ..compiler.stages import Stage
from . import registry
from .errors import ProbeError
from .execute import Prepared, physical_stages, planned, prepare
from .lowering.lower import models_of
from .options import RunOptions
from .pool import loads_of


@dataclass(frozen=True)
class Plan:
    """What a run would compute. `stages` carry the numbers, `text()` tells them."""

    title: str
    stages: tuple[StagePart, ...]
    loads: int
    missing: tuple[str, ...]

    @property
    def forwards(self) -> int:
        return sum(m.cost.forwards for s in self.stages for m in s.models if m.cost is not None)

    @property
    def row_layer_tokens(self) -> int:
        return sum(m.cost.row_layer_tokens for s in self.stages for m in s.models if m.cost is not None)

    @property
    def exact(self) -> bool:
        """Whether the counts are what a run will count, and not bounds."""
        return all(m.cost is not None and not m.bound for s in self.stages for m in s.models)

    def text(self) -> str:
        """The plan as text: stable from run to run and from machine to machine."""
        open_ended = any(m.cost is None for s in self.stages for m in s.models)
        how = "" if self.exact else "at least " if open_ended else "at most "
        counts = (counted(self.forwards, "forward"), counted(self.row_layer_tokens, "row-layer-token"))
        totals = [f"in all: {counted(self.loads, 'load')}, " + ", ".join(how + c for c in counts)]
        unused = [f"not available yet: {', '.join(self.missing)}"] if self.missing else []
        return render(self.title, self.stages, totals, unused)


def plan(checked: Checked, *, root: Path, options: RunOptions) -> Plan:
    """Plan a checked spec without running anything. Models and data are looked at where they are at hand."""
    prepared = prepare(checked, root, options)
    names = names_of(checked)
    stages = tuple(stage_part(prepared, stage, names) for stage in prepared.stages)
    models = [
        m.key
        for s in prepared.stages
        if s.kind in ("run", "judge")
        for m in dict.fromkeys(m for n in s.nodes for m in models_of(n))
    ]
    missing = tuple(dict.fromkeys(n.op for n in planned(prepared)))
    sizes = (counted(len(checked.program.statements), "statement"), counted(len(stages), "stage"))
    title = f"plan of {Path(checked.path).name}: {', '.join(sizes)}"
    return Plan(title, stages, loads_of(models), missing)


def names_of(checked: Checked) -> dict[str, str]:
    program = checked.program
    return {
        node.key: name for group in (program.models, program.prompts, program.datasets) for name, node in group.items()
    }


def stage_part(prepared: Prepared, stage: Stage, names: dict[str, str]) -> StagePart:
    lines = grouped(stage.nodes, names)
    if stage.kind == "weights":
        return StagePart(stage, (), lines)
    catalogue = registry.catalogue()
    if stage.kind not in ("run", "judge") or any(n.op in catalogue and catalogue[n.op].planned for n in walk(*stage.nodes)):
        parts = [ModelPart(name, None, why="", at_most=most) for name, most in bounds(prepared, stage).items()]
        return StagePart(
            stage,
            tuple(ModelPart(p.model, None, why="counts known when it is lowered", at_most=p.at_most) for p in parts),
            lines,
        )
    try:
        found = physical_stages(prepared, stage, planning=True)
    except ProbeError as error:
        shown = dict.fromkeys(str(prepared.bindings.source(m)) for n in stage.nodes for m in models_of(n))
        return StagePart(stage, tuple(ModelPart(m, None, why=f"not counted: {error.message}") for m in shown), lines)
    parts = tuple(ModelPart(str(prepared.bindings.source(p.model)), cost(p), p.saved, p.bound) for p, _ in found)
    return StagePart(stage, parts, lines)


def bounds(prepared: Prepared, stage: Stage) -> dict[str, int | None]:
    """The most rows that each model of a stage can have: items times samples of what it reads."""
    found: dict[str, int | None] = {}
    for node in stage.nodes:
        for model in stage_models(node):
            name = model_name(prepared, model)
            rows = most_rows(prepared, node)
            known = found.get(name, 0)
            found[name] = None if rows is None or known is None else known + rows
    return found


def stage_models(node: Node) -> list[Node]:
    direct = node.input("model")
    if direct is not None and direct.op != "run":
        return [direct]
    return [n.input("model") for _, n in node.inputs if n.op == "run"] or models_of(node)


def model_name(prepared: Prepared, model: Node) -> str:
    try:
        return str(prepared.bindings.source(model))
    except ProbeError:
        return model.op


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
