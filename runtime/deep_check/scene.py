"""What all checks of the second tier look at: a program's nodes, its models and rows at hand, and rendered prompts.

Everything is looked up once. Problems of one code at one place are told once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from ...compiler.check import Checked
from ...compiler.graph import Node, walk
from ...compiler.signature import Catalogue
from ...grammar.diagnostics import Diagnostic, Label
from ...grammar.tree import Span
from ..binding.templates import Prompt, prompt_of
from ..errors import ProbeError
from ..options import RunOptions
from ..text.render import render
from ..text.rendered import Rendered
from ..text.tokenizer import Tokenizer
from .items import Items, read_items
from .models import AtHand, Missing, base_of, look_up, source_of
from .places import Places

RENDERINGS = 2000  # in all, shared by the prompts of a program
FEWEST, MOST = 20, 200  # items of one prompts declaration


@dataclass(frozen=True)
class Shown:
    """An item's prompt as a tokenizer sees it, or why it cannot be rendered; `index` counts rows from 0."""

    index: int
    rendered: Rendered | None
    problem: ProbeError | None = None


class Scene:
    """A checked program with what this machine knows about it."""

    def __init__(self, checked: Checked, root: Path, options: RunOptions, catalogue: Catalogue) -> None:
        self.checked, self.root, self.options, self.catalogue = checked, root, options, catalogue
        self.program = checked.program
        self.places = Places(checked)
        self.found: dict[tuple[str, int, str], Diagnostic] = {}
        self._models: dict[str, AtHand | Missing | None] = {}
        self._items: dict[str, Items | ProbeError | None] = {}
        self._shown: dict[tuple[str, str], list[Shown]] = {}

    # **** problems ****

    def report(
        self,
        severity: Literal["error", "warning", "note"],
        code: str,
        at: Label,
        message: str,
        help: str | None = None,
        *,
        same: str | None = None,
    ) -> None:
        """Note a problem, once for each code, place and message; what has one `same` counts as one message."""
        key = (code, at.span.start, message if same is None else same)
        self.found.setdefault(key, Diagnostic(code, severity, message, at, (), help))

    def told_inside(self, span: Span) -> bool:
        """Whether an error was told of some part of a place."""
        return any(
            d.severity == "error" and span.start <= d.primary.span.start and d.primary.span.end <= span.end
            for d in self.found.values()
        )

    # **** nodes ****

    @cached_property
    def nodes(self) -> list[tuple[Node, Span]]:
        """Every node that results need, once, with the span of the first statement that needs it."""
        seen: dict[str, tuple[Node, Span]] = {}
        for statement in self.program.statements:
            for node in walk(statement.node):
                seen.setdefault(node.key, (node, statement.span))
        return list(seen.values())

    def at(self, node: Node, statement: Span) -> Label:
        """The place of a node, else of the statement that needs it."""
        return self.places.of(node, statement)

    @cached_property
    def runs(self) -> dict[str, tuple[Node, list[Node]]]:
        """Prompts that models run on: by key, the prompts and the models."""
        found: dict[str, tuple[Node, list[Node]]] = {}
        for node, _ in self.nodes:
            if node.op == "run" and node.input("prompts").op == "prompts":
                prompts, models = found.setdefault(node.input("prompts").key, (node.input("prompts"), []))
                if node.input("model") not in models:
                    models.append(node.input("model"))
        return found

    # **** models ****

    def model(self, node: Node | None) -> AtHand | None:
        """What is known of a model, or None."""
        found = self.look_up(node) if node is not None else None
        return found if isinstance(found, AtHand) else None

    def look_up(self, node: Node) -> AtHand | Missing | None:
        """What is known of a model; None where its name is not even known."""
        base = base_of(node)
        if base is None:
            return None
        if base.key not in self._models:
            source = source_of(base)
            allowed = self.options.allow_outside
            self._models[base.key] = look_up(source, self.root, allow_outside=allowed) if source is not None else None
        return self._models[base.key]

    def readers(self, prompts: Node) -> Iterator[tuple[AtHand, Tokenizer]]:
        """The models at hand that run on some prompts, one for each tokenizer."""
        seen: set[str] = set()
        for node in self.runs.get(prompts.key, (prompts, []))[1]:
            model = self.model(node)
            if model is not None and model.tokenizer is not None and model.tokenizer.fingerprint not in seen:
                seen.add(model.tokenizer.fingerprint)
                yield model, model.tokenizer

    # **** rows and prompts ****

    def items(self, dataset: Node | None) -> Items | None:
        """The rows of a dataset, or None where they are not at hand or broken."""
        found = self.read(dataset) if dataset is not None else None
        return found if isinstance(found, Items) else None

    def read(self, dataset: Node) -> Items | ProbeError | None:
        """The rows of a dataset, None where they are not at hand, or what is wrong with them."""
        if dataset.key not in self._items:
            try:
                self._items[dataset.key] = read_items(dataset, self.root, allow_outside=self.options.allow_outside)
            except ProbeError as problem:
                self._items[dataset.key] = problem
        return self._items[dataset.key]

    @cached_property
    def limit(self) -> int:
        """How many items of each prompts declaration are rendered."""
        pairs = sum(1 for prompts, _ in self.runs.values() for _ in self.readers(prompts))
        return max(FEWEST, min(MOST, RENDERINGS // max(1, pairs)))

    def prompt(self, prompts: Node) -> Prompt | None:
        """A prompts node as a template, or None where a run must tell its texts or a placeholder is wrong."""
        try:
            return prompt_of(prompts)
        except ProbeError:
            return None

    def rows(self, prompts: Node) -> list[tuple[int, dict]] | None:
        """The sampled rows of some prompts, with all columns they name; one empty row where there is no dataset."""
        prompt, source = self.prompt(prompts), prompts.input("source")
        if prompt is None:
            return None
        if source is None:
            return [(0, prompt.row({}))]
        items = self.items(source)
        if items is None or not prompt.needs <= set(items.own):
            return None
        return [(i, prompt.row(row)) for i, row in items.sample(self.limit)]

    def shown(self, prompts: Node, tokenizer: Tokenizer) -> list[Shown]:
        """The prompts of the sampled items as a tokenizer sees them."""
        key = (prompts.key, tokenizer.fingerprint)
        if key not in self._shown:
            prompt = self.prompt(prompts)
            found = self._shown[key] = []
            for index, row in self.rows(prompts) or ():
                try:
                    found.append(Shown(index, render(prompt.template, row, tokenizer)))
                except ProbeError as problem:
                    found.append(Shown(index, None, problem))
        return self._shown[key]

    def all_shown(self, prompts: Node) -> bool:
        """Whether every item of some prompts was looked at."""
        items = self.items(prompts.input("source"))
        return items is None or (items.whole and len(items.sample(self.limit)) == len(items.rows))

    def narrowed(self, prompts: Node) -> bool:
        """Whether a condition that only a run knows leaves out some of the rows that were looked at."""
        items = self.items(prompts.input("source"))
        return items is not None and items.narrowed


def counted(count: int, total: int, indices: bool = True) -> str:
    """Say how many items a finding is about: `in 3 of 40 items`."""
    return "" if total <= 1 or not indices else f" in {count} of {total} items"
