"""Loaded models: few at a time, the least recently used one goes first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from ..compiler.graph import Node
from .binding.bindings import Bindings
from .counts import Counts
from .engine import Engine
from .models import load
from .options import RunOptions
from .self_check import SelfCheck, self_check

MOST = 4  # models held at a time


@dataclass
class ModelPool:
    """Engines by model. `counts` is shared by all of them."""

    bindings: Bindings
    options: RunOptions
    counts: Counts = field(default_factory=Counts)
    checks: dict[str, SelfCheck] = field(default_factory=dict)
    _held: OrderedDict[str, Engine] = field(default_factory=OrderedDict)

    def engine(self, model: Node) -> Engine:
        """The engine of a model, loading it when it is not held."""
        if model.key in self._held:
            self._held.move_to_end(model.key)
            return self._held[model.key]
        while len(self._held) >= MOST:
            self._held.popitem(last=False)
        source = self.bindings.source(model)
        loaded = load(source, device=self.options.device, dtype=source.dtype or self.options.dtype or "float32",
                      device_map=self.options.device_map, attention=self.options.attention,
                      trust_remote_code=self.options.trust_remote_code, counts=self.counts)  # fmt: skip
        self._held[model.key] = Engine(loaded, self.counts)
        return self._held[model.key]

    def check(self, model: Node, prompts: tuple[tuple[int, ...], ...]) -> None:
        """Check a model once in a run, on prompts that it is asked."""
        name = str(self.bindings.source(model))
        if name not in self.checks and prompts:
            self.checks[name] = self_check(self.engine(model), list(prompts))


def loads_of(models: list[str]) -> int:
    """Loads that asking for these models in turn takes; the plan predicts by the same rule."""
    held: OrderedDict[str, None] = OrderedDict()
    loads = 0
    for key in models:
        if key in held:
            held.move_to_end(key)
            continue
        while len(held) >= MOST:
            held.popitem(last=False)
        held[key] = None
        loads += 1
    return loads
