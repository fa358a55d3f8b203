"""Row keys: a column's values, or a hash of what the row says.

Knows how to spell a row so that its hash depends on nothing but its content. Does not know tables.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import ProbeError


def content_keys(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Give each row 16 hexadecimal digits of its content's hash; the second like row gets `-2`, and so on."""
    seen: dict[str, int] = {}
    keys = []
    for row in rows:
        key = hashlib.blake2b(canonical_row(row).encode(), digest_size=8).hexdigest()
        seen[key] = seen.get(key, 0) + 1
        keys.append(key if seen[key] == 1 else f"{key}-{seen[key]}")
    return tuple(keys)


def column_keys(name: str, values: Sequence[Any]) -> tuple[str, ...]:
    """Take a column's values as keys; raises ProbeError when one is missing or stands twice."""
    keys: dict[str, int] = {}
    for number, value in enumerate(values, start=1):
        if value is None:
            raise ProbeError("missing-key", f"Row {number} has no value in the key column {name!r}.")
        key = str(value)
        if key in keys:
            raise ProbeError(
                "duplicate-key",
                f"Rows {keys[key]} and {number} have the same key {key!r} in column {name!r}.",
                "Choose a column whose values differ, or leave `key` out to key rows by content.",
            )
        keys[key] = number
    return tuple(keys)


def canonical_row(row: Mapping[str, Any]) -> str:
    """Spell a row's content; column order does not matter, nor whether `1` was read as 1, 1.0 or text."""
    return json.dumps({name: _plain(value) for name, value in row.items()}, sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return str(value)
