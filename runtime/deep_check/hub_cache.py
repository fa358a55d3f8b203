"""Where the hub's cache keeps a model on this machine, from the names of its folders alone; nothing is downloaded."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the hub's cache: HF_HUB_CACHE, else HF_HOME/hub, else the user's cache."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return Path(os.environ[name]).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface" / "hub"


def cached_snapshot(repo: str, revision: str | None = None) -> Path | None:
    """Return the folder of a model's revision (a branch, tag or commit) if it has a config, else None."""
    folder = cache_folder() / f"models--{repo.replace('/', '--')}"
    named = folder / "refs" / (revision or "main")
    inside = named.resolve().is_relative_to(folder.resolve())
    commit = named.read_text().strip() if inside and named.is_file() else revision
    snapshot = folder / "snapshots" / commit if commit and "/" not in commit else None
    return snapshot if snapshot is not None and (snapshot / "config.json").is_file() else None
