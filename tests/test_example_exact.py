"""The examples on models set by hand, whose numbers are known exactly."""

import polars as pl
import pytest

from tests.helpers_examples import ran, value

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("kind", "single", "pair"), [("both", 0, 5), ("either", 5, 5), ("each", 5, 10)])
def test_gates_are_exact(kind: str, single: float, pair: float) -> None:
    frame = ran("gates", None).tables["gain"].filter(pl.col("kind") == kind)
    bits = {label: {int(x) for x in label.split("+")} & {1, 3} for label in frame["set"]}
    expected = [(0, single, pair)[len(bits[label])] for label in frame["set"]]
    assert frame["value"].to_list() == pytest.approx(expected, abs=1e-4)
    synergy = ran("gates", None).tables["synergy"].filter(pl.col("kind") == kind)
    hot = synergy.filter(pl.col("value").abs() > 1e-4)
    extra = pair - 2 * single
    assert hot.select("i", "j", "value").rows() == ([(1, 3, pytest.approx(extra))] if extra else [])


def test_streams_are_exact() -> None:
    wanted = {"early": (10, 0, 10), "late": (0, 10, 10), "either": (10, 10, 20), "each": (0, 0, 10)}
    for donor, logits_of in wanted.items():
        for span, logit in zip(("name", "end", "both"), logits_of, strict=True):
            assert value("streams", "recalled", donor=donor, span=span) == pytest.approx(logit, abs=1e-4)
