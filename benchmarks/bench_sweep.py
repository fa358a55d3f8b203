"""The last token's residual after every layer, for 512 prompts of mixed length, and the mean difference of two sides.

The baseline is a plain forward of the same prompts without any capture and without the vocabulary head: sorted by
length, in the best of three batch sizes. Memory is the peak of a process of its own that runs the sweep on short
prompts and reduces it, in batches of one size: left to itself a sweep of more prompts has fuller batches.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from common import LAYERS, Warm, build, checked, in_turns, limit, machine, plain, table

PAIRS, SHORTEST, LONGEST = 256, 16, 128
MEMORY, SHORT = (256, 1024, 4096), 32  # pairs of the processes whose memory is measured, and their longest prompt
BATCH = 512  # tokens of a batch of these processes
BUDGETS = (512, 1024, 2048)  # tokens of a baseline's batch

SPEC = """probe 1
model m = path("model")
dataset d = file("prompts.csv")
contrast sides from d { positive: { text: "{a}" } negative: { text: "{b}" } }
statistic apart = norm(mean_diff(resid_post[layer] at sides.last)) for layer
"""


def prompts(pairs: int, longest: int = LONGEST) -> list[tuple[list[int], list[int]]]:
    """Pairs of prompts as token ids, their lengths drawn evenly."""
    random = np.random.default_rng(0)
    lengths = random.integers(SHORTEST, longest + 1, pairs)
    return [tuple(random.integers(2, 4000, n).tolist() for _ in range(2)) for n in lengths]


def write(root: Path, pairs: list[tuple[list[int], list[int]]]) -> None:
    lines = [",".join(" ".join(f"w{i}" for i in side) for side in pair) for pair in pairs]
    (root / "prompts.csv").write_text("\n".join(["a,b", *lines]) + "\n")


def batches(ids: list[list[int]], budget: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Prompts sorted by length and padded on the right, `budget` tokens at a time: ids and mask."""
    ordered, found, start = sorted(ids, key=len, reverse=True), [], 0
    while start < len(ordered):
        width = len(ordered[start])
        part = ordered[start : start + max(1, budget // width)]
        padded = torch.zeros(len(part), width, dtype=torch.long)
        mask = torch.zeros(len(part), width, dtype=torch.long)
        for row, one in enumerate(part):
            padded[row, : len(one)] = torch.tensor(one)
            mask[row, : len(one)] = 1
        found.append((padded, mask))
        start += len(part)
    return found


def forward(hf, made: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    for ids, mask in made:
        hf.model(input_ids=ids, attention_mask=mask, use_cache=False)


def by_hand(hf, pairs: list[tuple[list[int], list[int]]]) -> np.ndarray:
    """The statistic from one forward for each prompt, to compare: [layers]."""
    total = torch.zeros(LAYERS, hf.config.hidden_size, dtype=torch.float64)
    caught: dict[int, torch.Tensor] = {}
    for layer, block in enumerate(hf.model.layers):
        block.register_forward_hook(lambda m, i, o, layer=layer: caught.__setitem__(layer, o[0, -1].double()))
    for pair in pairs:
        for ids, sign in zip(pair, (1, -1), strict=True):
            hf.model(input_ids=torch.tensor([ids]), use_cache=False)
            total += sign * torch.stack([caught[layer] for layer in range(LAYERS)])
    return (total / len(pairs)).norm(dim=1).numpy()


def peak(count: int) -> float:
    """Peak memory in MB of a process that runs the sweep on so many pairs."""
    made = subprocess.run([sys.executable, __file__, "--pairs", str(count)], capture_output=True, text=True, check=True)
    return float(made.stdout.split()[-1])


def one_run(count: int) -> None:
    """Run the sweep once and print the process's peak memory in MB."""
    with TemporaryDirectory() as folder, torch.no_grad():
        root = Path(folder)
        build(root / "model")
        write(root, prompts(count, SHORT))
        Warm(checked(SPEC, root), root, batch_tokens=BATCH).values("apart")
    # not `getrusage`: its peak is inherited from the process that started this one
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(int(status["VmHWM"].split()[0]) / 1024)


def main() -> None:
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["--pairs"]:
        return one_run(int(sys.argv[2]))
    pairs = prompts(PAIRS)
    ids = [side for pair in pairs for side in pair]
    tokens = sum(map(len, ids))
    with TemporaryDirectory() as folder, torch.no_grad():
        root = Path(folder)
        build(root / "model")
        write(root, pairs)
        run, hf = Warm(checked(SPEC, root), root), plain(root / "model")
        work = {"probelang": run.run}
        for budget in BUDGETS:
            made = batches(ids, budget)
            work[f"plain forward, {budget:,} tokens a batch"] = lambda made=made: forward(hf, made)
        times, least = in_turns(work, 3), limit(run)
        found, expected = run.values("apart").reshape(-1), by_hand(plain(root / "model"), pairs[:])
    peaks = ", ".join(f"{peak(pairs):,.0f} MB with {2 * pairs:,} prompts" for pairs in MEMORY)
    remarks = {name: f"{tokens / value:,.0f} tokens/s" for name, value in times.items()}
    print(f"sweep: {len(ids)} prompts of {SHORTEST} to {LONGEST} tokens, {LAYERS} layers, {machine()}")
    table([*((name, value, remarks[name]) for name, value in times.items()), least], "probelang")
    best = min(value for name, value in times.items() if name != "probelang")
    print(f"{best / times['probelang']:.2f} of the best plain forward's tokens/s")
    print(f"largest relative difference to one prompt at a time {np.abs(found / expected - 1).max():.1e}")
    print(f"peak memory {peaks} of up to {SHORT} tokens")
    return None


if __name__ == "__main__":
    main()
