"""Seeds derived by hash, and what the bits of a result depend on. Holds no state of its own."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from .models import LoadedModel

LIBRARIES = ("torch", "transformers", "nnsight", "numpy")


def derive_seed(*parts: str | int | float | None) -> int:
    """Return a seed in 0..2**63-1 that depends on every part and on their order, on any machine."""
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, device: str = "cpu") -> torch.Generator:
    """Return a torch generator of its own, so that no draw depends on what was drawn elsewhere."""
    import torch

    return torch.Generator(device).manual_seed(seed)


@contextmanager
def deterministic(on: bool = True, tf32: bool = False) -> Iterator[None]:
    """Within the block, use torch's deterministic kernels (a kernel that has none warns), and TF32 only if asked.

    `on=False` leaves the choice of kernels as it is. The mode is set by its name for debugging, "warn":
    `use_deterministic_algorithms` does the same and imports torch's compiler, which takes two seconds.
    """
    import torch

    before = torch.get_deterministic_debug_mode()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    precision = torch.get_float32_matmul_precision()
    cudnn = torch.backends.cudnn.allow_tf32
    if on:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it once, at its first call
        torch.set_deterministic_debug_mode("warn")
        torch.utils.deterministic.fill_uninitialized_memory = False  # every number that is read was written
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
        torch.utils.deterministic.fill_uninitialized_memory = filled
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.allow_tf32 = cudnn


def numerics(model: LoadedModel) -> dict[str, str]:
    """Return what the bits of an activation depend on beside weights and tokens; equal dicts promise equal numbers."""
    import torch

    kind = torch.device(model.device).type
    hardware = torch.cuda.get_device_name() if kind == "cuda" else platform.machine()
    return {
        "dtype": model.dtype,
        "device": kind,
        "hardware": hardware,
        "attention": model.attention,
        **{name: version(name) for name in LIBRARIES},
    }
