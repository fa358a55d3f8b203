"""Shares of items with several samples: what the interval of one says where samples of an item may agree."""

from __future__ import annotations

import numpy as np
import pytest

from probelang.runtime.cube import Axis, Cube
from probelang.runtime.intervals import summarise_items, wilson


def summary(hits: np.ndarray):
    """The summary of truth values [item, sample]."""
    axes = (Axis("item", tuple(range(hits.shape[0])), "data"), Axis("sample", tuple(range(hits.shape[1])), "data"))
    return summarise_items(Cube(axes, hits))


def of(count: int) -> np.ndarray:
    """Hits [9 items, 4 samples], each in an item of its own."""
    hits = np.zeros((9, 4), bool)
    hits[np.arange(count), 0] = True
    return hits


def test_one_hit_does_not_halve_the_interval_of_none():
    highs = [float(summary(of(k)).high.values) for k in range(6)]
    assert highs[0] == pytest.approx(wilson(0, 9)[1])
    assert np.abs(np.diff(highs)).max() < 0.035 and highs[1:] == sorted(highs[1:])
    turned = [float(summary(~of(k)).low.values) for k in range(6)]
    np.testing.assert_allclose(turned, 1 - np.array(highs))


def test_samples_that_agree_count_as_one_and_samples_of_a_coin_as_many():
    same = np.repeat(np.arange(9)[:, None] % 3 == 0, 4, axis=1)
    np.testing.assert_allclose([summary(same).low.values, summary(same).high.values], wilson(3, 9))
    coin = np.random.default_rng(0).random((400, 4)) < 0.5
    width = float(summary(coin).high.values - summary(coin).low.values)
    assert width == pytest.approx(np.subtract(*wilson(coin.sum(), 1600)[::-1]), rel=0.06)


def covered(items: int, samples: int, alike: float, share: float, times: int) -> float:
    """How often the interval holds the share that items vary around (beta-binomial, intraclass correlation `alike`)."""
    rng = np.random.default_rng(items)
    scale = (1 - alike) / alike
    each = rng.beta(share * scale, (1 - share) * scale, (times, items, 1))
    hits = rng.random((times, items, samples)) < each
    axes = [Axis("item", tuple(range(items)), "data"), Axis("sample", tuple(range(samples)), "data")]
    found = summarise_items(Cube((*axes, Axis("time", tuple(range(times)), "written")), np.moveaxis(hits, 0, 2)))
    return float(((found.low.values <= share) & (share <= found.high.values)).mean())


def test_coverage():
    # 82 % and 84 % with the design effect of the hits alone
    assert covered(20, 20, 0.4, 0.03, 1000) > 0.93 and covered(9, 20, 0.4, 0.1, 1000) > 0.93


@pytest.mark.slow
@pytest.mark.parametrize("items", [9, 20, 50])
@pytest.mark.parametrize("samples", [4, 20])
@pytest.mark.parametrize("alike", [0.01, 0.1, 0.4, 0.9])
def test_coverage_everywhere(items, samples, alike):
    found = [covered(items, samples, alike, share, 4000) for share in (0.01, 0.03, 0.1, 0.3, 0.5)]
    assert min(found) > 0.9, found
