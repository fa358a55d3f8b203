"""An adapter at some tokens only."""

from __future__ import annotations

from typing import Literal

from ....compiler.kinds import Integer, Intervention, Model, Part, Site, Tokens
from ...registry import operation


@operation(work="intervention", subject="at")
def gate(
    student: Model, *, at: Tokens, parts: list[Part | Site] | None = None,
    layers: Integer | list[Integer] | None = None, generated: Literal["off", "on"] = "off",
) -> Intervention:  # fmt: skip
    """Switch a student's adapter on at some tokens only; elsewhere the base model computes.

    The student is `adapter(m, …)`, and runs are those of m. `parts` and `layers` take some of what the adapter changes
    (as in `graft`), by default all of it. `generated` says whether it is on for tokens that are generated, while they
    are and when they are read again.
    """
