"""What ships: every folder with code is listed as a package, and every other file has a pattern that includes it."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS = ("grammar", "compiler", "runtime", "specs")
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]


def files() -> list[Path]:
    found = [f for part in (*PARTS, "probelang") for f in (ROOT / part).rglob("*") if f.is_file()]
    return [f for f in found if "__pycache__" not in f.parts]


def package(folder: Path) -> str:
    parts = folder.relative_to(ROOT).parts
    return ".".join(parts if parts[0] == "probelang" else ("probelang", *parts))


def folder(name: str) -> Path:
    parts = name.split(".")
    return ROOT.joinpath(*parts[1:]) if len(parts) > 1 and parts[1] in PARTS else ROOT.joinpath(*parts)


def test_every_folder_with_code_is_listed() -> None:
    found = {package(f.parent) for f in files() if f.suffix == ".py"}
    assert found <= set(CONFIG["packages"]), f"add to packages: {sorted(found - set(CONFIG['packages']))}"


def test_every_listed_package_is_there() -> None:
    folders = {package(f.parent) for f in files()}
    assert set(CONFIG["packages"]) <= folders, f"remove: {sorted(set(CONFIG['packages']) - folders)}"


def test_every_other_file_ships() -> None:
    patterns = CONFIG["package-data"]
    shipped: set[Path] = set()
    for name in CONFIG["packages"]:
        for pattern in (*patterns.get("*", ()), *patterns.get(name, ())):
            shipped.update(folder(name).glob(pattern))
    missed = sorted(str(f.relative_to(ROOT)) for f in files() if f.suffix != ".py" and f not in shipped)
    assert not missed


def test_every_part_is_mapped() -> None:
    mapping = CONFIG["package-dir"]
    assert mapping == {f"probelang.{part}": part for part in PARTS}


def test_the_links_stand_beside_the_facade() -> None:
    for part in PARTS:
        assert (ROOT / "probelang" / part / "__init__.py").is_file()
