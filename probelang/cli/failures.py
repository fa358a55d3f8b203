"""How the command line ends when something goes wrong: in words, with an exit code, and never with a bare traceback."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from shlex import join
from typing import TYPE_CHECKING

from .console import Console

if TYPE_CHECKING:
    from ..runtime.errors import ProbeError

ERRORS, USAGE, PLANNED, BUG, INTERRUPTED = 1, 2, 3, 101, 130


def mistake(error: ProbeError, console: Console) -> int:
    """Tell a mistake of the user, or a limit of what there is."""
    where = "" if error.line is None else f"line {error.line}: "
    console.error(error.code, where + error.message, error.help)
    return PLANNED if error.code == "planned" else ERRORS


def bug(error: Exception, console: Console) -> int:
    """Tell a bug of our own, and keep its traceback in a file."""
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="probe-bug-", suffix=".txt", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    text = str(error).strip().split("\n", 1)[0]
    console.error("bug", f"this is a bug in probelang: {type(error).__name__}{f': {text}' if text else ''}")
    console.tell(f"  the traceback is in {file.name}; PROBELANG_DEBUG=1 prints it")
    return BUG


def interrupted(console: Console, arguments: Sequence[str]) -> int:
    """Say that Ctrl-C was heard, and after a run how to go on: what was finished is in the store."""
    console.tell("\ninterrupted")
    if arguments[:1] == ["run"] and "--no-store" in arguments:
        console.tell("nothing was kept, because of --no-store")
    elif arguments[:1] == ["run"]:
        console.tell(f"what was finished is kept; the same command goes on from there:\n  probe {join(arguments)}")
    return INTERRUPTED


def closed_pipe() -> int:
    """End quietly when the reader of a pipe has gone, as `head` does."""
    # the interpreter flushes at exit, and would complain about the closed pipe again
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
