"""One saved model's weights with adapters merged in, tensor by tensor. Knows files; builds the model but in name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from .adapters import WEIGHTS, AdaptedTensors, adapted_modules, adapter_keys, plain
from .stored_weights import StoredWeights
from .weight_layout import StoredTensor, layout
from .weight_parts import weight_part

DTYPE = "float32"  # what merging is computed in, as in a run that nobody asks for another


def opened(directory: Path, adapters: Sequence[Path] = ()) -> StoredWeights:
    """Return the weights of a model, with adapters merged in one after the other where there are any."""
    return MergedWeights(directory, adapters) if adapters else StoredWeights(directory)


class MergedWeights(StoredWeights):
    """Weights that an adapter changes are made when they are asked for, all others lie in the files of the model.

    Raises what `StoredWeights` raises, `adapter-needs-peft` and `adapter-does-not-fit`.
    """

    def __init__(self, directory: Path, adapters: Sequence[Path]) -> None:
        super().__init__(directory)
        merged, self._changed = StoredWeights(directory), set()
        for folder in adapters:
            merged = AdaptedTensors(merged, self.directory, folder, DTYPE)
            self._changed |= {f"{module}.weight" for module in adapted_modules(folder)}
            self._hold(folder)
        # Rows are asked for in order: a tensor and the next one are at hand, never those of a whole model.
        self._merged = lru_cache(maxsize=2)(merged.tensor)

    def place(self, name: str) -> StoredTensor:
        """Return where the tensor `name` lies, or how it is made."""
        own = self._own(name)
        stored = self._tensors[own]
        return replace(stored, made=partial(self._merged, own)) if own in self._changed else stored

    def _hold(self, folder: Path) -> None:
        """Take the tensors that an adapter holds whole, as an unembedding that was trained with it."""
        whole = {name for name in adapter_keys(folder) if ".lora_" not in name and ".base_layer." not in name}
        for stored, tensor in (layout(folder / WEIGHTS) if whole else {}).items():
            if (name := plain(stored)) in whole:
                self.parts[name], self._tensors[name] = weight_part(name, self.facts.arch), tensor
                self._changed.discard(name)
        self.names = sorted(self.parts)
