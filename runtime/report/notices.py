"""Warnings in one shape, whether they come as diagnostics or as dicts, and the spec's own opening words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Notice:
    """A warning as a reader sees it; `line` is None where it belongs to no line."""

    code: str
    message: str
    line: int | None = None
    help: str | None = None

    @staticmethod
    def of(warning: Any) -> Notice:
        """Read a diagnostic (with a span), a mapping, or plain text."""
        if isinstance(warning, Notice):
            return warning
        if isinstance(warning, str):
            return Notice("", warning)
        if isinstance(warning, dict):
            return Notice(warning.get("code", ""), warning.get("message", ""), warning.get("line"), warning.get("help"))
        primary = getattr(warning, "primary", None)
        line = None if primary is None or primary.path else primary.span.line
        return Notice(warning.code, warning.message, line, warning.help)

    def plain(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"code": self.code, "message": self.message, "line": self.line, "help": self.help}


def opening(spec_text: str) -> str:
    """Return the comment that opens a spec, as one paragraph: its authors' abstract."""
    words = []
    for line in spec_text.splitlines():
        text = line.strip()
        if text.startswith("#"):
            words.append(text.lstrip("#").strip())
        elif words or (text and not text.startswith("probe ")):
            break
    return " ".join(w for w in words if w)
