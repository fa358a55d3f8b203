"""Diagnostics for other programs: JSON, and GitHub's workflow commands. The terminal's form is in `render_text`."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .diagnostics import Diagnostic, Label, Source
from .render_text import render_text, summary

__all__ = ["render_github", "render_json", "render_text", "summary"]

FORMAT_VERSION = 1
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render_json(diagnostics: Iterable[Diagnostic], source: Source, others: Iterable[Source] = ()) -> str:
    """Write `{"format_version": 1, "diagnostics": [...]}`.

    Lines and columns count from 1, offsets from 0, all in characters; the end is the first character outside. What is
    wrong on the command line has no place: its range is null.
    """
    files = {s.path: s for s in (*others, source)}
    items = [
        {
            "code": d.code,
            "severity": d.severity,
            "message": d.message,
            **_place(d.primary, source.path, files),
            "label": d.primary.text or None,
            "secondary": [
                {**_place(label, d.primary.path or source.path, files), "label": label.text or None}
                for label in d.secondary
            ],
            "help": d.help,
            "replacement": d.replacement,
        }
        for d in sorted(diagnostics, key=lambda d: d.order)
    ]
    return json.dumps({"format_version": FORMAT_VERSION, "diagnostics": items}, ensure_ascii=False, indent=2) + "\n"


def render_github(diagnostics: Iterable[Diagnostic], source: Source, others: Iterable[Source] = ()) -> str:
    """Write one workflow command per diagnostic, which GitHub shows beside the line."""
    files = {s.path: s for s in (*others, source)}
    lines = []
    for d in sorted(diagnostics, key=lambda d: d.order):
        place = _place(d.primary, source.path, files)
        fields = {"file": place["path"], "title": d.code}
        if place["range"] is not None:
            start, end = place["range"]["start"], place["range"]["end"]
            fields = {"file": place["path"], "line": start["line"], "col": start["column"], "endLine": end["line"],
                      "endColumn": end["column"], "title": d.code}  # fmt: skip
        properties = ",".join(f"{name}={_escape(str(value), ':,')}" for name, value in fields.items())
        text = "\n".join(t for t in (d.message, d.primary.text, d.help and f"help: {d.help}") if t)
        lines.append(f"::{_COMMANDS[d.severity]} {properties}::{_escape(text)}\n")
    return "".join(lines)


def _place(label: Label, path: str, files: dict[str, Source]) -> dict:
    span, path = label.span, label.path or path
    if not label.placed:
        return {"path": path, "range": None}
    inside = files[path].text[span.start : span.end] if path in files else ""
    broken = inside.count("\n")
    end_column = len(inside) - inside.rfind("\n") if broken else span.column + span.end - span.start
    start = {"line": span.line, "column": span.column, "offset": span.start}
    end = {"line": span.line + broken, "column": end_column, "offset": span.end}
    return {"path": path, "range": {"start": start, "end": end}}


def _escape(text: str, more: str = "") -> str:
    for char in "%\r\n" + more:
        text = text.replace(char, f"%{ord(char):02X}")
    return text
