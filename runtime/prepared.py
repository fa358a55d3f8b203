"""A program made ready to be lowered, and what is known of it while it runs. Runs nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..compiler.check import Checked
from ..compiler.graph import Node, digest, walk
from ..compiler.keys import recipe_key, value_key
from ..compiler.normalise import normalise
from ..compiler.stages import Stage, cut
from . import registry
from .binding.bindings import Bindings
from .cube import Cube
from .evaluate import Evaluator
from .memory import Memory
from .options import RunOptions
from .provenance import DRAWN, contents, numerics
from .store import Store
from .store.cubes import block


@dataclass
class Prepared:
    """A program ready to be lowered: normalised roots, and its stages in order."""

    checked: Checked
    roots: dict[str, Node]
    stages: list[Stage]
    bindings: Bindings
    evaluator: Evaluator
    options: RunOptions
    store: Store | None = None
    memory: Memory | None = None
    recipes: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    endpoints: dict[str, dict] = field(default_factory=dict)  # what became of the questions put to each

    @cached_property
    def contents(self) -> dict[str, str]:
        """Hashes of what the values depend on beside the spec, by node; each is made once."""
        return contents(self)

    @cached_property
    def names(self) -> dict[str, str]:
        """What the spec calls its models, prompts and datasets, by node."""
        program = self.checked.program
        groups = (program.models, program.prompts, program.datasets)
        return {node.key: name for group in groups for name, node in group.items()}

    @property
    def name(self) -> str:
        """The name of the spec's file."""
        return Path(self.checked.path).name

    def pin(self, made: dict[str, Cube]) -> None:
        """Hash values that no recipe tells, so that what is computed from them is kept for these values alone."""
        for key, cube in made.items():
            header, payload = block(cube.values, cube.missing)
            self.contents[key] = value_key({"values": payload, "header": json.dumps(header).encode()})

    def recipe(self, node: Node) -> str:
        """The recipe key of a work node."""
        if node.key not in self.recipes:
            self.recipes[node.key] = recipe_key(node, self.settings(node), self.contents, self.known)
        return self.recipes[node.key]

    def settings(self, node: Node) -> dict[str, str]:
        """The numerics that a value depends on: the run's seed only where random numbers are drawn."""
        catalogue = registry.catalogue()
        drawn = any(n.op in catalogue and catalogue[n.op].work in DRAWN for n in walk(node))
        return {k: v for k, v in numerics(self).items() if drawn or k != "seed"}

    def base(self, model: Node) -> str:
        """A hash of what decides the numbers of a model's rows beside the rows."""
        about = [self.contents[model.key], self.bindings.source(model).dtype, self.settings(model)]
        return digest(about)


def prepare(checked: Checked, root: Path, options: RunOptions) -> Prepared:
    """Normalise a program and cut it into stages."""
    program = checked.program
    nodes = [s.node for s in program.statements]
    made = normalise(program.graph, nodes)
    stages = cut([made[n.key] for n in nodes], registry.catalogue())
    bindings = Bindings(root, allow_outside=options.allow_outside, download=not options.offline)
    store = Store(options.store) if options.store is not None else None
    return Prepared(checked, made, stages, bindings, Evaluator(bindings, bindings.results), options, store)


def planned(prepared: Prepared) -> list[Node]:
    """Nodes of operations that do not run yet."""
    catalogue = registry.catalogue()
    return [n for n in walk(*prepared.roots.values()) if n.op in catalogue and catalogue[n.op].planned]
