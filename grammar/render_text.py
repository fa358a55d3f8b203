"""Diagnostics for the terminal: the line, the place underlined, what to do. Knows nothing of what the messages mean."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from .diagnostics import Diagnostic, Label, Source

_TAB = "    "
# ANSI: red, yellow and cyan for the severities; blue for the margin; green for what would be new.
_STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "help": "1;36",
    "gutter": "1;34",
    "bold": "1",
    "new": "32",
}
_LONGEST = 8  # lines of a span that are shown


def render_text(
    diagnostics: Iterable[Diagnostic], source: Source, colour: bool = False, others: Iterable[Source] = ()
) -> str:
    """Write diagnostics as a terminal shows them, by place, and a last line that counts them.

    `others` are further files that labels point into; a label in a file that is not at hand shows its place only.
    """
    files = {s.path: s for s in (*others, source)}
    found = sorted(diagnostics, key=lambda d: (d.primary.path or source.path, d.order))
    found.sort(key=lambda d: d.primary.path not in (None, source.path))
    if not found:
        return ""
    blocks = [_Writer(files, source, colour).diagnostic(d) for d in found]
    return "\n\n".join([*blocks, summary(found)]) + "\n"


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """Count diagnostics in words: `3 errors, 1 warning`."""
    severities = [d.severity for d in diagnostics]
    counts = [(severities.count(s), s) for s in ("error", "warning", "note")]
    return ", ".join(f"{n} {s}{'s' if n > 1 else ''}" for n, s in counts if n)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A label on one line: from column to column as shown, 0-based."""

    start: int
    end: int
    text: str
    primary: bool


