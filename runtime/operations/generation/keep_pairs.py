"""Pairs of texts of which both sides pass."""

from __future__ import annotations

from ....compiler.kinds import Boolean, Generated
from ...registry import operation


@operation(work="data", axes="none")
def keep_pairs(items: Generated, *, positive: Boolean, negative: Boolean, both: Boolean | None = None) -> Generated:
    """Generated pairs of which the positive side passes one condition, the negative side another, and `both` holds.

    What is kept are items of their own, the same on both sides. A condition that is missing does not hold.
    """
