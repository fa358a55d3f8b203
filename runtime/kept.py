"""What a run takes from its store, and what it gives to it: values, pieces of values, and journals of stages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..compiler.cost import CostModel
from ..compiler.explain import describe
from ..compiler.graph import Node, walk
from ..compiler.kinds import Model
from ..compiler.passes import optimise
from ..compiler.physical import EditGroup, PhysicalStage
from ..compiler.stages import Stage
from .binding.axes import models_below
from .cube import Cube
from .errors import about
from .generation.value import texts_alone
from .lowering import Lowered
from .provenance import inputs_of
from .store import Journal, Value
from .store.content import Contents, Hasher
from .store.journal import again
from .store.rest import Rest, rest_of

if TYPE_CHECKING:
    from .kernels import Kernel
    from .prepared import Prepared


@dataclass(frozen=True, eq=False)
class Task:
    """What one model does for a stage: the work that is left, the kernels of all work, and what is kept of it.

    `rest` is None without a store.
    """

    physical: PhysicalStage
    lowered: list[Lowered]
    kernels: list[Kernel | None]
    journal: Journal
    rest: Rest | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing has to be run."""
        return not len(self.physical.rows) and not self.physical.work

    @property
    def again(self) -> set[int]:
        """The batches that the journal has and that run all the same, since batches that it has not start from them."""
        return again(self.physical, set(self.journal.found))

    @property
    def resumed(self) -> tuple[int, int]:
        """How many batches the journal has, and how many of them run again."""
        return len(self.journal.found), len(self.again)

    @property
    def to_run(self) -> PhysicalStage:
        """The stage with the batches that are run now."""
        found = self.journal.found.keys() - self.again
        return self.physical.with_(batches=tuple(b for i, b in enumerate(self.physical.batches) if i not in found))


def stored(prepared: Prepared, stage: Stage) -> Stage:
    """The stage without the work whose values are in the store; these join the evaluator's."""
    if prepared.store is None:
        return stage
    left = []
    for node in stage.nodes:
        found = prepared.store.get(prepared.recipe(node))
        if found is None:
            left.append(node)
        else:
            if node.op == "generate":
                made_known(prepared, {node.key: found})
            prepared.evaluator.results[node.key] = found
    return replace(stage, nodes=tuple(left))


def made_known(prepared: Prepared, texts: Mapping[str, Cube]) -> None:
    """Let what follows from texts be kept for these very texts: a recipe does not tell them to the last token.

    Where two tokens are equally likely the noise of batches chooses. Texts that were pruned, or damaged, and are
    written anew may be others, and then what was read in the first ones is not theirs.
    """
    prepared.pin({key: texts_alone(cube) for key, cube in texts.items()})


def task(prepared: Prepared, physical: PhysicalStage, lowered: list[Lowered]) -> Task:
    """Take out what the store has of a lowered stage, run the passes over the rest, and open its journal."""
    off = frozenset(prepared.options.passes_off)
    kernels = kernels_of(prepared, physical, lowered)
    if prepared.store is None:
        return Task(optimise(physical, off), lowered, kernels, Journal())
    rest = looked_up(prepared, physical, lowered, kernels)
    journal = prepared.store.journal(plan_key(prepared, rest, lowered, off))
    prepared.store.pieces = tuple(map(sum, zip(prepared.store.pieces, rest.counted, strict=True)))
    planned = optimise(rest.stage.with_(**settings_of(journal.settings)), off)
    journal.begin(layout(planned), settings(planned), len(planned.batches))
    return Task(planned, lowered, kernels, journal, rest)


def kernels_of(prepared: Prepared, physical: PhysicalStage, lowered: list[Lowered]) -> list[Kernel | None]:
    """The kernels of a stage's work; the vectors that its edits need are looked up too."""
    from .kernels import kernel_of

    physical.extra["operands"] = operands(prepared, physical.edits, physical.work)
    kernels = []
    for work in lowered:
        with about(work.node.key):
            kernels.append(kernel_of(prepared.bindings, prepared.evaluator, work))
    return kernels


