"""Loaded models: as many as fit, let go in the order that the schedule tells, the next one's files read ahead."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..compiler.graph import Node, walk
from ..compiler.passes.order_models import victims
from ..compiler.physical import EditGroup
from .adapters import AdaptedTensors
from .binding.bindings import Bindings
from .counts import Counts
from .determinism import numerics
from .engine import Engine
from .engine.donor import Donor
from .errors import ProbeError
from .models import import_code, load
from .options import RunOptions
from .read_ahead import ReadAhead
from .schedule import Schedule
from .self_check import SelfCheck, self_check
from .stored_weights import StoredWeights
from .weight_files import weight_files


@dataclass
class ModelPool:
    """Engines by model. `counts` is shared by all of them; `load_seconds` is the time that loads took,
    `import_seconds` that of the code of their architectures, which is read once.

    `loaded` says of each model that was loaded in which numerics it ran.

    Without a schedule every model is held.
    """

    bindings: Bindings
    options: RunOptions
    schedule: Schedule | None = None
    counts: Counts = field(default_factory=Counts)
    checks: dict[str, SelfCheck] = field(default_factory=dict)
    loaded: dict[str, dict[str, str]] = field(default_factory=dict)
    load_seconds: float = 0.0
    import_seconds: float = 0.0
    ahead: ReadAhead = field(default_factory=ReadAhead)
    _held: dict[str, Engine] = field(default_factory=dict)
    _upcoming: Sequence[str | None] = ()
    _read: set[str] = field(default_factory=set)

    def begin(self, place: int) -> None:
        """Note that the turn at `place` of the schedule begins."""
        self._upcoming = self.schedule.upcoming(place)

    def engine(self, model: Node) -> Engine:
        """The engine of a model, loading it when it is not held."""
        if model.key not in self._held:
            if self.schedule is not None:
                size, room = self.schedule.sizes, self.schedule.room
                gone = victims(self._held, model.key, self._upcoming, size, room)
                for key in gone:
                    del self._held[key]
                if gone:
                    gc.collect()  # models and their wrappers point at each other
            self._held[model.key] = self._load(model)
        self._read_next()
        return self._held[model.key]

    def donor(self, model: Node, donor: Node) -> Donor:
        """The modules of another model, to be used in passes of `model`; nothing of it is read yet."""
        recipient, directory = self.engine(model).model, self.bindings.folder(donor)
        weights = StoredWeights(directory)
        for folder in self.bindings.adapters(donor):
            weights = AdaptedTensors(weights, directory, folder, recipient.dtype)
        return Donor(recipient, weights)

    def donors(self, model: Node, edits: Sequence[EditGroup], work: Sequence[Node]) -> dict[str, Donor]:
        """The models whose weights edits of some work graft into `model`, by key."""
        wanted = {g.operand for g in edits if g.kind == "graft"}
        return {n.key: self.donor(model, n) for n in (walk(*work) if wanted else ()) if n.key in wanted}

    def check(self, model: Node, prompts: tuple[tuple[int, ...], ...]) -> None:
        """Check a model once in a run, on prompts that it is asked."""
        name = str(self.bindings.source(model))
        if name not in self.checks and prompts:
            self.checks[name] = self_check(self.engine(model), list(prompts))

    def close(self) -> None:
        """Let all models go."""
        self.ahead.stop()
        self._held.clear()

    def _load(self, model: Node) -> Engine:
        self.ahead.finish()
        self._read.discard(model.key)
        source = self.bindings.source(model)
        before = time.perf_counter()
        import_code(source, self.options.trust_remote_code)
        started = time.perf_counter()
        self.import_seconds += started - before
        loaded = load(source, device=self.options.device, dtype=source.dtype or self.options.dtype or "float32",
                      device_map=self.options.device_map, attention=self.options.attention,
                      trust_remote_code=self.options.trust_remote_code, counts=self.counts)  # fmt: skip
        self.load_seconds += time.perf_counter() - started
        if loaded.fingerprint != self.bindings.fingerprint(model):
            # What it gives would be kept as what the files before it gave.
            raise ProbeError("model-changed", f"the files of {source} have changed since the run began", "run it again")
        self.loaded[str(source)] = numerics(loaded)
        return Engine(loaded, self.counts)

    def _read_next(self) -> None:
        """Have the files of the next model read, once."""
        key = None if self.schedule is None else self.schedule.next_to_read(self._held, self._upcoming)
        if key is None or key in self._read:
            return
        self._read.add(key)
        try:
            self.ahead.start(weight_files(self.bindings.folder(self.schedule.nodes[key])))
        except ProbeError:
            return  # its own load says what is wrong with it
