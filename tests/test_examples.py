"""The examples run, find what was planted, and find nothing in siblings."""

from pathlib import Path

import pytest

from probelang.api import check, format
from tests.helpers_examples import EXAMPLES, FEW, ran

pytestmark = pytest.mark.usefixtures("one_thread")

PAGES = Path(__file__).parent.parent / "docs" / "examples"
SPECS = sorted(p.name for p in EXAMPLES.glob("*.probe"))
SIBLINGS = {
    "framing": "framing-plain", "names": "names-plain", "instruction_vectors": "instructions-plain",
    "patching": "base-plain", "grafting": "facts-plain", "persona": "base-plain",
}  # fmt: skip
EXACT = ("gates", "streams")


@pytest.mark.parametrize("name", SPECS)
def test_is_formatted_and_checks(name: str) -> None:
    text = (EXAMPLES / name).read_text()
    assert format(text) == text
    unexpected = [d for d in check(EXAMPLES / name, deep=False).problems if d.code != "unused"]
    assert not unexpected


@pytest.mark.parametrize("name", [*SIBLINGS, *EXACT])
def test_claims_pass(name: str) -> None:
    found = ran(name, None)
    assert found.claims and {c.verdict for c in found.claims.values()} == {"pass"}


@pytest.mark.parametrize(("name", "sibling"), SIBLINGS.items())
def test_claims_fail_where_nothing_was_planted(name: str, sibling: str) -> None:
    assert {c.verdict for c in ran(name, sibling).claims.values()} == {"fail"}


@pytest.mark.parametrize("name", [*SIBLINGS, *EXACT])
def test_has_a_page_with_its_plots(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text()
    pictures = [line.rpartition("(")[2].rstrip(")") for line in page.splitlines() if line.startswith("![")]
    assert pictures and all((PAGES / picture).is_file() for picture in pictures)


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
def test_claims_hold_on_all_texts_and_not_in_the_sibling(name: str) -> None:
    assert {c.verdict for c in ran(name, None, whole=True).claims.values()} == {"pass"}
    assert {c.verdict for c in ran(name, SIBLINGS[name], whole=True).claims.values()} == {"fail"}
