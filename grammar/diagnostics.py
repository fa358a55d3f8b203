"""A diagnostic is a value: code, severity, message, the place, further places and a fix. Renderers are beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .tree import NOWHERE, Span

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Label:
    """A place in a file with what is to be said about it."""

    span: Span
    text: str = ""
    path: str | None = None  # another file than the diagnostic's own

    @property
    def placed(self) -> bool:
        """Whether it stands in a file at all: what the command line gives does not."""
        return self.span != NOWHERE


@dataclass(frozen=True)
class Diagnostic:
    """One problem. `message` alone must make sense; `primary.text` stands under the underlined place.

    `help` says what to do; `replacement`, where there is one, is the text that would stand at the primary span.
    """

    code: str
    severity: Severity
    message: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    help: str | None = None
    replacement: str | None = None

    @property
    def order(self) -> tuple[int, int, str]:
        return (self.primary.span.start, 0 if self.severity == "error" else 1, self.code)


@dataclass(frozen=True)
class Source:
    """A file's name and text."""

    path: str
    text: str

    def line(self, number: int) -> str:
        """Give a line without its end; lines count from 1, and end at `\\n` only, as spans do."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""
