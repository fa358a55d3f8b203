"""A run in a process of its own, to be killed: writes a byte for each batch that is done, and its tables at the end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nnsight  # noqa: F401  each process forks with it
import torch
import transformers.models.llama.modeling_llama  # noqa: F401

from probelang.compiler.check import check
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.registry import catalogue

catalogue()


def run(text: str, root: Path, store: Path | None, out: Path, told: Path, options: dict) -> None:
    """Run a spec on a store; `told` grows by a byte with each batch."""
    torch.set_num_threads(1)
    file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    checked = check(text, str(root / "spec.probe"), catalogue(), lambda name, by: [])
    assert not checked.errors, [d.message for d in checked.errors]
    found = execute(
        checked, root=root, options=RunOptions(store=store, **options), progress=lambda *_: os.write(file, b".")
    )
    out.mkdir(exist_ok=True)
    for result in found.results:
        result.frame.write_parquet(out / f"{result.name}.parquet")
        if result.items is not None:
            result.items.write_parquet(out / f"{result.name}.items.parquet")
        if result.vectors is not None:
            (out / f"{result.name}.vectors").write_bytes(result.vectors.tobytes())
    (out / "counts.json").write_text(json.dumps({k: found.manifest[k] for k in ("counts", "stages", "store")}))
