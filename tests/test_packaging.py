"""What ships: every folder with code is listed as a package, and every other file has a pattern that includes it."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS = ("grammar", "compiler", "runtime", "specs")
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]


def files() -> list[Path]:
    found = [f for part in PARTS for f in (ROOT / part).rglob("*") if f.is_file()]
    return [f for f in found if "__pycache__" not in f.parts]


def package(folder: Path) -> str:
    return "probelang." + ".".join(folder.relative_to(ROOT).parts)


def test_every_folder_with_code_is_listed() -> None:
    found = {"probelang", *(package(f.parent) for f in files() if f.suffix == ".py")}
    assert found <= set(CONFIG["packages"]), f"add to packages: {sorted(found - set(CONFIG['packages']))}"


def test_every_listed_package_is_there() -> None:
    folders = {"probelang", *(package(f.parent) for f in files())}
    assert set(CONFIG["packages"]) <= folders, f"remove: {sorted(set(CONFIG['packages']) - folders)}"


def test_every_other_file_ships() -> None:
    patterns = CONFIG["package-data"]
    shipped: set[Path] = set()
    for name in CONFIG["packages"]:
        folder = ROOT.joinpath(*name.split(".")[1:]) if name != "probelang" else ROOT / "probelang"
        for pattern in (*patterns.get("*", ()), *patterns.get(name, ())):
            shipped.update(folder.glob(pattern))
    missed = sorted(str(f.relative_to(ROOT)) for f in files() if f.suffix != ".py" and f not in shipped)
    assert not missed


def test_every_part_is_mapped() -> None:
    mapping = CONFIG["package-dir"]
    assert mapping == {f"probelang.{part}": part for part in PARTS}


def test_the_links_stand_beside_the_facade() -> None:
    for part in PARTS:
        assert (ROOT / "probelang" / part / "__init__.py").is_file()
