"""Expressions as text: what is written reads back as the same expression, and claims show it with their labels."""

from __future__ import annotations

import pytest

from probelang.compiler import ir
from probelang.compiler.expression_text import text_of

from .helpers_check import checked
from .reference.labels import text_of as reference

HEAD = 'dataset d = rows("""x,y\n1,2\n3,4\n""")\nmodel m = zoo("base")\nprompts p { text: "The" }\n'
HEAD += "statistic a = mean(d.x) * k for k in [1, 2]\nstatistic b = mean(d.y)\n"
TEXTS = [
    "mean(a, over=k)",
    "(b - 1) * 2",
    "b - (1 - b)",
    "b - 1 - b",
    "-(b + 1)",
    "(-b) ** 2",
    "-b ** 2",
    "2 ** -b",
    "(b + 1) / (b * 2)",
    "norm((resid_post[1] at p.last) on m)",
    "prob(p) under [none, none]",
    "mean((d.x - d.y)[d.x > 1 and not (d.y < 1 or d.y > 3)])",
    "max(a[k=[1, 2]], over=k)",
    "(b > 1) == (b < 3)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_text_of_an_expression_reads_back(text: str) -> None:
    def value(written: str):
        return next(
            s.value
            for s in checked(HEAD + f"let v = {written}").spec.statements
            if isinstance(s, ir.Define) and s.name == "v"
        )

    said = text_of(value(text))
    assert value(said) == value(text), said
    assert reference(value(text)) == said


def test_names_of_a_for_read_as_their_labels() -> None:
    spec = checked(HEAD + "claim c = a[k=k] - a[k=1] >= 0 for k in [1, 2]").spec
    claim = next(s for s in spec.statements if isinstance(s, ir.Define) and s.name == "c")
    assert text_of(claim.value.left, {"k": "2"}) == "a[k=2] - a[k=1]"


def test_elements_that_differ_in_an_argument_have_labels_of_their_own() -> None:
    one, two = "bootstrap(b, n=50).sd", "bootstrap(b, seed=50).sd"
    found = checked(HEAD + f"statistic s = v for v in [{one}, {two}, (b - 1) * 2, b - 1 * 2]")
    assert not [d for d in found.problems if d.severity == "error"]
    labels = found.program.statements[-1].node.param("labels")
    assert labels == (one, two, "(b - 1) * 2", "b - 1 * 2")
