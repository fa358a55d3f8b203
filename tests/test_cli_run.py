"""`probe run` and `probe plan`: results on disk and on the screen, planned operations, claims, and how things end."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys

import pytest
from rich.text import Text

from probelang.cli import main
from probelang.cli.commands import check as check_command
from probelang.cli.commands import run as run_command
from probelang.cli.console import Console
from probelang.cli.progress import Progress

SPEC = """probe 1
model base = zoo("base")
dataset items = file("zoo/agreement.jsonl", limit=4)
prompts p from items { body: "{singular}" answer: "{is}" wrong: "{are}" }
statistic gap = mean(logit_diff(p))
claim large = gap > 1000
"""
PLANNED = """probe 1
model base = zoo("base")
prompts p { body: "The key" answer: " is" wrong: " are" }
statistic who = attribution(logit_diff(p), head[1, 0])
"""


@pytest.fixture
def spec(tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.probe").write_text(SPEC)
    (tmp_path / "later.probe").write_text(PLANNED)
    return "mine.probe"


def test_a_run_writes_and_prints(spec, tmp_path, capsys) -> None:
    assert main(["run", spec, "--replicates", "50"]) == 0
    out = capsys.readouterr().out
    assert "FAIL" in out and "gap" in out
    written = tmp_path / "runs" / "mine"
    assert {p.name for p in written.iterdir()} >= {"manifest.json", "report.html", "spec.probe", "tables"}
    assert main(["run", spec, "--replicates", "50", "--no-out", "--json", "--strict-claims"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["claims"][0]["verdict"] == "fail" and len(found["tables"]["gap"]) == 1


def test_a_planned_operation_is_said_before_any_work(spec, capsys) -> None:
    assert main(["run", "later.probe"]) == 3
    err = capsys.readouterr().err
    assert "error[planned]: `attribution` is planned" in err and "later.probe:4:17" in err
    assert main(["check", "later.probe"]) == 0


def test_errors_stop_a_run(spec, tmp_path, capsys) -> None:
    (tmp_path / "bad.probe").write_text(SPEC.replace("{is}", "{iss}"))
    assert main(["run", "bad.probe"]) == 1
    assert "error[unknown-column]" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_plan(spec, capsys) -> None:
    assert main(["plan", spec]) == 0
    assert "zoo(base)" in capsys.readouterr().out


def test_open_needs_a_report(spec, capsys) -> None:
    assert main(["run", spec, "--open", "--no-out"]) == 2


@pytest.mark.parametrize(
    "argv", [["chek"], ["check"], ["check", "--nope", "x"], ["mine.probe"], ["run", "a", "--seed", "x"]]
)
def test_wrong_usage(argv, capsys) -> None:
    assert main(argv) == 2
    assert capsys.readouterr().err


def test_a_bug_is_told_as_one(spec, monkeypatch, capsys) -> None:
    def broken(options, console):
        raise ValueError("something odd")

    monkeypatch.delenv("PROBELANG_DEBUG", raising=False)
    monkeypatch.setattr(check_command, "main", broken)
    assert main(["check", spec]) == 101
    err = capsys.readouterr().err
    assert "this is a bug in probelang: ValueError: something odd" in err and "Traceback" not in err
    kept = err.split("the traceback is in ")[1].split(";")[0]
    with open(kept) as file:
        assert "ValueError: something odd" in file.read()
    os.remove(kept)
    monkeypatch.setenv("PROBELANG_DEBUG", "1")
    with pytest.raises(ValueError):
        main(["check", spec])


def test_interrupted_inside_a_library_that_makes_an_error_of_it(spec, monkeypatch, capsys, tmp_path) -> None:
    def imported(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise AttributeError("module has no attribute") from None

    monkeypatch.setattr("probelang.api.execute", imported)
    assert main(["run", str(spec), "--no-out"]) == 130
    assert "bug" not in capsys.readouterr().err
    monkeypatch.setattr("probelang.api.execute", lambda *_: {}["another"])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["run", str(spec), "--no-out"]) == 101


def test_interrupted(spec, monkeypatch, capsys) -> None:
    def stopped(options, console):
        raise KeyboardInterrupt

    monkeypatch.setattr(check_command, "main", stopped)
    assert main(["check", spec]) == 130
    assert capsys.readouterr().err == "\ninterrupted\n"
    monkeypatch.setattr(run_command, "main", stopped)
    assert main(["run", spec, "-p", "words=[1, 2]"]) == 130
    assert "goes on from there:\n  probe run mine.probe -p 'words=[1, 2]'\n" in capsys.readouterr().err
    assert main(["run", spec, "--no-store"]) == 130
    assert "nothing was kept" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error(spec) -> None:
    script = f"{sys.executable} -m probelang operations --json | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {script}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout


def test_colour_only_where_it_is_wanted(spec, monkeypatch, capsys) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    main(["check", spec])
    assert "\x1b[" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["check", spec])
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(["check", spec])
    assert "\x1b[" not in capsys.readouterr().out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("settings", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False)],
)
def test_without_colour_there_is_no_bold_either(settings, coloured, monkeypatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm-256color"} | settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setattr("sys.stderr", Terminal())
    console = Console.of_terminal()
    console.rich().print(Text("gap", style="bold red"))
    console.write(console.paint("x", "bold"))
    assert ("\x1b" in console.out.getvalue()) == coloured
    assert Progress(console).live == (settings.get("TERM") != "dumb")


def test_a_pipe_gets_no_escapes(spec, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    console = Console.of_terminal()
    console.rich().print(Text("gap", style="bold red"))
    assert console.out.getvalue() == "gap\n"
