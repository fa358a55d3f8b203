"""A run on disk: parquet, safetensors, plots, one page and a manifest, each written whole or not at all.

A file is written beside its place and moved there; the manifest comes last, so that a directory with a new manifest
holds all that it names.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ProbeError
from ..results import Result, Run
from .frame import label_text
from .html import page
from .manifest import manifest_of, plain
from .notices import Notice
from .plots import png, spec, svg

OWNED = ("tables", "items", "vectors", "texts", "plots")


def write(run: Run, directory: Path, interactive: bool = True) -> Run:
    """Write a run to a directory and return it with that directory; raise `not-a-directory` where a file is in the way.

    What an earlier run left there under the same names is replaced, and what its manifest names and this run does not
    make is removed.
    """
    if directory.exists() and not directory.is_dir():
        raise ProbeError("not-a-directory", f"{directory} is a file, so that results cannot go there", "name another")
    directory.mkdir(parents=True, exist_ok=True)
    run = _drawable(run)
    before = _named_by(directory / "manifest.json")
    staging = Path(tempfile.mkdtemp(prefix=".writing-", dir=directory))
    try:
        manifest = manifest_of(run)
        _fill(run, staging, manifest, interactive)
        files = sorted(p.relative_to(staging) for p in staging.rglob("*") if p.is_file())
        manifest["files"] = {f.as_posix(): _digest(staging / f) for f in files}
        for file in files:
            (directory / file).parent.mkdir(exist_ok=True)
            os.replace(staging / file, directory / file)
        _write_json(staging / "manifest.json", manifest)
        os.replace(staging / "manifest.json", directory / "manifest.json")
    finally:
        shutil.rmtree(staging)
    for stale in before - set(manifest["files"]):
        (directory / stale).unlink(missing_ok=True)
    return replace(run, directory=directory)


def _drawable(run: Run) -> Run:
    """Turn plots that cannot be drawn into warnings: a run is never lost for a picture."""
    kept, warnings = [], list(run.warnings)
    for plot in run.plots:
        try:
            spec(plot)
            kept.append(plot)
        except ProbeError as problem:
            warnings.append(Notice(problem.code, problem.message, plot.line, problem.help))
    return replace(run, plots=tuple(kept), warnings=tuple(warnings))


def _fill(run: Run, root: Path, manifest: dict[str, Any], interactive: bool) -> None:
    for result in run.results:
        _table(result, root)
    for texts in run.texts:
        texts.frame.write_parquet(_place(root, "texts", f"{texts.name}.parquet"))
    for plot in run.plots:
        specification = spec(plot)
        _write_json(_place(root, "plots", f"{plot.name}.vl.json"), specification)
        _place(root, "plots", f"{plot.name}.svg").write_text(svg(specification), encoding="utf-8")
        _place(root, "plots", f"{plot.name}.png").write_bytes(png(specification))
    (root / "spec.probe").write_text(run.spec_text, encoding="utf-8")
    (root / "report.html").write_text(page(run, manifest, interactive), encoding="utf-8")


def _table(result: Result, root: Path) -> None:
    result.frame.write_parquet(_place(root, "tables", f"{result.name}.parquet"))
    if result.items is not None:
        result.items.write_parquet(_place(root, "items", f"{result.name}.parquet"))
    if result.vectors is not None:
        from safetensors.numpy import save_file

        axes = [
            {"name": a.name, "kind": a.kind, "labels": [label_text(label) for label in a.labels]} for a in result.axes
        ]
        path = _place(root, "vectors", f"{result.name}.safetensors")
        told = {"axes": json.dumps(axes), "statement": result.text}
        save_file({result.name: np.ascontiguousarray(result.vectors)}, path, metadata=told)
        path.chmod(0o644)  # the library writes files that only their owner can read


def _place(root: Path, folder: str, name: str) -> Path:
    (root / folder).mkdir(exist_ok=True)
    return root / folder / name


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _named_by(manifest: Path) -> set[str]:
    """The files of an earlier run, but only those in folders that runs own."""
    if not manifest.exists():
        return set()
    try:
        files = json.loads(manifest.read_text(encoding="utf-8")).get("files", {})
    except json.JSONDecodeError:
        return set()
    return {f for f in files if f.count("/") == 1 and f.split("/")[0] in OWNED and ".." not in f}
