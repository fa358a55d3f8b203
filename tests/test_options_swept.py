"""Options of operations: a sweep computes one for each value, what varies otherwise is an error at its place."""

from __future__ import annotations

import inspect
import re

import pytest

from probelang import run
from probelang.runtime import registry
from tests.helpers_check import checked

HEAD = """probe 1
dataset d = rows(\"\"\"text,x,k
a b a b a b c,1,2
a a a b,2,1
b c d e f,4,3\"\"\")
"""
MODEL = 'model m = zoo("base")\nprompts p from d { text: "{text}" }\n'


@pytest.mark.parametrize(
    ("swept", "values"),
    [
        ("repetition(d.text, n=i)", [1, 2]),
        ("mean(repetition(d.text, i))", [1, 3]),
        ("distinct(d.text, n=i)", [1, 2]),
        ("quantile(d.x * i, i)", [0.25, 0.5]),
        ("sd(d.x, ddof=i)", [0, 1]),
        ("round(d.x / 3, i)", [0, 2]),
        ("equivalent(d.x, margin=i).stat", [1, 2]),
        ("sign_flip(d.x, exact=i).p", ["true", "false"]),
        ("mentions(d.text, any_of([\"A\"]), ignore_case=i)", ["true", "false"]),
    ],
)  # fmt: skip
def test_a_swept_option_is_each_of_its_values(tmp_path, swept: str, values: list) -> None:
    text = f"{HEAD}statistic all = {swept} for i in [{', '.join(map(str, values))}]\n"
    for n, value in enumerate(values):
        alone = re.sub(r"\bi\b", str(value), swept)
        text += f"statistic one{n} = {alone}\n"
    (tmp_path / "s.probe").write_text(text)
    found = run(tmp_path / "s.probe", replicates=20)
    frame = found.tables["all"]
    for n, value in enumerate(values):
        part = frame.filter(frame["i"] == {"true": True, "false": False}.get(value, value))
        assert part["value"].to_list() == found.tables[f"one{n}"]["value"].to_list()


@pytest.mark.parametrize(
    ("call", "place", "axis"),
    [
        ("quantile(prob(p, \" a\"), layer / 10) for layer", "layer / 10", "layer"),
        ("repetition(d.text, n=layer) for layer", "layer", "layer"),
        ("round(d.x, d.k)", "d.k", "item"),
        ("sd(d.x, ddof=2 * i) for i in [0, 1]", "2 * i", "i"),
        ("word_count(generate(p, max_tokens=2 * i).response) for i in [2, 4]", "2 * i", "i"),
        ('judge(d.text, rubric="Is it?", scale="0..10", least=d.k)', "d.k", "item"),
        ("chi2_variance(d.x / 10, trials=i) for i in [5, 6]", "i", "i"),
        ("project(random_unit(like=unembedding(\" a\"), seed=1), y=d.k)", "d.k", "item"),
    ],
)  # fmt: skip
def test_an_option_that_varies_otherwise_is_an_error_at_its_place(call: str, place: str, axis: str) -> None:
    text = f"{HEAD}{MODEL}statistic s = {call}\n"
    found = next(d for d in checked(text).errors)
    assert found.code == "option-varies" and f"over {axis}" in found.message
    assert text[found.primary.span.start : found.primary.span.end] == place


def test_what_operations_read_as_plain_values_is_declared() -> None:
    for name, signature in registry.catalogue().items():
        function = registry.get(name).function
        read = set(re.findall(r"literal\((\w+), \"\1\"\)", inspect.getsource(function))) if function else set()
        plain = {p.name for p in signature.parameters if p.name in read and not p.choices and p.name != "cluster"}
        assert plain <= set(signature.options), name
        assert set(signature.options) <= {p.name for p in signature.parameters}, name
