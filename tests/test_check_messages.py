"""Likely mistakes, and what is said about them. `python -m tests.test_check_messages` writes the golden file anew."""

from __future__ import annotations

from pathlib import Path

from probelang.grammar.diagnostics import Source
from probelang.grammar.render_text import render_text

from .helpers_check import checked

BAD = Path(__file__).parent / "bad"
EXPECTED = BAD / "expected.txt"


def rendered() -> str:
    """The messages of all bad specs. Warnings of what a spec does not use are left out: these are all but one line."""
    parts = []
    for path in sorted(BAD.glob("*.probe")):
        text = path.read_text("utf-8")
        problems = [d for d in checked(text, path).problems if d.code != "unused"]
        parts.append(f"==== {path.stem}\n\n{render_text(problems, Source(path.name, text))}")
    return "\n".join(parts)


def test_messages() -> None:
    assert rendered() == EXPECTED.read_text("utf-8")


def test_every_bad_spec_is_reported() -> None:
    for path in BAD.glob("*.probe"):
        assert [d for d in checked(path.read_text("utf-8"), path).problems if d.code != "unused"], path.stem


if __name__ == "__main__":
    EXPECTED.write_text(rendered(), "utf-8")
