"""The manifest: what was run, with which versions, on what hardware, and what came out. JSON throughout."""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from ..results import Result, Run
from .notices import Notice

SCHEMA = 1
PACKAGES = (
    "probelang", "torch", "transformers", "nnsight", "tokenizers", "safetensors", "accelerate", "numpy", "scipy",
    "scikit-learn", "polars", "altair", "vl-convert-python",
)  # fmt: skip


def manifest_of(run: Run) -> dict[str, Any]:
    """Return the manifest of a run: what the run says of itself, and around it spec, versions, hardware and results."""
    spec = run.spec_text.encode()
    own = {k: v for k, v in run.manifest.items() if k not in ("versions", "hardware")}
    return plain(
        {
            "schema": SCHEMA,
            "name": run.name,
            "spec": {"file": Path(run.spec_path).name, "sha256": hashlib.sha256(spec).hexdigest()},
            "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            **own,
            "claims": [
                {"name": c.name, "line": c.line, "verdict": c.verdict, "reason": c.reason, "values": c.values}
                for c in run.claims
            ],
            "results": [_result(r) for r in run.results],
            "plots": [{"name": p.name, "line": p.line, "mark": p.mark} for p in run.plots],
            "warnings": [Notice.of(w).plain() for w in run.warnings],
            "versions": versions() | run.manifest.get("versions", {}),
            "hardware": hardware() | run.manifest.get("hardware", {}),
        }
    )


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide numbers; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """Describe the machine: system, processor, cores, memory in GB, and GPUs where torch is in use."""
    found: dict[str, Any] = {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
    }
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found["memory_gb"] = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        found["gpus"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return found


def plain(value: Any) -> Any:
    """Turn numpy values, tuples, paths and anything else into what JSON holds."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _result(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "statement": result.statement,
        "line": result.line,
        "kind": result.kind,
        "unit": result.unit,
        "axes": [{"name": a.name, "kind": a.kind, "size": len(a.labels)} for a in result.axes],
        "rows": result.frame.height,
        "not_computed": result.frame.height - result.frame["reason"].null_count(),
        "notes": list(result.notes),
    }


def _processor() -> str:
    """The processor's name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
