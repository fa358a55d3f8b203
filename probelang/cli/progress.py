"""Progress of a run on standard error: one line that is rewritten in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
import time

from .console import Console

OFTEN, SELDOM = 0.1, 30.0  # seconds between lines in a terminal, and in a log


class Progress:
    """A context in which a run may say how far it is: `progress(what, done, total)`."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self.console = console
        self.quiet = quiet
        self.live = console.err.isatty() and os.environ.get("TERM") != "dumb"
        self.started: dict[str, float] = {}
        self.last = time.monotonic()
        self.shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def __call__(self, what: str, done: int = 0, total: int | None = None) -> None:
        """Say that `done` of `total` steps of `what` are done; cheap enough to be called for every batch."""
        now = time.monotonic()
        start = self.started.setdefault(what, now)
        if self.quiet or now - self.last < (OFTEN if self.live else SELDOM):
            return
        self.last = now
        line = _line(what, done, total, now - start)
        if self.live:
            self.console.err.write(f"\r\x1b[2K{line}")
            self.console.err.flush()
            self.shown = True
        else:
            self.console.tell(line)

    def _clear(self) -> None:
        if self.shown:
            self.console.err.write("\r\x1b[2K")
            self.console.err.flush()


def _line(what: str, done: int, total: int | None, seconds: float) -> str:
    if not total:
        return f"{what} …"
    left = f", {_spoken(seconds / done * (total - done))} left" if done and seconds > 1 else ""
    return f"{what}: {done} of {total} ({100 * done // total} %{left})"


def _spoken(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
