"""Run a sweep on few and on many items in a process of its own, and print what each run took: peak megabytes."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import numpy as np
import torch
import transformers

from probelang.compiler.check import check
from probelang.runtime.execute import execute
from probelang.runtime.options import RunOptions
from probelang.runtime.registry import catalogue
from tests.helpers_models import WORDS, write_tokenizer

LAYERS, WIDTH = 6, 4096  # 96 KB of vectors for each prompt
SPEC = """probe 1
model m = path("model")
dataset d = file("rows.csv")
contrast sides from d { positive: { text: "{a}" } negative: { text: "{b}" } }
statistic apart = norm(mean_diff(resid_post[layer] at sides.last)) for layer
direction way   = unit(mean_diff(resid_post[3] at sides.last))
statistic along = mean(cosine(resid_post[layer] at sides.last, way)) for layer
"""


def build(folder: Path) -> None:
    """A model with a wide stream and thin blocks: cheap to run, for what is read of it."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=1, head_dim=8, intermediate_size=8,
        vocab_size=len(WORDS), pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    write_tokenizer(folder)


def peak(reset: bool = False) -> float:
    """The most memory that this process had since the last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def run(root: Path, items: int, store: bool) -> None:
    words = np.random.default_rng(0).choice(WORDS[20:], (items, 2, 3))
    lines = [",".join(" ".join(side) for side in pair) for pair in words]
    (root / "rows.csv").write_text("\n".join(["a,b", *lines]) + "\n")
    checked = check(SPEC, str(root / "spec.probe"), catalogue(), lambda name, by: [])
    folder = root / f"store-{items}" if store else None
    execute(checked, root=root, options=RunOptions(replicates=4, batch_tokens=256, store=folder))


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    root, store, sizes = Path(sys.argv[1]), sys.argv[2] == "store", [int(n) for n in sys.argv[3:]]
    build(root / "model")
    run(root, sizes[0], store=False)  # everything is imported now
    for items in sizes:
        for _ in range(1 + store):  # the second time it is read from the store
            peak(reset=True)
            run(root, items, store)
            print(items, peak(), flush=True)
