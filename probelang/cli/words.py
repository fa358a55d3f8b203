"""Sizes and times in a few characters."""

from __future__ import annotations

import time

STEPS = ((86400 * 365, "year"), (86400 * 30, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))


def bytes_(count: int) -> str:
    """A number of bytes: 812 B, 38 KB, 1.2 GB."""
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 9.95 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def ago(then: float, now: float | None = None) -> str:
    """A time (seconds since 1970) as seen from now: just now, 5 minutes ago, 2 days ago."""
    since = (time.time() if now is None else now) - then
    for length, name in STEPS:
        if since >= length:
            count = int(since // length)
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"
