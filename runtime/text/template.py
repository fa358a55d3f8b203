"""Prompts as written: named segments with `{column}` placeholders, filled from a row.

Knows segments, roles and placeholders. Does not know chat templates or tokens.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from ..errors import ProbeError

ROLES = ("system", "user", "assistant", "tool")
# Segments that say what is measured; they are not part of the prompt.
TARGETS = ("answer", "wrong")

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{\s*([^\W\d]\w*)\s*\}|[{}]")


class SystemMode(Enum):
    """The three meanings of "no system prompt"."""

    DEFAULT = "default"
    EMPTY = "empty"
    NONE = "none"


@dataclass(frozen=True)
class Segment:
    """One named part of a prompt; `role` is None for raw text."""

    name: str
    role: str | None
    text: str | SystemMode

    def __post_init__(self) -> None:
        if self.role is not None and self.role not in ROLES:
            raise ProbeError("unknown-role", f"{self.role!r} is not a role.", f"The roles are {', '.join(ROLES)}.")
        if isinstance(self.text, SystemMode) and self.role != "system":
            message = f"`{self.text.value}` is a value for a system segment, not for {self.name!r}."
            raise ProbeError("misplaced-system-mode", message)

    @property
    def is_target(self) -> bool:
        """Whether this is what a measure looks for, and not part of the prompt."""
        return self.role is None and self.name in TARGETS


@dataclass(frozen=True)
class Template:
    """A prompt before its placeholders are filled."""

    name: str
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        kinds = {segment.role is not None for segment in self.prompt_segments}
        if len(kinds) > 1:
            raise ProbeError(
                "mixed-segments",
                f"{self.name!r} mixes raw segments with chat messages.",
                "Give every part a role (`user.body: …`), or none.",
            )
        seen: set[str] = set()
        for segment in self.segments:
            if segment.name in seen and segment.name != segment.role:
                raise ProbeError("duplicate-segment", f"{self.name!r} has two segments named {segment.name!r}.")
            seen.add(segment.name)

    @property
    def prompt_segments(self) -> tuple[Segment, ...]:
        """The segments that are part of the prompt."""
        return tuple(segment for segment in self.segments if not segment.is_target)

    @property
    def is_chat(self) -> bool:
        return any(segment.role is not None for segment in self.prompt_segments)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the placeholders name, each once, in order."""
        texts = [segment.text for segment in self.segments if isinstance(segment.text, str)]
        return tuple(dict.fromkeys(name for text in texts for name, _ in _pieces(text) if name is not None))


@dataclass(frozen=True)
class Filled:
    """A text with its placeholders replaced, and where each column's value stands in it."""

    text: str
    columns: tuple[tuple[str, int, int], ...]


def fill(text: str, row: Mapping[str, Any]) -> Filled:
    """Replace `{column}` by the row's value and doubled braces by single ones; raises ProbeError without a value."""
    parts: list[str] = []
    columns: list[tuple[str, int, int]] = []
    length = 0
    for name, literal in _pieces(text):
        value = literal if name is None else as_text(name, _lookup(name, row))
        if name is not None:
            columns.append((name, length, length + len(value)))
        parts.append(value)
        length += len(value)
    return Filled("".join(parts), tuple(columns))


def as_text(name: str, value: Any) -> str:
    """Spell a value as it stands in a prompt; booleans as `true` and `false`."""
    if value is None:
        message = f"The column {name!r} has no value in this row."
        raise ProbeError("missing-value", message, "Drop such rows with keep(...), or give them a value.")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@lru_cache(maxsize=1024)
def _pieces(text: str) -> tuple[tuple[str | None, str], ...]:
    pieces: list[tuple[str | None, str]] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        pieces.append((None, text[end : match.start()]))
        end = match.end()
        found = match.group()
        if found in ("{{", "}}"):
            pieces.append((None, found[0]))
        elif match.group(1) is None:
            raise ProbeError(
                "bad-placeholder",
                f"A lone {found!r} stands in {_around(text, match.start())}.",
                "Placeholders are {column}; a literal brace is written twice.",
            )
        else:
            pieces.append((match.group(1), ""))
    pieces.append((None, text[end:]))
    return tuple(piece for piece in pieces if piece != (None, ""))


def _around(text: str, index: int) -> str:
    return repr(text[max(0, index - 20) : index + 20])


def _lookup(name: str, row: Mapping[str, Any]) -> Any:
    if name in row:
        return row[name]
    near = difflib.get_close_matches(name, list(row), n=1)
    help = f"Did you mean {near[0]!r}?" if near else f"The columns are {', '.join(row) or 'none'}."
    raise ProbeError("unknown-column", f"There is no column {name!r}.", help)
