"""From the text of a spec to its IR, as the command line does it, and on to the interpreter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from probelang import specs
from probelang.compiler.check import Checked, check
from probelang.runtime.registry import catalogue

from .interpreter import interpret

LIBRARY = Path(specs.__file__).parent


def find(name: str, used_by: str) -> tuple[str, str] | list[str]:
    """The text and path of a used spec: beside the one that uses it, or of the library."""
    for candidate in (Path(used_by).parent / f"{name}.probe", LIBRARY / f"{name}.probe"):
        if candidate.is_file():
            return candidate.read_text(), str(candidate)
    return [str(p.relative_to(LIBRARY).with_suffix("")) for p in LIBRARY.rglob("*.probe")]


def checked(text: str, root: str | Path = ".") -> Checked:
    """Check a text as if it stood in a file under `root`."""
    return check(text, str(Path(root) / "spec.probe"), catalogue(), find)


def interpret_text(
    text: str, root: str | Path = ".", params: Mapping[str, object] | None = None
) -> dict[str, list[dict]]:
    """Check a text, which must have no errors, and interpret it."""
    found = checked(text, root)
    assert not found.errors, [(d.code, d.message) for d in found.errors]
    return interpret(found.spec, root, params)
