"""Specs that would expand to an absurd size are refused with it, before the work; large ones with sense are not."""

from __future__ import annotations

import pytest

from probelang.compiler.elaborate import stacks

from .helpers_check import checked

HEAD = """\
model m = zoo("base")
dataset d = file("x.csv", columns=["q", "a"])
prompts p from d { body: "{q}" answer: "{a}" }
prompts ask(x) from d { body: x answer: "{a}" }
prompts ten(a, b, c, o, e, f, g, h, i, j) from d {
  a: a b: b c: c o: o e: e f: f g: g h: h i: i j: j answer: "{q}"
}
"""
ARMS = 'direction v = mean(resid_post[2] at ask("x").last)\n' + "".join(
    f"direction v{i} = random_unit(like=v, seed={i})\n" for i in range(10)
)
TEN = [f"x{i}" for i in range(10)]


def refused(text: str) -> list[str]:
    return [d.code for d in checked(HEAD + text).errors]


def loop(values: list[object]) -> str:
    return " for " + ", ".join(f"{x} in [{', '.join(map(str, values))}]" for x in TEN)


ABSURD = {
    "interventions": (ARMS + f"statistic s = mean(prob(p) under [{', '.join(f'steer({x})' for x in TEN)}])",
                      [f"v{i}" for i in range(10)]),
    "directions": (ARMS + f"statistic s = {' + '.join(f'norm({x})' for x in TEN)}", [f"v{i}" for i in range(10)]),
    "prompts": (f"statistic s = mean(prob(ten({', '.join(TEN)})))", [f'"t{i}"' for i in range(10)]),
    "let": (f"let every({', '.join(TEN)}) = mean(prob(ten({', '.join(TEN)})))\nstatistic s = every({', '.join(TEN)})",
            [f'"t{i}"' for i in range(10)]),
    "numbers": (f"statistic s = mean(prob(p)) * ({' + '.join(TEN)})", list(range(10))),
}  # fmt: skip


@pytest.mark.parametrize("name", ABSURD)
def test_ten_lists_of_ten_are_refused_before_they_are_copied(name: str) -> None:
    text, values = ABSURD[name]
    c = checked(HEAD + text + loop(values) + "\n")
    problem = next(d for d in c.problems if d.severity == "error")
    assert problem.code == "too-many-cells" and problem.message.count(" x ") >= 4
    assert len([d for d in c.problems if d.severity == "error"]) == 1
    assert (HEAD + text + loop(values))[problem.primary.span.start :].startswith("for x0 in ")


@pytest.mark.parametrize("values", ["1..1000000", "0..1 by 1e-9", "1..1e400 by 1", "0..1e400 by 1e300"])
def test_ranges_are_counted_before_they_are_written(values: str) -> None:
    assert refused(f"statistic s = mean(prob(p)) * k for k in {values}\n") == ["too-many-cells"]


def test_large_sweeps_of_numbers_are_no_copies() -> None:
    c = checked(HEAD + "statistic s = mean(prob(p)) * a * b for a in 1..10000, b in 1..10000\n")
    assert c.errors == [] and len(c.program.graph) < 30_000


def test_copies_up_to_the_limit_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "statistic s = mean(prob(ask(x))) for x in [" + ", ".join(f'"{i}"' for i in range(40)) + "]\n"
    monkeypatch.setattr(stacks, "MOST_COPIES", 40)
    assert refused(text) == []
    monkeypatch.setattr(stacks, "MOST_COPIES", 39)
    assert refused(text) == ["too-many-cells"]
