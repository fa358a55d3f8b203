"""The specs that ship: in the canonical style, clean, and where the coverage table says they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from probelang.grammar.format import format

from .helpers_check import SPECS, checked

ROOT = Path(__file__).parent.parent
COVERAGE = (ROOT / "docs" / "coverage.md").read_text("utf-8")
CELL = re.compile(r"\[((?:specs|examples)/[\w/]+\.probe):(\d+)\]\(\.\./\1#L\2\) `(.+)` \|$", re.MULTILINE)


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_shipped_specs_are_clean_and_formatted(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [d.message for d in checked(text, path).problems] == []
    assert format(text) == text


@pytest.mark.parametrize(("name", "line", "quoted"), CELL.findall(COVERAGE), ids=lambda v: str(v)[:40])
def test_the_line_says_what_the_table_says(name: str, line: str, quoted: str) -> None:
    lines = (ROOT / name).read_text("utf-8").split("\n")
    found = [i + 1 for i, text in enumerate(lines) if quoted in text]
    assert int(line) in found, f"{quoted!r} stands in line {found}"


def test_every_row_has_a_line_or_a_reason() -> None:
    rows = [r for r in COVERAGE.split("\n") if r.startswith("| ") and not r.startswith(("| need", "| ---"))]
    assert len(rows) > 100
    for row in rows:
        where = row.strip("| ").split(" | ", 1)[1]
        assert where.startswith(("[specs/", "[examples/")) or len(where) > 10, row
