"""Whose turn it is: the stages of a prepared spec cut by model, in the order in which they run, and their loads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..compiler.graph import Node
from ..compiler.passes.order_models import Turn, loaded, order_models, turns_of, victims
from ..compiler.physical import PhysicalStage, unembedded
from ..compiler.shape import ModelShape
from .adapters import WEIGHTS
from .errors import ProbeError
from .generation.batches import Room
from .lowering.lower import models_of
from .memory import MOST_TEXTS, Memory, free_memory
from .sites import architecture

if TYPE_CHECKING:
    from .prepared import Prepared

NAME, OVERLAP = "order-models", "overlap-loads"


@dataclass(frozen=True)
class Schedule:
    """Turns in the order in which they run, and the models that are loaded for them, by key.

    `sizes` are bytes of weights, `room` how many may be held; `plain_loads` is what the order of the stages would take.
    `overlaps` is whether the files of a model are read while another runs.
    """

    turns: tuple[Turn, ...]
    nodes: dict[str, Node]
    names: dict[str, str]
    sizes: dict[str, int]
    room: int
    loaded: tuple[str, ...]
    plain_loads: int
    overlaps: bool = True

    @property
    def loads(self) -> int:
        return len(self.loaded)

    @property
    def load_bytes(self) -> int:
        """Bytes of weights of all loads, where each model's is known."""
        return sum(self.sizes[key] for key in self.loaded)

    @property
    def sizes_known(self) -> bool:
        """Whether the weights of all models that are loaded could be looked at."""
        return all(self.sizes[key] for key in self.loaded)

    @property
    def most_held(self) -> int:
        """The most bytes of weights that are held at a time."""
        held, most = {}, 0
        for place, turn in enumerate(self.turns):
            if turn.model is not None and turn.model not in held:
                for gone in victims(held, turn.model, self.upcoming(place), self.sizes, self.room):
                    del held[gone]
                held[turn.model] = self.sizes[turn.model]
            most = max(most, sum(held.values()))
        return most

    def words(self) -> str:
        """The models in the order of their turns, with the stages that each does in a row."""
        runs: list[tuple[str, list[str]]] = []
        for turn in self.turns:
            if turn.model is None:
                continue
            if not runs or runs[-1][0] != turn.model:
                runs.append((turn.model, []))
            runs[-1][1].append(str(turn.stage.index))
        return ", ".join(f"{self.names[model]} for {' and '.join(stages)}" for model, stages in runs)

    @property
    def read_ahead(self) -> int:
        """How many loads find their files read."""
        held, read, count = {}, set(), 0
        for place, turn in enumerate(self.turns):
            if turn.model is None:
                continue
            if turn.model not in held:
                count += turn.model in read
                for gone in victims(held, turn.model, self.upcoming(place), self.sizes, self.room):
                    del held[gone]
                read.discard(turn.model)
                held[turn.model] = None
            read.add(self.next_to_read(held, self.upcoming(place)))
        return count

    def next_to_read(self, held: Collection[str], upcoming: Sequence[str | None]) -> str | None:
        """The model whose files are read while one runs: the next that is not held, if memory has a place for them."""
        key = next((k for k in upcoming if k is not None and k not in held), None)
        return None if key is None or not self.overlaps or self.sizes[key] > self.room // 2 else key

    def upcoming(self, place: int) -> list[str | None]:
        """The models of the turns after this one."""
        return [turn.model for turn in self.turns[place + 1 :]]


def schedule(prepared: Prepared) -> Schedule:
    """Order the turns of a spec; the same memory gives the same order."""
    turns = turns_of(prepared.stages, models_of)
    nodes = {m.key: m for s in prepared.stages for n in s.nodes for m in models_of(n)}
    sizes = {key: weight_bytes(prepared, model) for key, model in nodes.items()}
    room = memory_of(prepared).for_weights
    plain = list(range(len(turns)))
    order = plain if NAME in prepared.options.passes_off else order_models(turns, sizes, room)
    names = {key: name_of(prepared, model) for key, model in nodes.items()}
    taken, least = (loaded(turns, o, sizes, room) for o in (order, plain))
    return Schedule(tuple(turns[p] for p in order), nodes, names, sizes, room, tuple(taken), len(least),
                    OVERLAP not in prepared.options.passes_off)  # fmt: skip


def name_of(prepared: Prepared, model: Node) -> str:
    try:
        return str(prepared.bindings.source(model))
    except ProbeError:
        return model.op  # models that are made, not loaded


def memory_of(prepared: Prepared) -> Memory:
    """The free memory that this run plans with, measured once unless an option gives it."""
    if prepared.memory is None:
        options = prepared.options
        measured = free_memory(options.device)
        prepared.memory = measured if options.memory is None else Memory(options.memory, measured.kind)
    return prepared.memory


def shape_of(prepared: Prepared, model: Node) -> ModelShape:
    """The shape of a model with the dtype and attention that it will run with; raises where no config is at hand."""
    facts, options = prepared.bindings.facts(model), prepared.options
    return facts.shape(dtype_of(prepared, model), architecture(facts.arch).attention or options.attention)


def dtype_of(prepared: Prepared, model: Node) -> str:
    """The dtype that a model runs in: its own, else the option's, else float32."""
    return prepared.bindings.source(model).dtype or prepared.options.dtype or "float32"


def weight_bytes(prepared: Prepared, model: Node) -> int:
    """Bytes of a model's weights, with those of its adapters, which are there while they are merged."""
    try:
        adapters = prepared.bindings.adapters(model)
        return shape_of(prepared, model).weight_bytes + sum((a / WEIGHTS).stat().st_size for a in adapters)
    except ProbeError:
        return 0  # a model that is not at hand cannot be planned for


def batch_tokens(prepared: Prepared, stage: PhysicalStage) -> int:
    """The tokens that a batch of a stage may have: what an option says, else what memory allows."""
    if prepared.options.batch_tokens is not None:
        return prepared.options.batch_tokens
    lengths = stage.rows.lengths
    logits = float(unembedded(stage).sum()) / max(int(lengths.sum()), 1)
    return memory_of(prepared).batch_tokens(shape_of(prepared, stage.model), int(lengths.max(initial=1)), logits)


def room_for_texts(prepared: Prepared) -> Room:
    """What a batch of texts may take: memory, and the tokens that an option says."""
    memory = memory_of(prepared)
    return Room(memory.for_batch, MOST_TEXTS[memory.kind], prepared.options.batch_tokens)
