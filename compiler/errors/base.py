"""How a message is put together: nearest names, lists, articles, and the diagnostic itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches

from ...grammar.diagnostics import Diagnostic, Label
from ...grammar.tree import Span


def near(word: str, names: Iterable[str], least: float = 0.6) -> str | None:
    """The name nearest to `word`, if any is near (`least` is the similarity asked for, 0 to 1)."""
    candidates = sorted(set(names))
    found = get_close_matches(word, candidates, 1, least) or get_close_matches(word.lower(), candidates, 1, least)
    return found[0] if found else None


def listed(names: Iterable[str], limit: int = 8) -> str:
    every = list(dict.fromkeys(names))
    return ", ".join(every[:limit]) + (f", … ({len(every) - limit} more)" if len(every) > limit else "")


def error(
    code: str,
    span: Span,
    message: str,
    label: str = "",
    help: str | None = None,
    second: tuple[Span | None, str] | None = None,
    replacement: str | None = None,
) -> Diagnostic:
    places = (Label(second[0], second[1]),) if second is not None and second[0] is not None else ()
    return Diagnostic(code, "error", message, Label(span, label), places, help, replacement)


def warning(
    code: str,
    span: Span,
    message: str,
    label: str = "",
    help: str | None = None,
    second: tuple[Span | None, str] | None = None,
) -> Diagnostic:
    places = (Label(second[0], second[1]),) if second is not None and second[0] is not None else ()
    return Diagnostic(code, "warning", message, Label(span, label), places, help)


def also_here(diagnostic: Diagnostic, span: Span) -> Diagnostic:
    """The diagnostic with one more place (three at most)."""
    more = (*diagnostic.secondary, Label(span, "also here"))
    return replace(diagnostic, secondary=more[:3])


def article(kind: str) -> str:
    if kind.startswith(("a ", "an ", "one of ")) or kind in (
        "prompts",
        "tokens",
        "items",
        "none",
        "paths",
        "weights",
        "generated prompts",
        "pooled tokens",
    ):
        return kind
    return ("an " if kind[0] in "aeiou" else "a ") + kind
