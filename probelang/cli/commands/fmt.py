"""Format specs in place; with `-`, from standard input to standard output.

probe fmt framing.probe specs/
probe fmt --check .          exit 1 if a file would change
probe fmt --diff framing.probe
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from ...source import read_spec, read_text
from ..console import Console
from ..failures import ERRORS


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe fmt`."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, folders, or - for standard input")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if something would change")
    parser.add_argument("--diff", action="store_true", help="change nothing; show what would change")


def main(options: argparse.Namespace, console: Console) -> int:
    """Format what was named."""
    if options.paths == ["-"] and not (options.check or options.diff):
        text = sys.stdin.read()
        formatted = _formatted("<stdin>", text, console)
        console.write(text if formatted is None else formatted)
        return ERRORS if formatted is None else 0
    broken = changed = 0
    for path, text in _files(options.paths):
        formatted = _formatted(str(path), text, console)
        if formatted is None:
            broken += 1
        elif formatted != text:
            changed += 1
            _act(path, text, formatted, options, console)
    dry = options.check or options.diff
    if changed:
        console.tell(
            f"{changed} file{'s' if changed > 1 else ''} {'would be' if dry else ''} formatted".replace("  ", " ")
        )
    return ERRORS if broken or (changed and dry) else 0


def _files(paths: list[str]) -> list[tuple[Path, str]]:
    found: dict[Path, str] = {}
    for name in paths:
        path = Path(name)
        if name == "-":
            found[Path("<stdin>")] = sys.stdin.read()
        elif path.is_dir():
            inside = (
                p
                for p in sorted(path.rglob("*.probe"))
                if not any(part.startswith(".") for part in p.relative_to(path).parts)
            )
            found |= {p: read_text(p) for p in inside}
        else:
            found[path] = read_spec(path).text
    return list(found.items())


def _formatted(path: str, text: str, console: Console) -> str | None:
    from ...grammar.format import NotFormatted, format

    try:
        return format(text)
    except NotFormatted as problem:
        from ...grammar.diagnostics import Source
        from ...grammar.render_text import render_text

        console.err.write(render_text(problem.diagnostics, Source(path, text), console.err_colour))
        return None


def _act(path: Path, text: str, formatted: str, options: argparse.Namespace, console: Console) -> None:
    if options.diff:
        from difflib import unified_diff

        before, after = text.splitlines(keepends=True), formatted.splitlines(keepends=True)
        console.write("".join(unified_diff(before, after, str(path), f"{path} (formatted)")))
    elif options.check:
        console.write(f"{path}\n")
    else:
        _replace(path, formatted)
        console.tell(f"formatted {path}")


def _replace(path: Path, text: str) -> None:
    """Write beside the file and move, so that a spec is never half written."""
    real = path.resolve()
    with tempfile.NamedTemporaryFile("wb", dir=real.parent, prefix=".probe-fmt-", delete=False) as file:
        file.write(text.encode())
    os.chmod(file.name, real.stat().st_mode & 0o7777)
    os.replace(file.name, real)
