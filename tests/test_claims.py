"""Claims show the numbers that decided them: of many cells the one for which a comparison holds least, or most."""

from __future__ import annotations

from functools import cache

import pytest

import probelang

SPEC = '''probe 1
dataset d = rows("""x
1
2
3
5
""")
let x(k) = mean(d.x) * k
statistic y = x(k) for k in [1, 2, 3]
statistic z = y - 2
statistic gone = log(y - 2.75)
claim some    = any(y > 5)
claim every   = all(y > 5)
claim below   = all(y < 5)
claim number  = count(y > 5) > 1
claim no      = not any(y > 50) and y[k=2] > 1
claim pair    = all(y > z)
claim turned  = all(10 > y)
claim items   = any(d.x > 4)
claim exactly = any(y == 5.5)
claim sum     = all(y + 1 > 4)
claim negated = all(not y > 5)
claim logs    = all(gone > 1)
claim each    = y[k=k] > 5 for k in [1, 2, 3]
'''
DECIDED = {
    "some": ("pass", {"largest of 3, y[k=3]": 8.25}),
    "every": ("fail", {"smallest of 3, y[k=1]": 2.75}),
    "below": ("fail", {"largest of 3, y[k=3]": 8.25}),
    "number": ("pass", {"count(y > 5)": 2}),
    "no": ("pass", {"largest of 3, y[k=3]": 8.25, "y[k=2]": 5.5}),
    "pair": ("pass", {"tightest of 3, y[k=1]": 2.75, "z[k=1]": 0.75}),
    "turned": ("pass", {"largest of 3, y[k=3]": 8.25}),
    "items": ("pass", {"largest of 4, d.x": 5}),
    "exactly": ("pass", {"nearest of 3, y[k=2]": 5.5}),
    "sum": ("fail", {"smallest of 3, (y + 1)[k=1]": 3.75}),
    "negated": ("fail", {"largest of 3, y[k=3]": 8.25}),
    "logs": ("pass", {"smallest of 2, gone[k=2]": pytest.approx(1.0116, abs=1e-4)}),
    "each": ("fail", {"smallest of 3, y[k=1]": 2.75}),
}


@cache
def claims():
    return probelang.run(SPEC, replicates=20).claims


@pytest.mark.parametrize("name", DECIDED)
def test_a_claim_shows_what_decided(name):
    verdict, values = DECIDED[name]
    found = claims()[name]
    assert (found.verdict, found.values) == (verdict, values)


def test_a_claim_over_a_test_shows_its_p():
    spec = '''probe 1
dataset d = rows("""a,b
1,2
3,1
4,2
5,9
6,8
""")
statistic t = sign_flip(v) for v in [d.a, d.b]
claim sure = all(t.p < 0.05)
claim one = any(t.adjusted < 0.2)
'''
    found = probelang.run(spec, replicates=20).claims
    assert found["sure"].verdict == "fail" and list(found["sure"].values.values()) == [2 / 2**5]
    assert list(found["one"].values) == ["smallest of 2, t.adjusted[v=d.a]"]


def test_what_does_not_vary_is_told_once():
    spec = '''probe 1
dataset d = rows("""x,y
1,3
2,4
""")
claim up = mean(t) > 0.5 * mean(d.x) for t in [d.x, d.y]
claim two = mean(t) + mean(u) > 0.5 * mean(u) for t in [d.x, d.y], u in [d.x, d.y]
'''
    found = probelang.run(spec, replicates=20).claims
    assert found["up"].values == {"mean(d.x)": 1.5, "mean(d.y)": 3.5, "0.5 * mean(d.x)": 0.75}
    assert found["two"].values == {
        "mean(d.x) + mean(d.x)": 3, "mean(d.x) + mean(d.y)": 5, "mean(d.y) + mean(d.x)": 5, "mean(d.y) + mean(d.y)": 7,
        "0.5 * mean(d.x)": 0.75, "0.5 * mean(d.y)": 1.75,
    }  # fmt: skip
