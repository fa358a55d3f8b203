"""The documentation: every spec in it checks or runs, every output it shows is real, the reference is up to date."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(ROOT / "docs" / f"{n}.md" for n in ("language", "planner", "store")),
]


def _helpers():
    found = importlib.util.spec_from_file_location("docs_blocks", Path(__file__).parent / "docs_blocks.py")
    module = importlib.util.module_from_spec(found)
    sys.modules["docs_blocks"] = module
    found.loader.exec_module(module)
    return module


docs = _helpers()


def named(page: Path, block) -> str:
    return f"{page.stem}-{block.line}"


WHOLE = [(p, b, text) for p in PAGES for b, text in docs.specs(p) if not {"bad", "extended"} & set(b.words)]
SHOWN = [(p, *found) for p in PAGES for found in docs.shown(p)]
CONSOLE = [(p, b) for p in PAGES for b in docs.blocks(p) if b.words == ("console",)]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.mark.parametrize("page, block, text", WHOLE, ids=[named(p, b) for p, b, _ in WHOLE])
def test_specs_check(page: Path, block, text: str) -> None:
    said = [d for d in docs.problems(text) if d.code != "unchecked" and not d.code.startswith("unused")]
    assert not said, [d.message for d in said]


@pytest.mark.parametrize("page, block, text, output", SHOWN, ids=[named(p, b) for p, b, *_ in SHOWN])
def test_shown_outputs_are_real(page: Path, block, text: str, output, tmp_path: Path) -> None:
    if "bad" in block.words:
        assert docs.told(text).split() == output.body.split()
    else:
        assert docs.alike(docs.ran(text, tmp_path), output.body)


@pytest.mark.parametrize("page, block", CONSOLE, ids=[named(p, b) for p, b in CONSOLE])
def test_commands_print_what_is_shown(page: Path, block, tmp_path: Path) -> None:
    docs.prepare(tmp_path, ROOT)
    for command, output in docs.commands(block):
        assert command.startswith("probe "), f"{command} cannot be run here"
        assert docs.alike(docs.printed(command, tmp_path), output), command


def test_reference_is_up_to_date() -> None:
    from probelang.reference import reference

    shown = (ROOT / "docs" / "reference.md").read_text("utf-8")
    assert shown == reference(), "run: python -m probelang.reference > docs/reference.md"


def test_every_operation_and_site_is_documented() -> None:
    from probelang.compiler.builtins import SITES
    from probelang.runtime.registry import catalogue

    reference = (ROOT / "docs" / "reference.md").read_text("utf-8")
    guide = (ROOT / "docs" / "language.md").read_text("utf-8")
    for name, signature in catalogue().items():
        assert f"#### `{name}`" in reference
        assert signature.summary.endswith((".", ")")), f"{name}: a docstring starts with a sentence"
    assert not [name for name in SITES if f"`{name}" not in guide]
    planned = guide.split("### Planned")[1].split("\n### ")[0]
    missing = [n for n, s in catalogue().items() if s.planned and f"`{n}`" not in planned]
    spoken = {"completeness", "head_activity", "path_count", "merge_words", "steering_path.ratio", "bins"}
    assert set(missing) <= spoken, f"name them under Planned: {sorted(set(missing) - spoken)}"
    runs = [n for n in re.findall(r"`(\w+)`", planned) if n in catalogue() and not catalogue()[n].planned]
    assert not runs, f"these run: {runs}"


def test_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    code = next(b.body for b in docs.blocks(ROOT / "README.md") if b.words == ("python",))
    monkeypatch.chdir(ROOT)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("pass\n")


def test_python_of_its_page_prints_what_it_says(monkeypatch, capsys, tmp_path: Path) -> None:
    code = "".join(b.body for b in docs.blocks(ROOT / "docs" / "python.md") if b.words == ("python",))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "python.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"^print\(.*\)  # (.*)$", code, re.M)


def test_readme_shows_the_first_spec() -> None:
    first = next(b for b in docs.blocks(ROOT / "README.md") if b.words[:1] == ("probe",))
    assert first.body == (ROOT / "docs" / "first.probe").read_text("utf-8")


def test_links_lead_somewhere() -> None:
    for page in [
        *PAGES,
        ROOT / "docs" / "index.md",
        ROOT / "docs" / "python.md",
        *sorted((ROOT / "docs" / "decisions").glob("*.md")),
    ]:
        text = docs.FENCE.sub("", page.read_text("utf-8"))
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_statistic_of_a_package_of_ones_own(tmp_path: Path) -> None:
    """The file that CONTRIBUTING shows, registered by entry point, works in the spec that it shows."""
    found = docs.blocks(ROOT / "CONTRIBUTING.md")
    module = next(b.body for b in found if b.words == ("python",) and "trimmed_mean" in b.body)
    entry = next(b.body for b in found if b.words == ("toml",))
    spec = next(b.body for b in found if b.words == ("probe", "extended"))
    group, name, value = re.search(r'entry-points\."([\w.]+)"\]\n(\w+) = "(\w+)"', entry).groups()
    info = tmp_path / "own-1.0.dist-info"
    info.mkdir()
    (tmp_path / f"{value}.py").write_text(module, "utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n", "utf-8")
    (tmp_path / "spec.probe").write_text(spec, "utf-8")
    program = (
        "import probelang; run = probelang.run('spec.probe'); "
        "print(*(run.tables[t]['value'][0] for t in ('plain', 'trimmed')), run.tables['trimmed']['low'][0])"
    )
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    plain, trimmed, low = map(float, done.stdout.split())
    assert (plain, trimmed) == (22, 3)
    assert 1 <= low < 3


def test_every_picture_of_the_pages_is_drawn_by_the_command():
    found = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    pictures = importlib.util.module_from_spec(found)
    found.loader.exec_module(pictures)
    drawn = {f"{example}-{plot}.png" for example, plots in pictures.wanted().items() for plot in plots}
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = {name for p in pages for name in re.findall(r"images/([\w-]+\.png)\)", p.read_text("utf-8"))}
    assert shown == drawn | {pictures.REPORT}
    for example, plots in pictures.wanted().items():
        spec = (pictures.EXAMPLES / f"{example}.probe").read_text("utf-8")
        assert all(re.search(rf"^plot {plot}\b", spec, re.M) for plot in plots), example


def test_without_a_browser_the_picture_of_the_report_stays(monkeypatch, capsys, tmp_path):
    found = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    pictures = importlib.util.module_from_spec(found)
    found.loader.exec_module(pictures)
    monkeypatch.setattr(pictures.shutil, "which", lambda name: None)
    before = (pictures.IMAGES / pictures.REPORT).read_bytes()
    pictures.report(tmp_path)
    assert "left as it is" in capsys.readouterr().err
    assert (pictures.IMAGES / pictures.REPORT).read_bytes() == before
