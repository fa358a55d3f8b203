"""Layer x position denoising: each residual of a corrupt prompt is set to the clean prompt's, one cell at a time."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from common import LAYERS, Warm, build, checked, machine, plain, seconds, table

TOKENS, DIFFERENT = 24, 6  # the prompts differ in one token
CLEAN = [*range(100, 100 + TOKENS)]
CORRUPT = [*CLEAN[:DIFFERENT], 999, *CLEAN[DIFFERENT + 1 :]]
ANSWER = 300

SPEC = """probe 1
model m = path("model")
contrast c {
  positive: { text: "CLEAN" answer: " w300" }
  negative: { text: "CORRUPT" answer: " w300" }
}
statistic grid = logit(c.negative) under patch(resid_pre[layer] at token, from=c.positive)
  for layer, token in c.negative.tokens
"""


def words(ids: list[int]) -> str:
    return " ".join(f"w{i}" for i in ids)


def hand_batched(hf, rows_at_once: int = 8192 // TOKENS) -> np.ndarray:
    """Hooks that edit per row, cells batched, the head at last tokens only: what an expert writes."""
    clean: list[torch.Tensor] = []
    with ExitStack() as stack:
        for block in hf.model.layers:
            handle = block.register_forward_pre_hook(lambda m, args: clean.append(args[0][0].clone()))
            stack.callback(handle.remove)
        hf(input_ids=torch.tensor([CLEAN]), use_cache=False)
    cells = [(layer, token) for layer in range(LAYERS) for token in range(TOKENS)]
    out = []
    for start in range(0, len(cells), rows_at_once):
        part = cells[start : start + rows_at_once]
        with ExitStack() as stack:
            for layer in sorted({layer for layer, _ in part}):
                rows = torch.tensor([r for r, (own, _) in enumerate(part) if own == layer])
                tokens = torch.tensor([t for own, t in part if own == layer])

                def put(module, args, layer=layer, rows=rows, tokens=tokens):
                    h = args[0].clone()
                    h[rows, tokens] = clean[layer][tokens]
                    return (h, *args[1:])

                stack.callback(hf.model.layers[layer].register_forward_pre_hook(put).remove)
            ids = torch.tensor([CORRUPT]).expand(len(part), -1)
            out.append(hf(input_ids=ids, use_cache=False, logits_to_keep=1).logits[:, -1, ANSWER])
    return torch.cat(out).view(LAYERS, TOKENS).numpy()


def main() -> None:
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder, torch.no_grad():
        root = Path(folder)
        build(root / "model")
        spec = checked(SPEC.replace("CLEAN", words(CLEAN)).replace("CORRUPT", words(CORRUPT)), root)
        runs = {
            "probelang": Warm(spec, root),
            "probelang without reuse-prefix": Warm(spec, root, passes_off=("reuse-prefix",)),
            "probelang without resume-late": Warm(spec, root, passes_off=("resume-late",)),
        }
        hf = plain(root / "model")
        times = {name: seconds(run.run, 3 if name == "probelang" else 1) for name, run in runs.items()}
        times["hand-batched hooks"] = seconds(lambda: hand_batched(hf), 2)
        by_hand = hand_batched(hf)
    cells = LAYERS * TOKENS
    remarks = {name: f"{run.used:,} row-layer-tokens" for name, run in runs.items()}
    remarks["probelang"] = f"{cells / times['probelang']:,.0f} cells/s, " + remarks["probelang"]
    remarks["hand-batched hooks"] = f"{cells * TOKENS * LAYERS:,} row-layer-tokens"
    print(f"positions: {LAYERS} layers x {TOKENS} tokens = {cells:,} cells, {machine()}")
    table([(name, value, remarks.get(name, "")) for name, value in times.items()], "probelang")
    values = runs["probelang"].values("grid").reshape(LAYERS, TOKENS)
    most = np.abs(values - by_hand).max()
    print(f"largest value {np.abs(values).max():.2f}; max |difference| to hand-batched hooks {most:.1e}")


if __name__ == "__main__":
    main()
