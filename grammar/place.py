"""Where parsing stopped, and what is said of it: the two ends of every rule in `slips`."""

from __future__ import annotations

import re
from dataclasses import dataclass

VALUES = frozenset({"NAME", "NUMBER", "STRING", "LPAR", "LSQB"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where parsing stopped. Offsets are those of `piece`; `bare` is `piece` with texts and comments blanked."""

    piece: str
    bare: str
    at: int
    found: str  # the word or sign there, or the last one if the piece is at its end
    before: str  # of `bare`, without the spaces before `at`
    after: str
    allowed: frozenset[str]  # the terminals that could stand here
    opener: str  # the keyword of the statement, "" before the first
    open: int | None  # offset of the innermost open bracket
    ended: bool

    @property
    def bracket(self) -> str:
        return "" if self.open is None else self.bare[self.open]

    @property
    def value_due(self) -> bool:
        return VALUES <= self.allowed

    @property
    def operator_due(self) -> bool:
        return bool(self.allowed & {"PLUS_MINUS", "COMPARE", "OR", "AND"}) and "NAME" not in self.allowed

    @property
    def name_due(self) -> bool:
        return "NAME" in self.allowed and "STRING" not in self.allowed

    @property
    def after_value(self) -> bool:
        """Whether a value has just ended: the parser may have closed it, and then lists no operators."""
        return (
            not self.value_due
            and not self.name_due
            and bool(re.search(r"[\w\"')\]]$", self.before))
            and (self.operator_due or "KIND" in self.allowed or self.bracket in ("(", "["))
        )

    @property
    def new_line(self) -> bool:
        return "\n" in self.bare[len(self.before) : self.at]

    @property
    def last(self) -> str:
        """The word or sign before."""
        found = re.search(r"\w+$|\S$", self.before)
        return found.group() if found else ""

    @property
    def is_word(self) -> bool:
        return self.found[:1].isalpha() or self.found[:1] == "_"


@dataclass(frozen=True, slots=True)
class Words:
    """What is said: `at`, `length` move the underlined place, `second` is the offset of a bracket it is about."""

    message: str
    help: str | None = None
    replacement: str | None = None
    label: str = ""
    at: int | None = None
    length: int | None = None
    second: int | None = None
