"""A small document printer after Wadler: what may break, where, and how far in. Knows nothing of the language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A space (or `flat`) where the enclosing group stays on one line, else a line break."""

    flat: str = " "


@dataclass(frozen=True, slots=True)
class HardLine:
    """A line break that also breaks every group around it."""


@dataclass(frozen=True, slots=True)
class Note:
    """A comment that trails the current line; its width does not count."""

    text: str


@dataclass(frozen=True, slots=True)
class Cat:
    parts: tuple[Doc, ...]


@dataclass(frozen=True, slots=True)
class Nest:
    """Line breaks inside go `by` columns further in."""

    doc: Doc
    by: int = 2


@dataclass(frozen=True, slots=True)
class Group:
    """On one line if it fits, else every `Line` directly inside breaks."""

    doc: Doc


@dataclass(frozen=True, slots=True)
class Fill:
    """Contents with a `Line` between them; each breaks only if the next content does not fit.

    What follows the first content goes `by` columns further in.
    """

    contents: tuple[Doc, ...]
    by: int = 0


@dataclass(frozen=True, slots=True)
class WhenBroken:
    """`broken` in a group that breaks, else `flat`."""

    broken: str
    flat: str = ""


@dataclass(frozen=True, slots=True)
class _FillRest:
    contents: tuple[Doc, ...]


Doc = str | Line | HardLine | Note | Cat | Nest | Group | Fill | WhenBroken | _FillRest


@dataclass(slots=True)
class Row:
    """A printed line: its code, and the comment that trails it."""

    code: str = ""
    note: str = ""


def cat(*parts: Doc) -> Cat:
    return Cat(parts)


def join(separator: Doc, docs: list[Doc]) -> Cat:
    """Put `separator` between the documents."""
    parts: list[Doc] = []
    for doc in docs:
        parts += [separator, doc] if parts else [doc]
    return Cat(tuple(parts))


def lay_out(doc: Doc, width: int) -> list[Row]:
    """Print a document to rows of at most `width` columns where its breaks allow."""
    rows = [Row()]
    indent_due = 0
    todo: list[tuple[int, bool, Doc]] = [(0, False, doc)]  # indentation, flat, document
    while todo:
        indent, flat, doc = todo.pop()
        match doc:
            case str():
                if not doc:
                    continue
                first, *more = (" " * indent_due + doc).split("\n")
                indent_due = 0
                rows[-1].code += first
                rows += [Row(line) for line in more]
            case Line() if flat:
                rows[-1].code += doc.flat
            case Line() | HardLine():
                rows.append(Row())
                indent_due = indent
            case Note():
                rows[-1].note = doc.text
            case Cat():
                todo += [(indent, flat, part) for part in reversed(doc.parts)]
            case Nest():
                todo.append((indent + doc.by, flat, doc.doc))
            case Group():
                left = width - len(rows[-1].code) - indent_due
                todo.append((indent, flat or _fits(doc.doc, todo, left), doc.doc))
            case WhenBroken():
                todo.append((indent, flat, doc.flat if flat else doc.broken))
            case Fill(contents=()) | _FillRest(contents=()):
                pass
            case Fill():
                left = width - len(rows[-1].code) - indent_due
                rest = _FillRest(doc.contents[1:])
                todo.append((indent + doc.by, flat, rest))
                todo.append((indent, flat or _fits(doc.contents[0], todo, left, True), doc.contents[0]))
            case _FillRest():
                left = width - len(rows[-1].code) - indent_due
                todo.append((indent, flat, _FillRest(doc.contents[1:])))
                same_line = flat or _fits(cat(Line(), doc.contents[0]), todo, left, True)
                todo.append((indent, flat, Group(doc.contents[0])))
                todo.append((indent, same_line, Line()))
    return rows


def _fits(doc: Doc, after: list[tuple[int, bool, Doc]], left: int, breaks_in_text: bool = False) -> bool:
    """Whether `doc` on one line, with what follows it up to the next line break, fits into `left` columns.

    A text with line breaks of its own does not, unless `breaks_in_text`: then its first line must.
    """
    todo: list[tuple[bool, Doc]] = [(True, doc)]
    following = len(after)
    flat = True
    while left >= 0:
        if todo:
            flat, doc = todo.pop()
        elif following:
            following -= 1
            _, flat, doc = after[following]
        else:
            return True
        match doc:
            case str():
                if "\n" in doc:
                    return (breaks_in_text or following < len(after)) and left >= doc.index("\n")
                left -= len(doc)
            case Line():
                if not flat:
                    return True
                left -= len(doc.flat)
            case HardLine():
                return following < len(after)
            case Cat():
                todo += [(flat, part) for part in reversed(doc.parts)]
            case Nest() | Group():
                todo.append((flat, doc.doc))
            case WhenBroken():
                left -= len(doc.flat if flat else doc.broken)
            case Fill():
                todo.append((flat, join(Line(), list(doc.contents))))
            case _FillRest():
                if doc.contents:
                    todo.append((flat, join(Line(), ["", *doc.contents])))
            case Note():
                pass
    return False
