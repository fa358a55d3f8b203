"""What the command line writes: results on standard output, everything else on standard error, colour only for eyes."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import rich.console

_STYLES = {"error": "1;31", "warning": "1;33", "help": "1;36", "good": "32", "bad": "31", "dim": "2", "bold": "1"}


@dataclass(frozen=True)
class Console:
    """Write to two streams; `colour` and `err_colour` say which of them show colour."""

    out: TextIO
    err: TextIO
    colour: bool
    err_colour: bool

    @staticmethod
    def of_terminal() -> Console:
        """Use the process's streams; colour follows NO_COLOR, FORCE_COLOR and whether a terminal reads."""
        return Console(sys.stdout, sys.stderr, _wants_colour(sys.stdout), _wants_colour(sys.stderr))

    def write(self, text: str) -> None:
        """Write a result to standard output."""
        self.out.write(text)

    def tell(self, text: str = "") -> None:
        """Write a line for the person at the terminal, to standard error."""
        self.err.write(f"{text}\n")

    def error(self, code: str, message: str, help: str | None = None) -> None:
        """Tell a mistake: `error[code]: message`, and what to do."""
        self.tell(self.paint(f"error[{code}]", "error", err=True) + self.paint(f": {message}", "bold", err=True))
        if help:
            self.tell("  " + self.paint("help", "help", err=True) + f": {help}")

    def paint(self, text: str, style: str, *, err: bool = False) -> str:
        """Colour a text if the stream shows colour."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if (self.err_colour if err else self.colour) else text

    def rich(self) -> rich.console.Console:
        """Give the rich console of standard output; 100 columns where no terminal tells its width."""
        from rich.console import Console as Rich

        width = None if self.out.isatty() or "COLUMNS" in os.environ else 100
        # without colours there is no bold either: what is bold is an escape sequence too
        system = "auto" if self.colour else None
        return Rich(
            file=self.out, color_system=system, force_terminal=self.colour or None, width=width, highlight=False
        )


def _wants_colour(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
