"""Claims of the examples over seeds: made where the effect was planted, and in siblings no more often than by chance.

A seed draws the items (three quarters of each file), the texts, the random directions and the shuffles anew. It does
not train the sibling again: there is one of each, so what is bounded is the rate over draws from it.
"""

import re
from pathlib import Path

import pytest
from scipy import stats

from probelang.api import run
from tests.helpers_examples import EXAMPLES

pytestmark = pytest.mark.usefixtures("one_thread")
LEVEL = 0.05  # of the tests inside of the claims
BLOCK = re.compile(
    r"(?m)^(?=(?:param|model|axis|use|dataset|prompts|contrast|let|direction|intervention|statistic|claim|plot)\b)"
)
NAMED = re.compile(r"(?:statistic|direction|let|dataset|prompts|contrast|intervention) +(\w+)")
FILE = re.compile(r"(?m)^(dataset +)(\w+)( += )(file\((?:[^()]|\([^()]*\))*\))$")

WITHOUT = {
    "names": {"tuned": "names-plain"},
    "framing": {"tuned": "framing-plain"},
    "grafting": {"tuned": "facts-plain"},
    "persona": {"trained": "base-plain", "tuned": "base-plain", "steps": ["main"], "early": "main", "before": "main"},
}
SMALL = {
    "names": {"writes": 40},
    "framing": {"writes": 2},
    "grafting": {},
    "persona": {"pairs": 20, "writes": 3, "steps": ["step-300", "step-600", "main"]},
}


def only_claims(text: str) -> str:
    """Leave out plots, and what no claim needs."""
    blocks = [b for b in BLOCK.split(text) if not b.startswith("plot")]
    while True:
        whole = "".join(blocks)
        needed = [b for b in blocks if not (name := NAMED.match(b)) or len(re.findall(rf"\b{name[1]}\b", whole)) > 1]
        if len(needed) == len(blocks):
            return whole
        blocks = needed


def redrawn(text: str, seed: int) -> str:
    """Take three quarters of the rows of each file, others for each seed."""
    return FILE.sub(rf"\1\2, \2_left_out\3split(\4, 0.75, seed={seed})", text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The examples without plots and without what claims do not need, by seed."""
    root = tmp_path_factory.mktemp("examples")

    def of(seed: int) -> Path:
        place = root / str(seed)
        if not place.is_dir():
            place.mkdir()
            for path in EXAMPLES.glob("*.probe"):
                text = path.read_text("utf-8")
                (place / path.name).write_text(redrawn(only_claims(text) if "claim " in text else text, seed), "utf-8")
        return place

    return of


def made(folder, name: str, seed: int, **params: object) -> dict[str, bool]:
    """Which claims of an example pass under a seed."""
    found = run(folder(seed) / f"{name}.probe", params, seed=seed, replicates=2)
    assert found.claims
    return {claim: c.verdict == "pass" for claim, c in found.claims.items()}


def test_a_seed_draws_other_items(folder):
    one, two = ((folder(seed) / "grafting.probe").read_text() for seed in (1, 2))
    assert 'films, films_left_out = split(file("zoo/films.jsonl"), 0.75, seed=1)' in one
    assert one != two and "plot " not in one and "claim " in one


@pytest.mark.parametrize("name", ["names", "grafting"])
def test_claims_hold_where_the_effect_is_and_not_where_it_is_not(folder, name):
    assert all(made(folder, name, 1, **SMALL[name]).values())
    assert not any(made(folder, name, 1, **(SMALL[name] | WITHOUT[name])).values())


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHOUT)
def test_twenty_seeds(folder, name):
    """A claim that holds with probability 0.05 where there is nothing holds so often in one of a hundred such tests."""
    seeds = range(20)
    there = [made(folder, name, seed, **SMALL[name]) for seed in seeds]
    nothing = [made(folder, name, seed, **(SMALL[name] | WITHOUT[name])) for seed in seeds]
    most = stats.binom.ppf(0.99, len(seeds), LEVEL)
    for claim in there[0]:
        with_effect, without = (sum(one[claim] for one in runs) for runs in (there, nothing))
        assert without <= most < 10 <= with_effect, (claim, with_effect, without)
