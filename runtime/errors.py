"""The one exception a user's mistake may raise while something runs."""


class ProbeError(Exception):
    """A mistake or a limit, said so that a reader can act on it.

    `code` is kebab-case and public; `message` says what is wrong and where; `help` says what to do.
    """

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


class NotYet(ProbeError):
    """A value that an earlier stage computes, asked for before that stage has run."""

    def __init__(self, operation: str) -> None:
        super().__init__("not-yet", f"`{operation}` has not been computed yet")
