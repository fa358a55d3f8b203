"""Where `use` looks: beside the file that uses, then in the library that ships. Never anywhere else unless allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .runtime.errors import ProbeError
from .source import read_text

LIBRARY = (Path(__file__).parent / "specs").resolve()
SUFFIX = ".probe"

Find = Callable[[str, str], "tuple[str, str] | list[str]"]


def finder(root: Path, *, allow_outside: bool = False) -> Find:
    """Make the function that finds used specs for the checker: (name, path of the using file) to (text, its path).

    What is not found gives the names that there are. A path that leaves `root` and the library raises ProbeError
    `path-outside` unless `allow_outside`.
    """
    root = root.resolve()

    def find(name: str, user: str) -> tuple[str, str] | list[str]:
        folder = Path(user).resolve().parent if Path(user).is_file() else root
        for base in (folder, LIBRARY):
            path = (base / (name if name.endswith(SUFFIX) else name + SUFFIX)).resolve()
            inside = path.is_relative_to(root) or path.is_relative_to(LIBRARY)
            if not path.is_file():
                continue
            if not inside and not allow_outside:
                raise ProbeError(
                    "path-outside",
                    f'use "{name}" leaves the folder of the spec',
                    "move the file there, or allow it with --allow-outside",
                )
            return read_text(path), str(path)
        beside = folder.glob(f"*{SUFFIX}")
        return [*sorted(p.stem for p in beside if p.resolve() != Path(user).resolve()), *library_names()]

    return find


def library_names() -> list[str]:
    """List the specs of the library as `use` names them."""
    return sorted(p.relative_to(LIBRARY).with_suffix("").as_posix() for p in LIBRARY.rglob(f"*{SUFFIX}"))
