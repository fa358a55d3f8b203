"""The public functions: what they take, what they give, and what they raise."""

from __future__ import annotations

import inspect

import pytest

import probelang
from probelang import ProbeError

TEXT = 'probe 1\nparam words = ["a"]\nmodel base = zoo("base")\nprompts p { text: "The key" }\n'
TEXT += "statistic length = norm(resid_post[3] at p.last)\nstatistic each = prob(p, word) for word in words\n"


def test_public_names() -> None:
    assert set(dir(probelang)) == set(probelang.__all__)
    assert all(getattr(probelang, name) is not None for name in probelang.__all__)
    with pytest.raises(AttributeError):
        probelang.nothing  # noqa: B018


def test_a_string_with_a_line_break_is_text() -> None:
    checked = probelang.check(TEXT, {"words": [" is", " are"]})
    assert checked.errors == [] and checked.path == "<text>"
    with pytest.raises(ProbeError) as raised:
        probelang.check("no such spec")
    assert raised.value.code == "spec-not-found"


@pytest.mark.parametrize(
    ("value", "codes"), [([" is"], []), ([" is", ' "are"'], ["answer-unknown"]), (3, ["wrong-kind"])]
)
def test_params_are_values(value: object, codes: list[str]) -> None:
    assert [d.code for d in probelang.check(TEXT, {"words": value}).errors] == codes


def test_errors_are_raised_with_their_places() -> None:
    with pytest.raises(ProbeError) as raised:
        probelang.compile(TEXT.replace("norm", "nrm"))
    assert raised.value.code == "spec-has-errors" and "<text>:5:20" in raised.value.message
    with pytest.raises(ProbeError):
        probelang.format("let = 3\n")


def test_compile_and_format() -> None:
    assert len(probelang.compile(TEXT).statements) == 5
    assert probelang.format("let   a=1") == "let a = 1\n"


def test_a_run_is_what_a_notebook_wants(tmp_path) -> None:
    found = probelang.run(TEXT, {"words": [" is"]}, out=tmp_path / "out", replicates=20)
    assert set(found.tables) == {"length", "each"} and found.directory == tmp_path / "out"
    assert "zoo(base)" in probelang.plan(TEXT, {"words": [" is"]}).text()
    with pytest.raises(ProbeError) as raised:
        probelang.run(TEXT + 'statistic far = attribution(prob(p, " is"), head[1, 0])\n', {"words": [" is"]})
    assert raised.value.code == "planned"


def test_a_run_keeps_what_it_computed_in_the_store_of_the_command_line(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PROBELANG_STORE", str(tmp_path / "users"))
    monkeypatch.setitem(probelang.run.__kwdefaults__, "store", True)

    def forwards(**options) -> int:
        return probelang.run(TEXT, {"words": [" is"]}, replicates=2, **options).run.manifest["counts"]["forwards"]

    first = forwards()
    assert first > 0 and (tmp_path / "users").is_dir() and forwards() == 0
    assert forwards(store=False) == forwards(store=None) == first
    assert forwards(store=str(tmp_path / "own")) == first and forwards(store=tmp_path / "own") == 0
    assert "store: Given | bool | None = True" in inspect.getsource(probelang.run)  # which conftest changes


def test_an_option_that_does_not_exist_is_told_from_a_param() -> None:
    with pytest.raises(TypeError, match=r"run\(\) has no option 'n'; .* params=\{'n': 6\}; the options are device, "):
        probelang.run(TEXT, n=6)
    with pytest.raises(TypeError, match=r"plan\(\) has no option"):
        probelang.plan(TEXT, sed=1)
