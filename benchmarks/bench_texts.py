"""Texts in a batch: the time of a written token in batches of several sizes, on the CPU; `runtime/memory.py` has the
bound."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from common import VOCABULARY, build, machine, seconds

from probelang.runtime.engine import Batch, Engine
from probelang.runtime.engine.choose import Sampling
from probelang.runtime.engine.generate import Texts, generate
from probelang.runtime.models import ModelSource, load

SIZES = (8, 32, 128, 256, 512, 1024)
LENGTH = 12


def texts(count: int, tokens: int, heat: float) -> Texts:
    """As many texts, each behind a prompt of its own."""
    ids = torch.randint(2, VOCABULARY, (count, LENGTH), generator=torch.Generator().manual_seed(1))
    every, one = torch.arange(count), torch.ones(count, dtype=torch.float64)
    uniform = torch.rand(count, tokens, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    prompts = Batch(ids, torch.full((count,), LENGTH))
    return Texts(prompts, every, (), torch.full((count,), tokens), Sampling(heat * one, one, one), uniform,
                 frozenset(), lambda row, ids: False, VOCABULARY)  # fmt: skip


def per_token(engine: Engine, layers: int, count: int, tokens: int, heat: float, times: int) -> float:
    """Microseconds of processor time for a token in a block, the least of several runs."""
    asked = texts(count, tokens, heat)
    return seconds(lambda: generate(engine, asked), times, time.process_time, min) / (count * tokens) / layers * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=32)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"texts: microseconds per token and block, {options.tokens} tokens behind {LENGTH}, {machine()}")
    print(f"{'width':>6}{'':>10}" + "".join(f"{size:>9,}" for size in SIZES))
    for width, layers in ((64, 6), (256, 8), (1024, 2)):
        with TemporaryDirectory() as folder:
            engine = Engine(load(ModelSource("path", str(build(Path(folder), layers, width)))))
        for word, heat in (("greedy", 0.0), ("sampled", 1.0)):
            cells = [per_token(engine, layers, size, options.tokens, heat, options.times) for size in SIZES]
            print(f"{width:>6}{word:>10}" + "".join(f"{cell:9.1f}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
