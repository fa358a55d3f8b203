"""Tokens in a batch: the time of a token in batches of several sizes, on the CPU; `runtime/memory.py` has the bound."""

from __future__ import annotations

import argparse
import time

import torch
import transformers
from common import machine, seconds

SIZES = (64, 256, 1024, 2048, 4096, 8192, 16_384)


def model(width: int, layers: int):
    """A random OLMo-2 without its unembedding."""
    config = transformers.Olmo2Config(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=8, num_key_value_heads=8,
        intermediate_size=4 * width, vocab_size=1000, pad_token_id=0, bos_token_id=None, eos_token_id=1,
    )  # fmt: skip
    return transformers.AutoModelForCausalLM.from_config(config).eval().model


def per_token(run, layers: int, tokens: int, length: int, times: int) -> float:
    """Microseconds of processor time for a token in a block, the least of several runs."""
    ids = torch.randint(2, 1000, (max(1, tokens // length), length))
    with torch.no_grad():
        return seconds(lambda: run(ids, use_cache=False), times, time.process_time, min) / ids.numel() / layers * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"batches: microseconds per token and block, {machine()}")
    print(f"{'width':>6}{'length':>8}" + "".join(f"{size:>9,}" for size in SIZES))
    for width, layers in ((64, 6), (256, 8), (1024, 2)):
        run = model(width, layers)
        for length in (12, 64):
            cells = [per_token(run, layers, size, length, options.times) for size in SIZES]
            print(f"{width:>6}{length:>8}" + "".join(f"{cell:9.1f}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
