"""Hold activations at a number."""

from __future__ import annotations

from ....compiler.kinds import Boolean, Integer, Intervention, Number, Place
from ...registry import operation
from . import During


@operation(work="intervention", subject="place")
def clamp(
    place: Place, value: Number, *, component: Integer | None = None, during: During = "prompt",
    reread: Boolean = False, in_order: Boolean = False,
) -> Intervention:  # fmt: skip
    """Hold the activations at a place at one value: every component, or the one that `component` numbers from 0.

    `clamp(neurons[3] at p.last, 5, component=17)` holds one neuron. `during` is the scope while a text is written (see
    `generate`).
    """
