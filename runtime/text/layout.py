"""Lays a filled prompt out as one text, with the characters of every segment and column.

Knows raw prompts, chats, models without a chat template, and system modes. Does not know tokens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ProbeError
from .chat import render_chat, tells_date
from .skeleton import place, search, skeleton
from .system_prompt import injected, without_system
from .template import Segment, SystemMode, Template, fill
from .tokenizer import Tokenizer


@dataclass(frozen=True)
class Mark:
    """A name on some characters of a text."""

    name: str
    start: int
    end: int

    def moved(self, by: int, low: int, high: int) -> "Mark":
        """Shift by some characters and clip to a range."""
        start = min(max(self.start + by, low), high)
        return replace(self, start=start, end=min(max(self.end + by, start), high))


@dataclass(frozen=True)
class Layout:
    """A prompt as one text; `injected` is a system text that the chat template wrote by itself."""

    text: str
    segments: tuple[Mark, ...]
    columns: tuple[Mark, ...]
    injected: Mark | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Message:
    role: str | None
    text: str
    segments: tuple[Mark, ...]
    columns: tuple[Mark, ...]


def lay_out(
    template: Template, row: Mapping[str, Any], tokenizer: Tokenizer, *, system: SystemMode | None, close: bool
) -> Layout:
    """Fill a template and lay it out as this model reads it; raises ProbeError when that cannot be done."""
    if not template.is_chat:
        return _joined([_message(None, template.prompt_segments, row)], "")
    segments, mode, system_name = _system(template, system)
    messages = [_message(run[0].role, run, row) for run in _runs(_numbered(segments))]
    if not messages:
        raise ProbeError("empty-prompt", f"{template.name!r} has no messages.")
    if not tokenizer.has_chat_template:
        written = [message for message in messages if message.text or message.role != "system"]
        note = "no-chat-template: this model has no chat template; it sees the messages joined by newlines"
        return replace(_joined(written, "\n"), notes=(note,))
    return _chat(tokenizer, messages, mode, system_name, close)


def _system(template: Template, override: SystemMode | None) -> tuple[list[Segment], SystemMode, str]:
    """Give the segments, the mode and the name of the system prompt; `empty` becomes a message without text."""
    declared = [segment for segment in template.prompt_segments if segment.role == "system"]
    others = [segment for segment in template.prompt_segments if segment.role != "system"]
    modes = [segment.text for segment in declared if isinstance(segment.text, SystemMode)]
    if modes and len(declared) > 1:
        message = f"`{modes[0].value}` must be the whole system prompt of {template.name!r}."
        raise ProbeError("misplaced-system-mode", message)
    mode = override or (modes[0] if modes else None)
    name = declared[0].name if declared else "system"
    if mode is None:
        return list(template.prompt_segments), SystemMode.DEFAULT, name
    if mode is SystemMode.EMPTY:
        return [Segment(name, "system", ""), *others], mode, name
    return others, mode, name


def _numbered(segments: Sequence[Segment]) -> list[Segment]:
    """Tell repeated turns apart: `user`, `user_2`, `user_3`."""
    counts: dict[str, int] = {}
    result = []
    for segment in segments:
        counts[segment.name] = counts.get(segment.name, 0) + 1
        count = counts[segment.name]
        result.append(segment if count == 1 else replace(segment, name=f"{segment.name}_{count}"))
    return result


def _runs(segments: Sequence[Segment]) -> list[list[Segment]]:
    runs: list[list[Segment]] = []
    for segment in segments:
        if runs and runs[-1][-1].role == segment.role:
            runs[-1].append(segment)
        else:
            runs.append([segment])
    return runs


def _message(role: str | None, segments: Sequence[Segment], row: Mapping[str, Any]) -> _Message:
    text = ""
    marks: list[Mark] = []
    columns: list[Mark] = []
    for segment in segments:
        filled = fill(str(segment.text), row)
        start = len(text)
        columns += [Mark(name, start + first, start + last) for name, first, last in filled.columns]
        text += filled.text
        marks.append(Mark(segment.name, start, len(text)))
    return _Message(role, text, tuple(marks), tuple(columns))


def _joined(messages: Sequence[_Message], separator: str) -> Layout:
    text = separator.join(message.text for message in messages)
    segments: list[Mark] = []
    columns: list[Mark] = []
    start = 0
    for message in messages:
        segments += [mark.moved(start, 0, len(text)) for mark in message.segments]
        columns += [mark.moved(start, 0, len(text)) for mark in message.columns]
        start += len(message.text) + len(separator)
    return Layout(text, tuple(segments), tuple(columns))


def _chat(
    tokenizer: Tokenizer, messages: Sequence[_Message], mode: SystemMode, system_name: str, close: bool
) -> Layout:
    roles = tuple(str(message.role) for message in messages)
    contents = [message.text for message in messages]
    answered = roles[-1] == "assistant"
    chunks = skeleton(tokenizer, roles, not answered)
    text = render_chat(tokenizer, list(zip(roles, contents, strict=True)), generation_prompt=not answered)
    places = place(text, chunks, contents)
    notes: list[str] = []
    exact = places is not None
    if places is None:
        notes.append("template-depends-on-text: the chat template changes with the text; segments were found by search")
        places = search(text, contents)
    if places is None:
        raise ProbeError("text-not-in-prompt", "The chat template rewrites the messages; segments cannot be found.")
    if answered and not close:
        text = text[: places[-1][1]]
    if tells_date(tokenizer.chat_template or ""):
        notes.append("fixed-date: the chat template asks for today's date and is always given 26 Jul 2024")
    system, shift = None, 0
    if exact and "system" not in roles:
        found = injected(tokenizer, roles, not answered)
        if mode is SystemMode.NONE:
            start = without_system(tokenizer, roles, not answered)
            shift = len(start) - len(chunks[0])
            text = start + text[len(chunks[0]) :]
        elif found is not None:
            system = Mark(system_name, found.start, found.end)
            notes.append(f"system-injected: the chat template adds {text[found.start : found.end]!r}")
    elif mode is SystemMode.NONE:
        raise ProbeError("system-block-stays", "The chat template changes with the text; no block can be cut out.")
    segments: list[Mark] = []
    columns: list[Mark] = []
    for message, (start, end, lead) in zip(messages, places, strict=True):
        segments += [mark.moved(start - lead + shift, start + shift, end + shift) for mark in message.segments]
        columns += [mark.moved(start - lead + shift, start + shift, end + shift) for mark in message.columns]
    return Layout(text, tuple(segments), tuple(columns), system, tuple(notes))
