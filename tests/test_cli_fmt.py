"""`probe fmt`: files, folders, standard input; checks and diffs change nothing."""

from __future__ import annotations

import io
import os

from probelang.cli import main

UNTIDY = 'probe 1\nmodel   base=zoo("base")\nlet a=1\n'
TIDY = 'probe 1\nmodel base = zoo("base")\nlet a = 1\n'


def test_files_and_folders(tmp_path, capsys) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("a.probe", "sub/b.probe", ".hidden/c.probe"):
        (tmp_path / name).write_text(UNTIDY)
    os.chmod(tmp_path / "a.probe", 0o640)
    assert main(["fmt", str(tmp_path)]) == 0
    assert (tmp_path / "a.probe").read_text() == (tmp_path / "sub/b.probe").read_text() == TIDY
    assert (tmp_path / ".hidden/c.probe").read_text() == UNTIDY
    assert (tmp_path / "a.probe").stat().st_mode & 0o777 == 0o640
    assert "2 files formatted" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == [".hidden", "a.probe", "sub"]


def test_check_and_diff_change_nothing(tmp_path, capsys) -> None:
    path = tmp_path / "a.probe"
    path.write_text(UNTIDY)
    assert main(["fmt", "--check", str(path)]) == 1
    assert capsys.readouterr().out == f"{path}\n"
    assert main(["fmt", "--diff", str(path)]) == 1
    assert "+let a = 1\n" in capsys.readouterr().out
    assert path.read_text() == UNTIDY
    path.write_text(TIDY)
    assert main(["fmt", "--check", str(path)]) == 0
    assert main(["fmt", "--diff", str(path)]) == 0
    assert capsys.readouterr().out == ""


def test_standard_input(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(UNTIDY))
    assert main(["fmt", "-"]) == 0
    assert capsys.readouterr().out == TIDY


def test_what_does_not_parse_is_told_and_kept(tmp_path, monkeypatch, capsys) -> None:
    broken, good = tmp_path / "a.probe", tmp_path / "b.probe"
    broken.write_text("let = 3\n")
    good.write_text(UNTIDY)
    assert main(["fmt", str(tmp_path)]) == 1
    assert "error[" in capsys.readouterr().err
    assert broken.read_text() == "let = 3\n" and good.read_text() == TIDY
    monkeypatch.setattr("sys.stdin", io.StringIO("let = 3\n"))
    assert main(["fmt", "-"]) == 1
    assert capsys.readouterr().out == "let = 3\n"
