"""Do a step's actions on the tensor that is there. Knows edits and reads; nothing of how the tensor was reached."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from ..errors import ProbeError
from .batch import Edit, Read
from .edits import edited, keys_of
from .graft import Swap
from .reads import gather, scatter
from .steps import Action


class Visitor:
    """Collect reads into `found` while a forward pass runs; one object per pass."""

    def __init__(self) -> None:
        self.found: dict[Hashable, Tensor] = {}
        self._held: dict[tuple[int, str], Tensor] = {}
        self._taken: dict[int, Tensor] = {}

    def at_module(self, value: Tensor, actions: Sequence[Action]) -> Tensor:
        """Return `value` itself if no action changes it, else a changed copy."""
        copied = False
        for action in actions:
            here, what = action.place, action.what
            if isinstance(what, Read):
                self.found[what.key] = gather(value, here, what.rows, what.positions)
                continue
            if isinstance(what, Swap):
                if what.what == "take":
                    self._taken[what.key] = what.take(value)
                else:
                    value, copied = what.put(value, self._taken.pop(what.key)), True
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
            if what.kind == "knockout":
                continue
            probabilities = probabilities if copied else probabilities.clone()
            copied = True
            probabilities[where] = keys_of(what, probabilities[where])
        return probabilities

    def at_scores(self, scores: Tensor, actions: Sequence[Action]) -> Tensor:
        """Return attention scores [B, H, T, T] as the softmax takes them, in a copy without the edges that are cut.

        Raises `no-edge-left` where a token would see nothing: what is left of its scores would be noise.
        """
        cuts = [a.what for a in actions if isinstance(a.what, Edit) and a.what.kind == "knockout"]
        if not cuts:
            return scores
        scores = scores.clone()
        nothing = torch.finfo(scores.dtype).min / 2
        for cut in cuts:
            heads = slice(None) if cut.site.head is None else slice(cut.site.head, cut.site.head + 1)
            rows, positions = (index.to(scores.device) for index in (cut.rows, cut.positions))
            by_token = scores[:, heads].transpose(1, 2)
            old = by_token[rows, positions]
            new = old.masked_fill(keys_of(cut, old[:, 0])[:, None] != 0, -torch.inf)
            if bool((new.amax(-1) <= nothing).any()):
                where = f"in layer {cut.site.layer}"
                raise ProbeError("no-edge-left", f"a knockout {where} leaves a token without any edge")
            by_token[rows, positions] = new
        return scores
