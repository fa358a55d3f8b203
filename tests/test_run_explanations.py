"""Every code that anything raises or warns of has a page in `probe explain`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from probelang.compiler.explanations import explain
from probelang.runtime.deep_check.explanations import EXPLANATIONS as AT_HAND
from probelang.runtime.explanations import EXPLANATIONS, PARTS, RUN

ROOT = Path(__file__).parent.parent
FILES = [f for top in ("grammar", "compiler", "runtime", "probelang") for f in (ROOT / top).rglob("*.py")]
SPELLED = {"{what}-out-of-range": ("layer-out-of-range", "head-out-of-range")}  # codes that are put together


def text_of(node: ast.expr) -> str | None:
    """A literal, or an f-string as it is written."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ast.unparse(node)[2:-1] if isinstance(node, ast.JoinedStr) else None


def raised(tree: ast.Module) -> list[str]:
    """The codes of the errors that a file makes, and of the warnings, which are dictionaries."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            found += [v for k, v in zip(node.keys, node.values, strict=True) if k is not None and text_of(k) == "code"]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("ProbeError", "super().__init__"):
            found += node.args[:1]
    return [code for code in map(text_of, found) if code]


def every_code() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in FILES:
        for code in raised(ast.parse(file.read_text("utf-8"))):
            found |= {one: str(file.relative_to(ROOT)) for one in SPELLED.get(code, (code,))}
    return found


def test_every_code_has_a_page() -> None:
    codes = every_code()
    assert {"kinds-differ", "texts-within-noise", "not-yet", "no-edge-left"} <= set(codes)
    assert {code: where for code, where in codes.items() if code not in EXPLANATIONS} == {}


def test_no_page_is_of_a_code_that_nothing_raises() -> None:
    assert set(RUN) <= set(every_code())


def test_each_code_has_one_page() -> None:
    codes = [code for part in (*PARTS, AT_HAND) for code in part]
    assert len(codes) == len(set(codes)) and not set(RUN) & set(AT_HAND)


@pytest.mark.parametrize("code", sorted(RUN))
def test_a_page_says_what_and_why(code: str) -> None:
    page = explain(code, EXPLANATIONS[code])
    assert page.startswith(f"{code}: ") and page.count("\n\n") == 1
    assert not RUN[code].what.endswith(".") and RUN[code].why.rstrip("`").endswith((".", "`"))
