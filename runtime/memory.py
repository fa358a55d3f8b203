"""How much memory is free, and how much of it weights and batches may take. Loads no model.

On the CPU the smallest of what the system has available, what a container's limit leaves, and what the address space
of this process may still grow by.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..compiler.shape import ModelShape

WEIGHTS, ACTIVATIONS = 0.6, 0.2  # shares of free memory; the rest is for results, the store and the system
# Beyond these, more tokens in a batch gain nothing: benchmarks/bench_batches.py measures it.
MOST_TOKENS = {"cpu": 4096, "mps": 16_384, "cuda": 65_536}
LEAST_TOKENS = 64
MOST_TEXTS = {"cpu": 256, "mps": 512, "cuda": 512}  # written at a time: benchmarks/bench_texts.py measures it
UNKNOWN = 4 * 10**9  # where the system does not tell


@dataclass(frozen=True)
class Memory:
    """Free bytes of the device that models run on; not `known` where that is not here to be asked."""

    free: int
    kind: str = "cpu"
    known: bool = True

    @property
    def for_weights(self) -> int:
        return int(self.free * WEIGHTS)

    @property
    def for_batch(self) -> int:
        return int(self.free * ACTIVATIONS)

    def batch_tokens(self, shape: ModelShape, longest: int, logits: float) -> int:
        """Tokens that a batch may have, where its longest row has `longest` tokens and a token has `logits` logits."""
        per_token = shape.block_bytes(longest) + 4 * logits * shape.vocabulary
        fits = int(self.for_batch / per_token)
        return max(LEAST_TOKENS, min(fits, MOST_TOKENS[self.kind]))


def free_memory(device: str) -> Memory:
    """Measure the free memory of a device: "cpu", "mps", "cuda" or "cuda:1"."""
    kind = device.split(":")[0]
    if kind == "cuda":
        free = _free_on_gpu(device)
        return Memory(UNKNOWN, "cuda", known=False) if free is None else Memory(free, "cuda")
    return Memory(free_on_cpu(), kind if kind in MOST_TOKENS else "cpu")


def free_on_cpu(root: Path = Path("/")) -> int:
    """Free bytes for this process; `root` is where `proc` and `sys` are mounted."""
    found = [_available(root), _container(root), _address_space(root)]
    known = [n for n in found if n is not None]
    return max(min(known), 0) if known else UNKNOWN


def _available(root: Path) -> int | None:
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        names = os.sysconf_names if hasattr(os, "sysconf") else {}
        if "SC_AVPHYS_PAGES" in names:
            return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        # macOS tells how much there is, not how much is free.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2 if "SC_PHYS_PAGES" in names else None
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(values["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in values else None


def _container(root: Path) -> int | None:
    """What the control groups of this process leave: the tightest of its own and those above, versions 1 and 2."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    left = []
    for line in lines:
        _, controllers, own = line.split(":", 2)
        if controllers not in ("", "memory") and "memory" not in controllers.split(","):
            continue
        mount, limit, used, cache = (
            ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")
            if not controllers
            else ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )
        folder = root / mount / own.lstrip("/")
        # Inside a container the path may be that of the host, and the mount the group itself.
        for group in (folder, *folder.parents):
            if (room := _group(group, limit, used, cache)) is not None:
                left.append(room)
            if group == root / mount:
                break
    return min(left, default=None)


def _group(folder: Path, limit: str, used: str, cache: str) -> int | None:
    try:
        most, now = (folder / limit).read_text().strip(), int((folder / used).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    if most == "max" or int(most) >= 1 << 62:
        return None
    return int(most) - now + int(stat.get(cache, 0))  # files that are only cached give way


def _address_space(root: Path) -> int | None:
    try:
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        if most == resource.RLIM_INFINITY:
            return None
        pages = int((root / "proc/self/statm").read_text().split()[0])
    except (ImportError, OSError, ValueError):
        return None
    return most - pages * os.sysconf("SC_PAGE_SIZE")


def _free_on_gpu(device: str) -> int | None:
    import torch

    if not torch.cuda.is_available():
        return None  # loading a model says what is wrong
    free, _ = torch.cuda.mem_get_info(torch.device(device))
    # What torch holds but does not use is free for tensors.
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
