"""The one exception a user's mistake may raise while something runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ProbeError(Exception):
    """A mistake or a limit, said so that a reader can act on it.

    `code` is kebab-case and public; `message` says what is wrong and where; `help` says what to do. `about` is the key
    of the node that it came up in, and `line` that of the statement that needs it, where these are known.
    """

    about: str | None = None
    line: int | None = None

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


class NotYet(ProbeError):
    """A value that an earlier stage computes, asked for before that stage has run."""

    def __init__(self, operation: str) -> None:
        super().__init__("not-yet", f"`{operation}` has not been computed yet")


@contextmanager
def about(key: str) -> Iterator[None]:
    """Note on errors that come up inside which node they are about, unless one nearer to them is noted."""
    try:
        yield
    except ProbeError as error:
        error.about = error.about or key
        raise
