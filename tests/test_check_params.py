"""Params: given from outside, by `use … with`, and what is wrong with either."""

from __future__ import annotations

from pathlib import Path

import pytest

from probelang.grammar.format import format

from .helpers_check import checked, codes

SPEC = """\
param times = 3
param words = [" yes", " no"]
param data = "items.csv"
model m = zoo("base")
dataset d = file(data, columns=["q"])
prompts p from d { body: "{q}" }
statistic s = mean(prob(p, word)) * times for word in words
"""


def axis_labels(**params: str) -> tuple:
    c = checked(SPEC, **params)
    assert c.problems == [] and c.program is not None
    return c.program.statements[0].node.axis("word").labels


def constants(**params: str) -> list[object]:
    """All written values in the spec's only statistic."""
    from probelang.compiler.graph import walk

    c = checked(SPEC, **params)
    assert c.problems == [] and c.program is not None
    return [n.param("value") for n in walk(c.program.statements[0].node) if n.op == "const"]


def test_numbers_lists_texts_and_bare_words() -> None:
    assert 3 in constants() and 7 in constants(times="7")
    assert axis_labels(words='["a", "b", "c"]') == ("a", "b", "c")
    assert "other.csv" in constants(data='"other.csv"')
    assert "folder/other.csv" in constants(data="folder/other.csv")
    assert "other" in constants(data="other")


def test_an_unknown_param_is_suggested() -> None:
    (problem,) = checked(SPEC, tmies="7").problems
    assert problem.code == "unknown-param" and problem.help == "did you mean `times`?"


@pytest.mark.parametrize(("name", "given"), [("times", '"many"'), ("times", "3 +"), ("data", "3"), ("words", "3")])
def test_a_value_of_the_wrong_kind_points_at_the_param(name: str, given: str) -> None:
    (problem,) = checked(SPEC, **{name: given}).problems
    assert problem.code == "wrong-kind" and f"`-p {name}=…` gives a" in problem.message
    assert SPEC.split("\n")[problem.primary.span.line - 1].startswith(f"param {name} = ")


def test_a_param_that_is_not_there_has_no_place() -> None:
    (problem,) = checked(SPEC, nothing="7").problems
    assert not problem.primary.placed and problem.help == "it has times, words, data"


def test_a_mistake_inside_a_value_from_the_command_line_is_at_the_param() -> None:
    (problem,) = checked(SPEC, times="mean(3)").problems
    assert problem.code == "no-items" and problem.primary.span.line == 1


def test_mistakes_in_a_used_file_point_at_its_use() -> None:
    text = "# one more line\n" + LIBRARY.replace('"mine.jsonl"', '["a", "b"]') + USER
    (problem,) = checked(text).problems
    assert problem.code == "wrong-kind" and problem.primary.text.startswith("in line 5 of it")
    assert text[problem.primary.span.start : problem.primary.span.end].startswith('use "contrasts/framing"')


LIBRARY = 'use "contrasts/framing" as framing with requests = "mine.jsonl"\nmodel m = zoo("base")\n'
USER = "statistic s = norm(mean_diff(resid_post[3] at framing.eval.last))\n"


def files(text: str, **params: str) -> list[object]:
    c = checked(text, **params)
    assert c.problems == []
    return [dict(n.inputs)["path"].param("value") for n in c.program.datasets.values() if n.op == "file"]


def test_use_gives_values_to_the_params_of_the_other_spec() -> None:
    assert files(LIBRARY + USER) == ["mine.jsonl"]
    assert files(LIBRARY.replace(' with requests = "mine.jsonl"', "") + USER) == ["zoo/requests.jsonl"]


def test_a_value_is_written_in_the_names_of_the_spec_that_uses() -> None:
    text = 'param place = "here.jsonl"\n' + LIBRARY.replace('"mine.jsonl"', "place") + USER
    assert files(text) == ["here.jsonl"]
    assert files(text, place="there.jsonl") == ["there.jsonl"]


