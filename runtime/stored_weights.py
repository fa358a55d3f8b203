"""One saved model's tensors by name, and what part of the model each is. Reads no more than is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ProbeError
from .facts import ModelFacts, model_facts
from .sites import architecture
from .weight_files import weight_files
from .weight_layout import StoredTensor, layout
from .weight_parts import PREFIX, WeightPart, weight_part

if TYPE_CHECKING:
    from safetensors import safe_open
    from torch import Tensor


class StoredWeights:
    """Look up one model's tensors by name, without the prefix of the bare model.

    A tied unembedding is the embedding. Raises `bad-model-config`, `weights-not-found`, `weights-damaged`,
    `unknown-weight`.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        config = self.directory / "config.json"
        if not config.is_file():
            raise ProbeError("bad-model-config", f"{directory} has no config.json")
        self.facts: ModelFacts = model_facts(json.loads(config.read_text()))
        architecture(self.facts.arch)
        self.files: dict[Path, safe_open] = {}
        self.parts: dict[str, WeightPart] = {}
        self._names: dict[str, str] = {}  # as the file has them
        self._tensors: dict[str, StoredTensor] = {}
        for path in weight_files(self.directory):
            self._index(path)
        self.names = sorted(self.parts)

    def part(self, name: str) -> WeightPart:
        """Return what `name` is a part of; a name that only the other of two models has is its unembedding."""
        return self.parts.get(name) or WeightPart("unembed", None)

    def place(self, name: str) -> StoredTensor:
        """Return where the tensor `name` lies."""
        return self._tensors[self._own(name)]

    def tensor(self, name: str) -> Tensor:
        """Return the tensor `name`; its file is mapped, and nothing is read yet."""
        own = self._own(name)
        path = self._tensors[own].path
        if path not in self.files:
            from safetensors import safe_open

            self.files[path] = safe_open(path, framework="pt")
        return self.files[path].get_tensor(self._names[own])

    def _index(self, path: Path) -> None:
        for stored, tensor in layout(path).items():
            name = PREFIX.sub("", stored)
            try:
                part = weight_part(name, self.facts.arch)
            except KeyError:
                raise ProbeError(
                    "unknown-weight",
                    f"{path}: no part is known for {name!r}",
                    "add it to PARTS in runtime/weight_parts.py",
                ) from None
            if part is not None:
                self.parts[name], self._names[name], self._tensors[name] = part, stored, tensor

    def _own(self, name: str) -> str:
        if name in self.parts:
            return name
        if name.startswith(("lm_head.", "embed_out.")):
            # Called by its other name, or tied to the embedding.
            by_part = {part.part: other for other, part in self.parts.items()}
            return by_part.get("unembed") or by_part["embed"]
        raise ProbeError("weights-differ", f"{self.directory} has no {name}, which the other model has")
