"""`probe check`: what it prints for people, programs and GitHub, and how it exits."""

from __future__ import annotations

import io
import json

import pytest

from probelang.cli import main

GOOD = 'probe 1\nmodel base = zoo("base")\nprompts p { text: "The key near the cabinet" }\n'
GOOD += "statistic length = norm(resid_post[3] at p.last)\n"
PARAM = GOOD.replace("resid_post[3]", "resid_post[place]") + "param place = 3\n"


@pytest.fixture
def spec(tmp_path):
    def write(text: str, name: str = "mine.probe") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_a_good_spec(spec, capsys) -> None:
    assert main(["check", spec(GOOD)]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("mine.probe: ok (1 statistic)\n") and err == ""


def test_errors_come_out_at_once_with_places(spec, capsys) -> None:
    path = spec(GOOD + "statistic a = nrm(resid_post[2] at p.last)\nstatistic b = norm(resid_post[2] at p.lats)\n")
    assert main(["check", path]) == 1
    out = capsys.readouterr().out
    assert "error[unknown-operation]" in out and "error[unknown-segment]" in out
    assert f"{path}:5:15" in out and "did you mean `norm`?" in out
    assert out.endswith("2 errors\n")


def test_json_has_every_file(spec, capsys) -> None:
    first, second = spec(GOOD.replace("norm", "nrm"), "a.probe"), spec(GOOD, "b.probe")
    assert main(["check", "--format", "json", first, second]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["format_version"] == 1
    (problem,) = found["diagnostics"]
    assert problem["path"] == first and problem["code"] == "unknown-operation" and problem["replacement"] == "norm"


def test_github(spec, capsys) -> None:
    assert main(["check", "--format", "github", spec(GOOD.replace("norm", "nrm"))]) == 1
    assert capsys.readouterr().out.startswith("::error file=")


def test_warnings_can_be_denied(spec, capsys) -> None:
    path = spec(GOOD + 'prompts q { text: "unused" }\n')
    assert main(["check", path]) == 0
    assert main(["check", "--deny-warnings", path]) == 1
    assert "warning[unused]" in capsys.readouterr().out


def test_notes_are_no_findings(spec, capsys) -> None:
    path = spec(GOOD.replace('zoo("base")', 'hub("nobody/nothing")'))
    assert main(["check", "--deny-warnings", path]) == 0
    assert "note[unchecked]" in capsys.readouterr().out


def test_params(spec, capsys) -> None:
    path = spec(PARAM)
    assert main(["check", path, "-p", "place=5"]) == 0
    assert main(["check", path, "-p", "place=6"]) == 1
    assert "resid_post[6] does not exist" in capsys.readouterr().out
    assert main(["check", "--no-deep", path, "-p", "place=6"]) == 0
    assert main(["check", path, "-p", "plaec=5"]) == 1
    assert "did you mean `place`?" in capsys.readouterr().out
    assert main(["check", path, "-p", "place"]) == 2
    assert "NAME=VALUE" in capsys.readouterr().err


def test_standard_input(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(GOOD))
    assert main(["check", "-"]) == 0
    assert capsys.readouterr().out.startswith("<stdin>: ok")


def test_a_spec_that_is_not_there(tmp_path, capsys) -> None:
    (tmp_path / "mine.probe").write_text(GOOD)
    assert main(["check", str(tmp_path / "mnie.probe")]) == 1
    err = capsys.readouterr().err
    assert "error[spec-not-found]" in err and "mine.probe" in err
    assert main(["check", str(tmp_path)]) == 1
    assert "is a folder" in capsys.readouterr().err


def test_a_spec_that_is_not_text(tmp_path, capsys) -> None:
    (tmp_path / "mine.probe").write_bytes(b"probe 1\n\xff\n")
    assert main(["check", str(tmp_path / "mine.probe")]) == 1
    assert "error[spec-not-text]" in capsys.readouterr().err


def test_use_finds_files_beside_and_the_library(spec) -> None:
    spec('prompts other { text: "The keys" }\n', "parts.probe")
    text = GOOD + 'use "parts" as parts\nuse "contrasts/framing" as framing\n'
    text += "statistic a = norm(resid_post[1] at parts.other.last)\n"
    text += "statistic b = norm(mean_diff(resid_post[1] at framing.eval.last))\n"
    assert main(["check", spec(text)]) == 0


def test_use_stays_in_the_folder(spec, tmp_path, capsys) -> None:
    (tmp_path / "inside").mkdir()
    spec('prompts other { text: "The keys" }\n', "parts.probe")
    path = tmp_path / "inside" / "mine.probe"
    path.write_text(GOOD + 'use "../parts" as parts\nstatistic a = norm(resid_post[1] at parts.other.last)\n')
    assert main(["check", str(path)]) == 1
    assert "error[path-outside]" in capsys.readouterr().err
    assert main(["check", "--allow-outside", str(path)]) == 0


def test_use_of_nothing_names_what_there_is(spec, capsys) -> None:
    assert main(["check", spec(GOOD + 'use "contrast/framing" as framing\n')]) == 1
    assert 'did you mean "contrasts/framing"?' in capsys.readouterr().out
