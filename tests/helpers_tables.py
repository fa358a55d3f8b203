"""Datasets of rows that a test writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from probelang.runtime.data.files import from_frame
from probelang.runtime.data.formats import rows_to_frame
from probelang.runtime.data.table import Table


def inline(rows: Sequence[dict[str, Any]], *, key: str | None = None) -> Table:
    """A dataset of these rows."""
    return from_frame(rows_to_frame(rows, "the rows"), key=key)
