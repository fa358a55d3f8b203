"""Other libraries, each in an environment of its own, timed on the same model on the same machine.

`make` installs a peer once, under `benchmarks/.peers/`, and never into the project's own environment. A peer's script
gets a folder with a model and the task as JSON, and prints `{"seconds": …, "cells": …, "values": …}`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / ".peers"
TORCH = "torch==2.13.0"
PEERS = {"transformer_lens": "transformer-lens==4.3.0", "pyvene": "pyvene==0.1.8"}


def make(peer: str) -> Path:
    """Return the python of a peer's environment; it is installed when it is not there."""
    folder = ENVIRONMENTS / peer
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.is_file():
        print(f"installing {PEERS[peer]} into {folder.relative_to(HERE.parent)} …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        for wanted in (TORCH, PEERS[peer]):
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", wanted], check=True)
        ready.touch()
    return python


def timed(peer: str, folder: Path, task: dict) -> dict:
    """Run a peer's script on a model; `task` are its arguments. Returns what it printed."""
    script = HERE / f"{peer}_positions.py"
    found = subprocess.run(
        [str(make(peer)), str(script), str(folder), json.dumps(task)],
        capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"},
    )  # fmt: skip
    if found.returncode:
        raise SystemExit(f"{peer} failed:\n{found.stderr[-2000:]}")
    return json.loads(found.stdout.splitlines()[-1])
