"""An adapter at some tokens only."""

from __future__ import annotations

from ....compiler.kinds import Boolean, Integer, Intervention, Model, Part, Site, Tokens
from ...registry import operation
from . import During


@operation(work="intervention", subject="at")
def gate(
    student: Model, *, at: Tokens, parts: list[Part | Site] | None = None,
    layers: Integer | list[Integer] | None = None, during: During = "prompt", reread: Boolean = False,
) -> Intervention:  # fmt: skip
    """Switch a student's adapter on at some tokens only; elsewhere the base model computes.

    The student is `adapter(m, …)`, and runs are those of m. `parts` and `layers` take some of what the adapter changes
    (as in `graft`), by default all of it. `during` is the scope while a text is written, and when it is read again (see
    `generate`).
    """
