"""Seeded choices that depend on row keys alone: splits and shuffles.

Knows hashing of (seed, key). Does not know what the rows are for.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Any, TypeVar

from ..errors import ProbeError
from .table import Table

Value = TypeVar("Value")


def split(table: Table, fraction: float, seed: int, stratify: str | None = None) -> tuple[Table, Table]:
    """Split rows in two; the first part has round(fraction · n) rows, and shares each value of `stratify` fairly.

    Rows are ranked by a hash of seed and key, and the first ones in rank go to the first part. So the order of the file
    does not matter, and a new row moves at most one other row to the other side (with strata, at most one in each).
    Raises ProbeError when a part would be empty.
    """
    if not 0 < fraction < 1:
        raise ProbeError("bad-fraction", f"A split takes a fraction between 0 and 1, not {fraction}.")
    total = math.floor(fraction * len(table) + 0.5)
    if not 0 < total < len(table):
        raise ProbeError(
            "empty-split",
            f"Splitting {len(table)} rows at {fraction} leaves one part empty.",
            "Keep more rows, or choose another share.",
        )
    groups = _groups(table, stratify)
    quotas = _quotas([len(group) for group in groups], total)
    chosen: set[int] = set()
    for group, quota in zip(groups, quotas, strict=True):
        chosen |= set(sorted(group, key=lambda index: _rank(seed, table.keys[index]))[:quota])
    first = [index for index in range(len(table)) if index in chosen]
    second = [index for index in range(len(table)) if index not in chosen]
    return table.take(first), table.take(second)


def shuffle(values: Sequence[Value], keys: Sequence[str], seed: int) -> list[Value]:
    """Permute values among the rows with these keys; which key gets whose value does not depend on row order."""
    by_key = sorted(range(len(keys)), key=lambda index: keys[index])
    by_rank = sorted(by_key, key=lambda index: _rank(seed, keys[index]))
    result = list(values)
    for target, source in zip(by_key, by_rank, strict=True):
        result[target] = values[source]
    return result


def _rank(seed: int, key: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{key}".encode(), digest_size=16).digest()


def _groups(table: Table, stratify: str | None) -> list[list[int]]:
    if stratify is None:
        return [list(range(len(table)))]
    groups: dict[str, list[int]] = {}
    for index, value in enumerate(table.column(stratify)):
        groups.setdefault(_spelled(value), []).append(index)
    return [groups[name] for name in sorted(groups)]


def _spelled(value: Any) -> str:
    return f"{type(value).__name__}:{value}"


def _quotas(sizes: list[int], total: int) -> list[int]:
    """Share a total in proportion to sizes, by largest remainder; ties go to the earlier group."""
    shares = [total * size / sum(sizes) for size in sizes]
    quotas = [math.floor(share) for share in shares]
    order = sorted(range(len(sizes)), key=lambda index: (quotas[index] - shares[index], index))
    for index in order[: total - sum(quotas)]:
        quotas[index] += 1
    return quotas
