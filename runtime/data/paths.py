"""Where a spec may read: files under its own folder, unless the reader of the spec allows more.

Knows paths. Does not know formats.
"""

import difflib
import os
from pathlib import Path

from ..errors import ProbeError


def locate(path: str | Path, *, root: str | Path, allow_outside: bool = False) -> Path:
    """Find a file named in a spec; raises ProbeError when it is missing or outside `root`, links followed."""
    base = Path(root).resolve()
    target = (base / path).resolve()
    if not allow_outside and not target.is_relative_to(base):
        raise ProbeError(
            "path-outside",
            f"{str(path)!r} is outside the folder of the spec.",
            "Move the file there, or allow it on the command line with --allow-outside.",
        )
    if not target.is_file():
        if target.is_dir():
            inside = ", ".join(sorted(p.name for p in target.iterdir() if p.is_file())[:8]) or "no files"
            raise ProbeError("file-not-found", f"{str(path)!r} is a folder.", f"It has {inside}.")
        raise ProbeError("file-not-found", f"There is no file {str(path)!r}.", _near(target, base))
    if not os.access(target, os.R_OK):
        raise ProbeError(
            "file-not-readable", f"{str(path)!r} cannot be read: permission denied.", "`chmod u+r` lets its owner."
        )
    return target


def _near(target: Path, base: Path) -> str | None:
    folder = target.parent
    if not folder.is_dir():
        return "Its folder does not exist either."
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    near = difflib.get_close_matches(target.name, names, n=3, cutoff=0.5)
    shown = [str((folder / name).relative_to(base)) if folder.is_relative_to(base) else name for name in near]
    return f"Did you mean {' or '.join(map(repr, shown))}?" if shown else None