class _Writer:
    def __init__(self, files: dict[str, Source], source: Source, colour: bool) -> None:
        self.files, self.source, self.colour = files, source, colour

    def diagnostic(self, d: Diagnostic) -> str:
        blocks = self.blocks(d)
        shown = [last for path, labels in blocks for last in [self.last_line(path, labels)]]
        self.margin = len(str(max(shown, default=1)))
        self.severity = d.severity
        lines = [self.paint(f"{d.severity}[{d.code}]", d.severity) + self.paint(f": {_clean(d.message)}", "bold")]
        for i, (path, labels) in enumerate(blocks):
            lines += [self.gutter()] if i else []
            lines += self.block(path, labels, d.primary, arrow=":::" if i else "-->")
        if blocks and (d.help or d.replacement is not None):
            lines.append(self.gutter())
        if d.help:
            first, *more = _clean(d.help).split("\n")
            equals = self.paint(" " * self.margin + " = ", "gutter") + self.paint("help", "help")
            lines += [f"{equals}: {first}", *(" " * (self.margin + 9) + line for line in more)]
        if d.replacement is not None:
            lines += self.replaced(d)
        return "\n".join(lines)

    def blocks(self, d: Diagnostic) -> list[tuple[str, list[Label]]]:
        """Labels that are shown together: those on single lines of one file; a span of several lines stands alone."""
        blocks: list[tuple[str, list[Label]]] = []
        for label in (x for x in (d.primary, *d.secondary) if x.placed):
            path = label.path or (d.primary.path if label is not d.primary else None) or self.source.path
            together = [b for b in blocks if b[0] == path and not self.several_lines(path, label)]
            together = [b for b in together if not self.several_lines(path, b[1][0])]
            if together:
                together[0][1].append(label)
            else:
                blocks.append((path, [label]))
        return blocks

    def text_of(self, path: str, label: Label) -> str:
        return self.files[path].text[label.span.start : label.span.end].rstrip() if path in self.files else ""

    def several_lines(self, path: str, label: Label) -> bool:
        return "\n" in self.text_of(path, label)

    def last_line(self, path: str, labels: list[Label]) -> int:
        return max(label.span.line + self.text_of(path, label).count("\n") for label in labels)

    def block(self, path: str, labels: list[Label], primary: Label, arrow: str) -> list[str]:
        at = labels[0].span
        lines = [self.paint(" " * self.margin + arrow, "gutter") + f" {path}:{at.line}:{at.column}"]
        if path not in self.files:
            return lines + [f"{self.gutter()} {_clean(label.text)}" for label in labels if label.text]
        source = self.files[path]
        lines.append(self.gutter())
        if self.several_lines(path, labels[0]):
            return lines + self.bracketed(path, source, labels[0], labels[0] is primary)
        previous = None
        for number in sorted({label.span.line for label in labels}):
            if previous is not None and number > previous + 1:
                one_between = number == previous + 2
                lines.append(self.source_line(source, number - 1) if one_between else self.paint("...", "gutter"))
            previous = number
            lines.append(self.source_line(source, number))
            marks = [self.mark(source, label, label is primary) for label in labels if label.span.line == number]
            lines += [f"{self.gutter()} {row}" for row in self.underline(marks)]
        return lines

    def mark(self, source: Source, label: Label, primary: bool) -> _Mark:
        line, span = source.line(label.span.line), label.span
        start = _width(line[: span.column - 1])
        inside = line[span.column - 1 : span.column - 1 + max(1, span.end - span.start)]
        return _Mark(start, start + max(1, _width(inside)), _clean(label.text), primary)

    def underline(self, marks: list[_Mark]) -> list[str]:
        """Rows under a line: all underlines in one, the rightmost text beside it, the other texts below."""
        marks = sorted(marks, key=lambda m: (m.start, m.end))
        if any(b.start < a.end for a, b in zip(marks, marks[1:], strict=False)):
            return [row for mark in sorted(marks, key=lambda m: not m.primary) for row in self.underline([mark])]
        first, end = "", 0
        for mark in marks:
            sign = "^" if mark.primary else "-"
            first += " " * (mark.start - end) + self.paint(sign * (mark.end - mark.start), self.style(mark))
            end = mark.end
        rows = [f"{first} {self.paint(marks[-1].text, self.style(marks[-1]))}" if marks[-1].text else first]
        waiting = [m for m in marks[:-1] if m.text]
        while waiting:
            bars = self.at_columns([(m.start, "|", m) for m in waiting])
            last = waiting.pop()
            rows += [bars, self.at_columns([*((m.start, "|", m) for m in waiting), (last.start, last.text, last)])]
        return rows

    def at_columns(self, pieces: list[tuple[int, str, _Mark]]) -> str:
        row, end = "", 0
        for column, text, mark in pieces:
            row += " " * (column - end) + self.paint(text, self.style(mark))
            end = column + _width(text)
        return row

    def bracketed(self, path: str, source: Source, label: Label, primary: bool) -> list[str]:
        """A span of several lines, with a bracket to its left."""
        style = self.severity if primary else "gutter"
        first, last = label.span.line, self.last_line(path, [label])
        numbers = list(range(first, last + 1))
        if len(numbers) > _LONGEST:
            numbers = [*numbers[: _LONGEST - 3], None, *numbers[-2:]]
        lines = []
        for number in numbers:
            side = self.paint("/" if number == first else "|", style)
            if number is None:
                lines.append(self.paint("...".ljust(self.margin + 3), "gutter") + side)
            else:
                lines.append(self.source_line(source, number, side))
        covered = self.text_of(path, label).rsplit("\n", 1)[1]
        foot = "|" + "_" * max(1, _width(covered)) + ("^" if primary else "-")
        return [*lines, f"{self.gutter()} {self.paint(f'{foot} {_clean(label.text)}'.rstrip(), style)}"]

    def replaced(self, d: Diagnostic) -> list[str]:
        """The line as it would be with the replacement, the new text underlined."""
        path, span = d.primary.path or self.source.path, d.primary.span
        if path not in self.files or self.several_lines(path, d.primary) or "\n" in d.replacement:
            return []
        line = self.files[path].line(span.line)
        before, after = line[: span.column - 1], line[span.column - 1 + span.end - span.start :]
        shown = _show(before) + self.paint(_show(d.replacement), "new") + _show(after)
        number = self.paint(f"{span.line:>{self.margin}} ", "gutter") + self.paint("+", "new")
        return [f"{number} {shown}".rstrip()]

    def source_line(self, source: Source, number: int, side: str = "") -> str:
        text = _show(source.line(number))
        gutter = self.paint(f"{number:>{self.margin}} |", "gutter")
        return f"{gutter} {side} {text}".rstrip() if side else f"{gutter} {text}".rstrip()

    def gutter(self) -> str:
        return self.paint(" " * self.margin + " |", "gutter")

    def style(self, mark: _Mark) -> str:
        return self.severity if mark.primary else "gutter"

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and text else text


def _clean(text: str) -> str:
    """Replace characters that would steer a terminal."""
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") else "\ufffd" for c in text)


def _show(text: str) -> str:
    return _clean(text.replace("\t", _TAB))


def _width(text: str) -> int:
    """Columns that a text takes as shown."""
    return sum(_columns(c) for c in _show(text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
