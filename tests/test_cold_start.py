"""What importing and checking load: nothing heavy before it is needed. Times are printed; none is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "nnsight", "scipy", "sklearn", "polars", "altair", "huggingface_hub")
SPEC = Path(__file__).parent.parent / "specs" / "protocols" / "framing.probe"


def loaded(code: str, environment: dict[str, str] | None = None) -> tuple[set[str], float]:
    """The modules that a fresh process has after some code, and the seconds it took."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    seconds = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1])), seconds


def run(*argv: str) -> str:
    return f"from probelang.cli import main\nassert main({list(argv)!r}) == 0"


def test_importing_is_instant() -> None:
    modules, seconds = loaded("import probelang")
    print(f"import probelang: {seconds:.2f} s")
    assert not {m for m in modules if m.startswith("probelang.")}


def test_help_loads_no_compiler() -> None:
    modules, seconds = loaded(run("--help"))
    print(f"probe --help: {seconds:.2f} s")
    assert not {m for m in modules if m.startswith(("probelang.compiler", "probelang.runtime", "lark", *HEAVY))}


def test_the_first_tier_loads_nothing_heavy() -> None:
    loaded(run("check", "--no-deep", str(SPEC)))  # keeps the signatures
    modules, seconds = loaded(run("check", "--no-deep", str(SPEC)))
    print(f"probe check --no-deep: {seconds:.2f} s")
    assert not modules & {*HEAVY, "numpy", "pydantic", "tokenizers", "jinja2", "rich", "importlib.metadata"}


def test_the_second_tier_loads_no_engine() -> None:
    modules, seconds = loaded(run("check", str(SPEC)))
    print(f"probe check, with rows: {seconds:.2f} s")
    assert not modules & {*HEAVY} - {"polars"}


def test_the_second_tier_reads_no_rows_where_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "mine.probe"
    path.write_text(
        'model m = zoo("base")\nprompts p { text: "The key" }\nstatistic s = norm(resid_post[1] at p.last)\n'
    )
    modules, _ = loaded(run("check", str(path)))
    assert not modules & {*HEAVY, "numpy"}


@pytest.mark.parametrize("kept", ["", "not json", '{"key": "another", "signatures": {}}'])
def test_a_broken_cache_is_as_good_as_none(tmp_path: Path, monkeypatch, kept: str) -> None:
    from probelang.runtime import registry, signature_cache

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = signature_cache._place()
    place.parent.mkdir()
    place.write_text(kept)
    assert signature_cache.read() is None
    registry.load()
    whole = registry.catalogue()
    signature_cache.write(whole)
    assert signature_cache.read() == dict(whole)
