"""Operations that take an expression under an intervention, and compare it with the expression without."""

from __future__ import annotations

from ....compiler.kinds import Number, Vector
from ...registry import operation


@operation(work="pure")
def shift(of: Number | Vector) -> Number:
    """What an intervention changes: `shift(f under i)` is `f under i - f`, item by item."""


@operation(work="pure", source="Heimersheim and Nanda 2024, arXiv:2404.15255")
def recovery(of: Number) -> Number:
    """Share of the difference between two sides that a patch restores (denoising).

    `recovery(f under i)` is (f[negative] under i - f[negative]) / (f[positive] - f[negative]), item by item: 0 when
    nothing changes, 1 when the clean (positive) value is back. The mean over items weighs items with a small
    difference as much as others; where the difference is zero the cell is missing.
    """
