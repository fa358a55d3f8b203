"""The facts that a plan needs, each looked up once: sizes of models, rows of datasets, tokens of prompts, labels.

Knows nothing of batches or weights. Everything here is a function of the spec, of files, and of texts that models
wrote in earlier stages.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...compiler.graph import Node
from ..adapters import adapter_fingerprint, check_adapter
from ..data.table import Table
from ..errors import ProbeError
from ..facts import ModelFacts
from ..sources import ModelSource, resolve, source_facts
from ..text.rendered import Rendered
from ..text.tokenizer import Tokenizer
from ..weight_files import fingerprint

if TYPE_CHECKING:
    from ..cube import Axis


@dataclass
class Bindings:
    """Lookups for one run: `root` is the folder of the spec, paths in it are relative to that.

    `results` are the values of work nodes that are there, by key.
    """

    root: Path
    allow_outside: bool = False
    download: bool = True
    results: dict[str, object] = field(default_factory=dict)
    _sources: dict[str, ModelSource] = field(default_factory=dict)
    _facts: dict[str, ModelFacts] = field(default_factory=dict)
    _fingerprints: dict[str, str] = field(default_factory=dict)
    _tokenizers: dict[str, Tokenizer] = field(default_factory=dict)
    _tables: dict[str, Table] = field(default_factory=dict)
    _rendered: dict[tuple[str, str], tuple[Rendered, ...]] = field(default_factory=dict)
    token_axes: dict[tuple, Axis] = field(default_factory=dict)  # made by `axes`, each once

    # **** models ****

    def source(self, model: Node) -> ModelSource:
        """Where a model comes from."""
        if model.key not in self._sources:
            self._sources[model.key] = self._source(model)
        return self._sources[model.key]

    def _source(self, model: Node) -> ModelSource:
        def text(name: str) -> str | None:
            node = model.input(name)
            return None if node is None or node.op == "none" else str(node.param("value"))

        if model.op == "hub":
            return ModelSource("hub", text("id"), text("revision"), text("dtype"))
        if model.op == "zoo":
            return ModelSource("zoo", text("name"), text("revision"), text("dtype"))
        if model.op == "path":
            return ModelSource("path", str(self._below(text("directory"))), None, text("dtype"))
        if model.op == "endpoint":
            return ModelSource("endpoint", text("alias"))
        if model.op == "adapter":
            return self._adapted(self.source(model.input("model")), text("directory"), text("hub"), text("revision"))
        raise ProbeError("planned", f"models made with `{model.op}` cannot be loaded yet")

    def _adapted(self, base: ModelSource, directory: str | None, hub: str | None, revision: str | None) -> ModelSource:
        if (directory is None) == (hub is None):
            message = "`adapter` takes a directory, or `hub=` with the id of an adapter"
            raise ProbeError(
                "adapter-from-where", message, 'adapter(base, "folder"), or adapter(base, hub="name/of-it")'
            )
        own = ModelSource("hub", hub, revision) if hub is not None else ModelSource("path", str(self._below(directory)))
        check_adapter(resolve(own, download=self.download))
        return replace(base, adapters=(*base.adapters, own))

    def _below(self, directory: str) -> Path:
        folder = Path(directory).expanduser()
        return folder if folder.is_absolute() else self.root / folder

    def adapters(self, model: Node) -> tuple[Path, ...]:
        """The directories of the adapters that are merged into a model."""
        return tuple(resolve(own, download=self.download) for own in self.source(model).adapters)

    def folder(self, model: Node) -> Path:
        """The directory that holds a model."""
        return resolve(self.source(model), download=self.download)

    def facts(self, model: Node) -> ModelFacts:
        """Sizes of a model, from its config alone."""
        if model.key not in self._facts:
            self._facts[model.key] = source_facts(self.source(model), download=self.download)
        return self._facts[model.key]

    def fingerprint(self, model: Node) -> str:
        """A name of a model's weights and config by their bytes, as they were when it was first asked."""
        if model.key not in self._fingerprints:
            found = fingerprint(self.folder(model)) + "".join(map(adapter_fingerprint, self.adapters(model)))
            self._fingerprints[model.key] = found
        return self._fingerprints[model.key]

    def tokenizer(self, model: Node) -> Tokenizer:
        if model.key not in self._tokenizers:
            self._tokenizers[model.key] = Tokenizer.load(self.folder(model))
        return self._tokenizers[model.key]

    # **** data and prompts ****

    def table(self, dataset: Node) -> Table:
        """The rows of a dataset."""
        from .datasets import make_table

        if dataset.key not in self._tables:
            self._tables[dataset.key] = make_table(self, dataset)
        return self._tables[dataset.key]

    def rendered(self, model: Node, prompts: Node) -> tuple[Rendered, ...]:
        """The prompts as a model reads them: one for each cell of their axes, items last."""
        from .prompts import render_all

        place = (model.key, prompts.key)
        if place not in self._rendered:
            self._rendered[place] = render_all(self, model, prompts)
        return self._rendered[place]