def looked_up(
    prepared: Prepared, physical: PhysicalStage, lowered: list[Lowered], kernels: list[Kernel | None]
) -> Rest:
    """What is left of a lowered stage without the pieces that the store has."""
    contents = Contents(physical, physical.extra["operands"], prepared.base(physical.model))
    return rest_of(prepared.store, contents, lowered, kernels, [prepared.recipe(w.node) for w in lowered])


def keep(prepared: Prepared, done: Task, made: Mapping[str, Cube]) -> dict[str, Cube]:
    """Put what was made into the store, all at once, and return the values of all work by key."""
    if done.rest is None:
        return dict(made)
    found, values = dict(made), []
    for number, (work, kernel) in enumerate(zip(done.lowered, done.kernels, strict=True)):
        key = work.node.key
        found[key] = done.rest.whole(number, work, kernel, made.get(key))
        values.append(value(prepared, work.node, found[key], *done.rest.cuts[number]))
    lowered = {w.node.key for w in done.lowered}
    values += [value(prepared, n, made[n.key]) for n in done.physical.work if n.key not in lowered]
    prepared.store.put(*values)
    done.journal.finish()
    return found


def keep_whole(prepared: Prepared, nodes: Sequence[Node], made: Mapping[str, Cube]) -> None:
    """Put the values of nodes into the store, each in one piece, and all at once."""
    if prepared.store is not None:
        prepared.store.put(*(value(prepared, node, made[node.key]) for node in nodes))


def value(prepared: Prepared, node: Node, cube: Cube, along: int | None = None, pieces: tuple = ()) -> Value:
    return Value(prepared.recipe(node), cube, along, pieces, about_of(prepared, node), inputs_of(prepared, node))


def about_of(prepared: Prepared, node: Node) -> dict:
    """What the index says of a value: the spec that made it, what it is, and of which models."""
    read = [node.input("model")] if node.op == "judge" else models_below(node)
    models = [str(prepared.bindings.source(m)) for m in read]
    return {"spec": prepared.name, "says": describe(node, prepared.names), "op": node.op, "models": models}


def notices(prepared: Prepared) -> list[dict]:
    """A warning where values could not be kept."""
    trouble = None if prepared.store is None else prepared.store.trouble
    if trouble is None:
        return []
    message = f"what was computed could not be kept in {prepared.store.folder}: {trouble}"
    help_ = "the results are whole; the next run computes them again. --store names another folder, --no-store none"
    return [{"code": "store-not-written", "message": message, "line": None, "help": help_}]


def operands(prepared: Prepared, edits: Sequence[EditGroup], work: Sequence[Node]) -> dict[str, np.ndarray]:
    """The vectors of every operand of the edits of some work, [cells, width]; of a donor, its name in bytes."""
    wanted = {g.operand for g in edits if g.operand is not None}
    found: dict[str, np.ndarray] = {}
    if not wanted:
        return found
    for node in walk(*work):
        if node.key in wanted and issubclass(node.kind, Model):
            found[node.key] = np.frombuffer(prepared.bindings.fingerprint(node).encode(), np.uint8)[None]
        elif node.key in wanted:
            cube = prepared.evaluator.at_home(node).cube(node)
            found[node.key] = cube.values.reshape(-1, cube.feature[0])
    return found


def plan_key(prepared: Prepared, rest: Rest, lowered: list[Lowered], off: frozenset[str]) -> str:
    """What a journal is filed under: the work that is left, piece by piece, before it is laid out in batches."""
    work = [[prepared.recipe(w.node), [p.key for p in rest.missing(i)]] for i, w in enumerate(lowered)]
    whole = [prepared.recipe(n) for n in rest.stage.work]
    return Hasher().text([work, whole, sorted(off)]).hexdigest()


def layout(stage: PhysicalStage) -> str:
    """A hash of the batches of a plan, and of where their rows begin."""
    hasher = Hasher().array(stage.rows.prompt)
    starts = stage.starts
    for array in (starts.source, starts.layer, starts.position, *stage.batches):
        hasher.array(array)
    return hasher.hexdigest()


def settings(stage: PhysicalStage) -> dict:
    """What decides how rows are laid out beside the passes: it may be measured, and differ when a stage goes on."""
    return {"budget": stage.budget, "prices": dataclasses.asdict(stage.prices)}


def settings_of(told: dict | None) -> dict:
    return {} if told is None else {"budget": told["budget"], "prices": CostModel(**told["prices"])}
