"""A spec's text and where it came from: a file, standard input, or a string."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from .runtime.errors import ProbeError


@dataclass(frozen=True)
class SpecSource:
    """Hold a spec: `path` as it is shown, and `root`, the folder that its own paths are relative to."""

    path: str
    text: str
    root: Path

    @property
    def name(self) -> str:
        """The name of its results: the file's stem."""
        return Path(self.path).stem.strip("<>") or "spec"


def read_spec(path_or_text: str | PathLike[str]) -> SpecSource:
    """Read a spec: a string with a line break is its text, anything else is a path, and `-` is standard input.

    Raises ProbeError `spec-not-found` or `spec-not-text`.
    """
    if isinstance(path_or_text, str) and "\n" in path_or_text:
        return SpecSource("<text>", path_or_text, Path.cwd())
    if path_or_text == "-":
        return SpecSource("<stdin>", sys.stdin.read(), Path.cwd())
    path = Path(path_or_text)
    if not path.is_file():
        raise _not_found(path)
    return SpecSource(str(path), read_text(path), path.parent.resolve())


def read_text(path: Path) -> str:
    """Read a spec's text as UTF-8, line ends as they are; raises ProbeError `spec-not-text`."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text: byte {error.start} does not fit"
        raise ProbeError("spec-not-text", message, "a spec is a text file") from None


def _not_found(path: Path) -> ProbeError:
    if path.is_dir():
        specs = sorted(p.name for p in path.glob("*.probe"))
        return ProbeError("spec-not-found", f"{path} is a folder", f"it has {', '.join(specs) or 'no specs'}")
    from difflib import get_close_matches

    there = [p.name for p in path.parent.glob("*.probe")] if path.parent.is_dir() else []
    near = [n for n in (f"{path.name}.probe",) if n in there] or get_close_matches(path.name, there, 1)
    return ProbeError(
        "spec-not-found", f"there is no file {path}", f"did you mean {path.parent / near[0]}?" if near else None
    )
