"""Whatever is written, the checker answers with diagnostics, and leaves no result out in silence."""

from __future__ import annotations

import re
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .helpers_check import SPECS, checked, results_declared
from .strategies import PROGRAMS

QUICK = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
TOKEN = re.compile(r'"[^"\n]*"|[A-Za-z_]\w*|\d[\d.e-]*|\.\.|[=!<>]=|\*\*|\S')
TEXTS = [p.read_text("utf-8") for p in SPECS]
POOL = sorted({t for text in TEXTS for t in TOKEN.findall(text)})


def answers(text: str) -> None:
    c = checked(text)
    for d in c.problems:
        assert d.message and 0 <= d.primary.span.start <= d.primary.span.end <= len(text) + 1, d
    if not c.errors:
        assert [s.name for s in c.program.statements] == results_declared(c)
    assert "untyped" not in [d.code for d in c.problems]


def scrambled(random: Random) -> str:
    """A shipped spec with a few tokens dropped, doubled, exchanged or taken from another spec."""
    text = random.choice(TEXTS)
    for _ in range(random.randint(1, 4)):
        found = list(TOKEN.finditer(text))
        a, b = sorted(random.sample(found, 2), key=lambda m: m.start())
        edit = random.randrange(5)
        if edit == 0:
            text = text[: a.start()] + text[a.end() :]
        elif edit == 1:
            text = text[: a.end()] + " " + a.group() + text[a.end() :]
        elif edit == 2:
            text = text[: a.start()] + b.group() + text[a.end() : b.start()] + a.group() + text[b.end() :]
        elif edit == 3:
            text = text[: a.start()] + random.choice(POOL) + text[a.end() :]
        else:
            text = text[: a.start()] + b.group() + text[a.end() :]
    return text


@QUICK
@given(st.integers(0, 2**32))
def test_scrambled_specs(seed: int) -> None:
    answers(scrambled(Random(seed)))


@QUICK
@given(PROGRAMS)
def test_random_programs(text: str) -> None:
    answers(text)
