"""The `probe` command: finds the subcommand, runs it, and turns what goes wrong into a message and an exit code.

Exit codes: 0 done; 1 errors or findings; 2 wrong usage; 3 the spec needs an operation that does not run yet;
130 interrupted. 101 is a bug of probelang itself.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from threading import current_thread, main_thread
from types import FrameType

from .. import __version__
from .commands import COMMANDS
from .console import Console
from .failures import bug, closed_pipe, interrupted, mistake
from .usage import Parser, overview


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; `argv` is without the program's name."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    console = Console.of_terminal()
    _heard.clear()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler and current_thread() is main_thread():
        signal.signal(signal.SIGINT, _hear)
    try:
        code = _dispatch(arguments, console)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return closed_pipe()
    except KeyboardInterrupt:
        return interrupted(console, arguments)
    except SystemExit as stop:  # argparse ends so, after it has printed
        return stop.code if isinstance(stop.code, int) else 2


def _dispatch(arguments: list[str], console: Console) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        if len(arguments) > 1 and arguments[1] in COMMANDS:
            return _dispatch([arguments[1], "--help"], console)
        console.write(overview(COMMANDS))
        return 0
    if arguments[0] in ("-V", "--version"):
        console.write(f"probe {__version__}\n")
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        return _unknown(name, console)
    command = import_module(f".commands.{name}", __package__)
    parser = Parser(prog=f"probe {name}", description=command.__doc__)
    command.configure(parser)
    options = parser.parse_intermixed_args(arguments[1:])  # names may stand behind options
    return _guarded(command.main, options, console)


def _guarded(command, options, console: Console) -> int:
    if os.environ.get("PROBELANG_DEBUG"):
        return command(options, console)
    from ..runtime.errors import ProbeError

    try:
        return command(options, console)
    except ProbeError as error:
        return mistake(error, console)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        return mistake(
            ProbeError("file-error", f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")), console
        )
    except Exception as error:  # the last resort: a bug is told as one, with its traceback kept
        if _heard:
            raise KeyboardInterrupt from error
        return bug(error, console)


_heard: list[int] = []


def _hear(number: int, frame: FrameType | None) -> None:
    """Note Ctrl-C: libraries that are interrupted while they are imported make errors of their own of it."""
    _heard.append(number)
    signal.default_int_handler(number, frame)


def _unknown(name: str, console: Console) -> int:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, 1)
    if name.endswith(".probe"):
        hint = f"did you mean `probe run {name}` or `probe check {name}`?"
    else:
        hint = f"did you mean `probe {near[0]}`?" if near else "`probe --help` lists the commands"
    console.error("unknown-command", f"there is no command `{name}`", hint)
    return 2
