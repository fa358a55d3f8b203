"""What becomes of a trap, in five ways; `traps.py` says which."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trap:
    section: str
    what: str
    how: str
    where: str  # a code, a test, an option, or a reason
    spec: str = ""


TRAPS: list[Trap] = []


def _add(section: str, how: str, *rows: tuple[str, ...]) -> None:
    TRAPS.extend(Trap(section, row[0], how, *row[1:]) for row in rows)


def check(section: str, *rows: tuple[str, ...]) -> None:
    _add(section, "check", *rows)


def built(section: str, *rows: tuple[str, str]) -> None:
    _add(section, "built", *rows)


def default(section: str, *rows: tuple[str, str]) -> None:
    _add(section, "default", *rows)


def second(section: str, *rows: tuple[str, str]) -> None:
    _add(section, "second", *rows)


def open_(section: str, *rows: tuple[str, str]) -> None:
    _add(section, "open", *rows)
