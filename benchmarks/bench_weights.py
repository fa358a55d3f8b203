"""Weights: relative change per part of two checkpoints, beside reading both files from the first byte to the last.

Cold: the system is asked to forget the files before each run. Warm: it holds them in memory, and the limit is how fast
memory is read and widened to float64, not the disk.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from common import machine, table
from safetensors.torch import save_file

from probelang.runtime.weights import part_diff_norms

PARTS = {"self_attn.q_proj": (1, 1), "self_attn.k_proj": (1, 1), "self_attn.v_proj": (1, 1), "self_attn.o_proj": (1, 1),
         "mlp.gate_proj": (4, 1), "mlp.up_proj": (4, 1), "mlp.down_proj": (1, 4)}  # fmt: skip
CHUNK = 1 << 22


def build(folder: Path, width: int, layers: int, dtype: torch.dtype, seed: int) -> Path:
    """Save weights of a Llama's shape, without a model around them."""
    torch.manual_seed(seed)
    folder.mkdir()
    tensors = {"model.embed_tokens.weight": torch.randn(8192, width).to(dtype)}
    for layer in range(layers):
        for part, (rows, columns) in PARTS.items():
            weight = torch.randn(rows * width, columns * width).to(dtype)
            tensors[f"model.layers.{layer}.{part}.weight"] = weight
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(
        f'{{"model_type": "llama", "num_hidden_layers": {layers}, "hidden_size": {width}, "num_attention_heads": 8,'
        f' "intermediate_size": {4 * width}, "vocab_size": 8192}}'
    )
    return folder


def forget(folders: list[Path]) -> None:
    """Have the system drop the files from memory."""
    os.sync()
    for folder in folders:
        with open(folder / "model.safetensors", "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read(folders: list[Path]) -> None:
    """Read the files, one after the other."""
    buffer = bytearray(CHUNK)
    for folder in folders:
        with open(folder / "model.safetensors", "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def naive(folders: list[Path]) -> None:
    """Load both, and subtract tensor by tensor in float64."""
    from safetensors.torch import load_file

    a, b = (load_file(folder / "model.safetensors") for folder in folders)
    for name, weight in b.items():
        wide = weight.double()
        (float((a[name].double() - wide).square().sum()), float(wide.square().sum()))


def measured(work: Callable[[], object], before: Callable[[], object], times: int) -> tuple[float, float]:
    """The least wall and processor time of a call."""
    walls, processors = [], []
    for _ in range(times):
        before()
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return min(walls), min(processors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    works = {"probelang": lambda pair: part_diff_norms(*pair), "reading both": read, "load, then subtract": naive}
    for dtype in (torch.float32, torch.bfloat16):
        with TemporaryDirectory() as temporary:
            name = str(dtype).removeprefix("torch.")
            folders = [build(Path(temporary) / n, options.width, options.layers, dtype, i) for i, n in enumerate("ab")]
            size = sum((folder / "model.safetensors").stat().st_size for folder in folders)
            print(f"weights: two files of {name}, {size / 1e9:.2f} GB in all, {machine()}")
            for state, before in (("cold", lambda: forget(folders)), ("warm", lambda: read(folders))):
                rows = []
                for what, work in works.items():
                    times = 1 if work is naive else options.times
                    wall, processor = measured(lambda: work(folders), before, times)
                    remark = f"{size / wall / 1e9:.2f} GB/s, {processor:.2f} s of processor"
                    rows.append((f"{what}, {state}", wall, remark))
                table(rows, f"probelang, {state}")
                print(f"{rows[1][1] / rows[0][1]:.2f} of the speed of reading both")


if __name__ == "__main__":
    main()
