"""Every code is explained; its wrong example gives the code, and the right one does not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from probelang.compiler.check import check
from probelang.compiler.explanations import EXPLANATIONS, SETTING, explain

from .helpers_check import catalogue
from .helpers_check import find as in_library

ROOT = Path(__file__).parent.parent
OTHERS = {"broken": "statistic s = nothing_here\n", "itself": 'use "itself" as other\n'}


def find(name: str, user: str) -> tuple[str, str] | list[str]:
    return (
        (OTHERS[name], "mine.probe" if name == "itself" else name)
        if name in OTHERS
        else in_library(name, str(ROOT / "specs" / "mine.probe"))
    )


def found(text: str, alone: bool) -> list[str]:
    whole = text if alone else SETTING + text
    return [d.code for d in check(whole + "\n", "mine.probe", catalogue(), find).problems]


def written_codes() -> set[str]:
    """The codes in the constructors of diagnostics."""
    files = [*(ROOT / "compiler" / "errors").glob("*.py"), ROOT / "grammar" / "syntax.py"]
    calls = [n for f in files for n in ast.walk(ast.parse(f.read_text("utf-8"))) if isinstance(n, ast.Call)]
    named = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id in ("error", "warning", "Diagnostic")]
    return {c.args[0].value for c in named if c.args and isinstance(c.args[0], ast.Constant)}


def test_every_code_is_explained() -> None:
    assert set(EXPLANATIONS) == written_codes()


@pytest.mark.parametrize("code", sorted(c for c, e in EXPLANATIONS.items() if e.wrong))
def test_examples(code: str) -> None:
    entry = EXPLANATIONS[code]
    assert code in found(entry.wrong, entry.alone)
    right = found(entry.right, entry.alone)
    assert code not in right
    assert set(right) <= {"unused"}, right


def test_explain() -> None:
    text = explain("in-sample", EXPLANATIONS["in-sample"])
    assert text.startswith("in-sample: ") and "Wrong:" in text and "Right:" in text
