"""Dependencies point one way: grammar, compiler, runtime; only runtime knows torch, and the facade knows all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "grammar": {"grammar"},
    "compiler": {"grammar", "compiler"},
    "runtime": {"grammar", "compiler", "runtime", "specs"},
    "specs": {"specs"},
    "probelang": {"grammar", "compiler", "runtime", "specs", "probelang"},
}
MODEL_LIBRARIES = {"torch", "transformers", "nnsight", "safetensors", "tokenizers", "accelerate", "datasets"}
FILES = sorted(
    path
    for part in MAY_IMPORT
    for path in (ROOT / part).rglob("*.py")
    if not any(parent.is_symlink() for parent in path.parents)
)


def imports(path: Path) -> list[tuple[int, str]]:
    """The line and the full name of every module that a file imports, also inside functions."""
    inside = path.relative_to(ROOT).with_suffix("").parts
    package = (() if inside[0] == "probelang" else ("probelang",)) + inside[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_layers(path: Path) -> None:
    part = path.relative_to(ROOT).parts[0]
    for line, name in imports(path):
        first, *rest = name.split(".")
        if first == "probelang":
            layer = rest[0] if rest and rest[0] in MAY_IMPORT else "probelang"
            assert layer in MAY_IMPORT[part], f"{path.name}:{line}: {part} imports {name}"
        elif part != "runtime":
            assert first not in MODEL_LIBRARIES, f"{path.name}:{line}: only runtime imports {first}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_our_own_are_imported_relatively(path: Path) -> None:
    if path.relative_to(ROOT).parts[0] == "probelang":
        return
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        assert not any(name.split(".")[0] == "probelang" for name in names), f"{path.name}:{node.lineno}"


def test_the_rules_see_imports() -> None:
    assert any(name.endswith("diagnostics.Diagnostic") for _, name in imports(ROOT / "grammar" / "format.py"))
    assert all(name != "probelang.runtime" for _, name in imports(ROOT / "grammar" / "parse.py"))
