"""Checking specs in tests: the real catalogue, the library that ships, and texts of one's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from probelang.compiler import ir
from probelang.compiler.check import Checked, check
from probelang.compiler.signature import Catalogue

LIBRARY = Path(__file__).parent.parent / "specs"
SPECS = sorted(LIBRARY.rglob("*.probe"))
PROTOCOLS = sorted((LIBRARY / "protocols").glob("*.probe"))
RESULTS = ("direction", "statistic", "claim", "plot")


@cache
def catalogue() -> Catalogue:
    from probelang.runtime.registry import catalogue

    return catalogue()


def find(name: str, user: str) -> tuple[str, str] | list[str]:
    """A used spec, beside its user or in the library."""
    for path in (Path(user).parent / f"{name}.probe", LIBRARY / f"{name}.probe", LIBRARY / name):
        if path.is_file():
            return path.read_text("utf-8"), str(path)
    return [str(p.relative_to(LIBRARY).with_suffix("")) for p in SPECS]


def checked(text: str, path: str | Path = LIBRARY / "mine.probe", **params: str) -> Checked:
    return check(text, str(path), catalogue(), find, params)


def codes(text: str, **params: str) -> list[str]:
    return [d.code for d in checked(text, **params).problems]


def roots(c: Checked) -> list[tuple]:
    """What a spec computes: its results, by the keys of their nodes."""
    found = c.program.statements if c.program is not None else []
    return [(s.keyword, s.name, s.node.key) for s in found]


def results_declared(c: Checked) -> list[str]:
    return [s.name for s in c.spec.statements if isinstance(s, ir.Define) and s.keyword in RESULTS and not s.params]
