"""The checker catches mistakes: small edits of every shipped protocol give an error or a warning.

Edits after which the spec computes the same are no mistakes and do not count. What is not caught is printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from .helpers_check import PROTOCOLS, checked, results_declared, roots
from .mutations import Edit, candidates, drawn

LEAST = 0.95
DRAWN = 20


def survivors(path: Path, edits: Iterable[Edit], most: int | None = None) -> tuple[int, list[Edit]]:
    """Apply edits one by one, up to `most` mistakes. Returns how many were, and those that passed."""
    text = path.read_text("utf-8")
    before = roots(checked(text, path))
    count, missed = 0, []
    for edit in edits:
        after = checked(edit.apply(text), path)
        if not after.problems and roots(after) == before:
            continue
        count += 1
        if not after.problems:
            print("not caught:", edit.shown(text))
            missed.append(edit)
        if count == most:
            break
    return count, missed


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda p: p.stem)
def test_protocols_are_clean_and_whole(path: Path) -> None:
    c = checked(path.read_text("utf-8"), path)
    assert [d.message for d in c.problems] == []
    assert [s.name for s in c.program.statements] == results_declared(c)


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda p: p.stem)
def test_twenty_mistakes_are_caught(path: Path) -> None:
    count, missed = survivors(path, drawn(path.read_text("utf-8")), DRAWN)
    assert count == DRAWN
    assert len(missed) <= (1 - LEAST) * count, [e.kind for e in missed]


@pytest.mark.slow
@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda p: p.stem)
def test_all_mistakes_are_caught(path: Path) -> None:
    count, missed = survivors(path, [e for edits in candidates(path.read_text("utf-8")).values() for e in edits])
    assert len(missed) <= (1 - LEAST) * count, [e.kind for e in missed]