def test_the_command_line_comes_first() -> None:
    c = checked(LIBRARY + USER, **{"framing.requests": "third.jsonl"})
    assert c.problems == []
    assert files(LIBRARY + USER, **{"framing.requests": "third.jsonl"}) == ["third.jsonl"]


@pytest.mark.parametrize(
    ("given", "code"),
    [("reqests = 3", "unknown-param"), ("requests = nothing", "unknown-name"), ("requests = 3", "wrong-kind"),
     ('requests = "a", requests = "b"', "declared-twice")],
)  # fmt: skip
def test_mistakes_in_what_is_given(given: str, code: str) -> None:
    assert codes(LIBRARY.replace('requests = "mine.jsonl"', given) + USER) == [code]


def test_use_with_is_formatted() -> None:
    assert format('use   "a/b"  as  c   with x=1 , y = [2,3]\n') == 'use "a/b" as c with x = 1, y = [2, 3]\n'
    long = f'use "contrasts/framing" as framing with first = "{"a" * 40}", other = "{"b" * 40}"\n'
    assert format(long).split("\n")[1:] == [
        f'  with first = "{"a" * 40}",',
        f'       other = "{"b" * 40}"',
        "",
    ]


INNER = """\
param data = "own.csv"
dataset fixed = file("fixed.csv", columns=["q"])
dataset given = file(data, columns=["q"])
dataset shipped = file("zoo/requests.jsonl")
model local = path("weights")
prompts p from fixed { body: "{q}" }
"""


def written_paths(text: str, folder: Path, **params: str) -> dict[str, object]:
    """The paths of all datasets and models by name, as the run reads them: relative to the spec's own folder."""
    from probelang.compiler.graph import walk

    c = checked(text, folder / "outer.probe", **params)
    assert c.errors == []
    named = {name: n for name, n in {**c.program.datasets, **c.program.models}.items() if "." not in name}
    wanted = ("file", "path")
    return {
        name: next(n.input("path") or n.input("directory") for n in walk(node) if n.op in wanted).param("value")
        for name, node in named.items()
    }


def test_files_are_relative_to_the_spec_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "sub" / "deep" / "inner.probe").write_text(INNER)
    part = 'dataset {0} = keep(i.{0}, q != "")\nprompts of_{0} from {0} {{ b: "x {{q}}" }}\n'
    parts = "".join(part.format(name) for name in ("fixed", "given"))
    text = 'use "sub/deep/inner" as i\nmodel m = i.local\n' + parts
    plain = {"fixed": "sub/deep/fixed.csv", "given": "sub/deep/own.csv", "m": "sub/deep/weights"}
    assert written_paths(text, tmp_path) == plain
    text = text.replace("as i\n", 'as i with data = "mine.csv"\n')
    assert written_paths(text, tmp_path) == plain | {"given": "mine.csv"}
    assert written_paths(text, tmp_path, **{"i.data": "other.csv"}) == plain | {"given": "other.csv"}


def test_files_of_specs_that_are_used_by_used_specs(tmp_path: Path) -> None:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "sub" / "deep" / "inner.probe").write_text(INNER)
    (tmp_path / "sub" / "middle.probe").write_text(
        'param place = "middle.csv"\nuse "deep/inner" as i with data = place\n'
        'use "contrasts/framing" as framing with requests = "beside.jsonl"\n'
        'dataset fixed = keep(i.fixed, q != "")\ndataset given = keep(i.given, q != "")\n'
        'dataset framed = keep(framing.items, request != "")\n'
    )
    names = ("fixed", "given", "framed")
    text = 'use "sub/middle" as i\n' + "".join(f'dataset {n} = keep(i.{n}, q != "")\n' for n in names)
    found = written_paths(text.replace("i.framed, q", "i.framed, request"), tmp_path)
    assert found == {"fixed": "sub/deep/fixed.csv", "given": "sub/middle.csv", "framed": "sub/beside.jsonl"}


def test_a_spec_of_the_library_reads_files_of_its_user() -> None:
    assert files(LIBRARY + USER) == ["mine.jsonl"]
