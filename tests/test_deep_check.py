"""The second tier of checks: silence where nothing is wrong, places in used files, and a page for each finding."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from probelang import check
from probelang.compiler.explanations import EXPLANATIONS as FIRST_TIER
from probelang.runtime import deep_check as deep_check_package
from probelang.runtime.deep_check.explanations import EXPLANATIONS
from tests.helpers_deep import GAP, HEAD, place


def test_a_good_spec_is_silent(deep) -> None:
    text = HEAD + GAP + "statistic far = norm(mean_diff(resid_post[5] at noun.last))\n"
    text += "statistic near = norm(resid_mid[layer] at noun.body.first) for layer in 0..5\n"
    assert deep(text) == []


def test_findings_in_a_used_file_point_at_the_use(deep, tmp_path) -> None:
    used = 'dataset d = file("zoo/agreement.jsonl", limit=3)\n# a comment\n'
    used += 'prompts p from d { text: "{singular} {verb}" }\n'
    (tmp_path / "parts.probe").write_text(used)
    text = 'model m = zoo("base")\nuse "parts" as parts\nstatistic s = norm(resid_post[9] at parts.p.last)\n'
    found = deep(text)
    assert {d.code for d in found} == {"unknown-column", "layer-out-of-range"}
    inside = next(d for d in found if d.code == "unknown-column")
    assert place(text, inside) == 'use "parts" as parts' and "line 3" in inside.primary.text


def test_the_library_is_clean(tmp_path) -> None:
    library = Path(__file__).parent.parent / "specs"
    for path in sorted(library.rglob("*.probe")):
        assert not check(path).errors, path


@pytest.mark.parametrize("code", [c for c, e in EXPLANATIONS.items() if e.wrong])
def test_examples_show_what_they_explain(deep, code: str) -> None:
    assert code in [d.code for d in deep(EXPLANATIONS[code].wrong + "\n")]
    assert deep(EXPLANATIONS[code].right + "\n") == []


def test_every_code_is_explained() -> None:
    """Codes are literals in the files of the second tier, or those that text, data and sites raise."""
    source = Path(deep_check_package.__file__).parent
    written = {m for f in source.glob("*.py") for m in re.findall(r'"((?:[a-z]+-)+[a-z]+)"', f.read_text())}
    operations = {"next-token", "label-item", "response-text", "keep-pairs", "all-layers", "token-at"}
    known = {*EXPLANATIONS, *FIRST_TIER}
    assert written - operations - {"config-json", "utf-8"} <= known, written - operations - known
