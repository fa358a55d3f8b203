"""Do a step's actions on the tensor that is there. Knows edits and reads; nothing of how the tensor was reached."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from torch import Tensor

from .batch import Edit, Read
from .edits import edited, edited_pattern
from .reads import gather, scatter
from .steps import Action


class Visitor:
    """Collect reads into `found` while a forward pass runs; one object per pass."""

    def __init__(self) -> None:
        self.found: dict[Hashable, Tensor] = {}
        self._held: dict[tuple[int, str], Tensor] = {}

    def at_module(self, value: Tensor, actions: Sequence[Action]) -> Tensor:
        """Return `value` itself if no action changes it, else a changed copy."""
        copied = False
        for action in actions:
            here, what = action.place, action.what
            if isinstance(what, Read):
                self.found[what.key] = gather(value, here, what.rows, what.positions)
                continue
            old = gather(value, here, what.rows, what.positions)
            if isinstance(what, Edit):
                new = edited(old, what)
            elif what.part == "sum":
                new = self._held.pop((what.layer, "middle")) + self._held.pop((what.layer, "update"))
                new = new.to(value.device)
            else:
                self._held[what.layer, what.part] = old
                continue
            value = value if copied else value.clone()
            copied = True
            scatter(value, here, what.rows, what.positions, new)
        return value

    def at_pattern(self, probabilities: Tensor, actions: Sequence[Action]) -> Tensor:
        """Return attention probabilities [B, H, T, T], changed in a copy if an action changes them."""
        copied = False
        for action in actions:
            what = action.what
            rows, positions = (index.to(probabilities.device) for index in (what.rows, what.positions))
            where = (rows, action.place.columns[0], positions)
            if isinstance(what, Read):
                self.found[what.key] = probabilities[where]
                continue
            probabilities = probabilities if copied else probabilities.clone()
            copied = True
            probabilities[where] = edited_pattern(probabilities[where], what)
        return probabilities
