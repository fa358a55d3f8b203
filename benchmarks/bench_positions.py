"""Layer x position denoising: each residual of a corrupt prompt is set to the clean prompt's, one cell at a time.

Beside hooks by hand stand the helpers of two peers, on the same model in environments of their own. `--tokens 200`
takes longer prompts, runs a part of the cells by hand, everything once, and leaves out the peers and the plans without
one pass, which would need most of an hour.
"""

from __future__ import annotations

import argparse
import logging
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from common import LAYERS, Warm, build, checked, in_turns, limit, machine, plain, table
from peers import PEERS, timed

DIFFERENT, ANSWER = 6, 300  # the one token that differs, and the one that is measured
BY_HAND = (2048, 8192)  # tokens of a batch by hand
MOST = 640  # cells by hand

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


def hand_batched(hf, clean_ids: list[int], corrupt_ids: list[int], budget: int) -> np.ndarray:
    """Hooks that edit per row, cells batched, the head at last tokens only: what an expert writes. Returns the first
    cells, in the order of layers and tokens.
    """
    clean: list[torch.Tensor] = []
    with ExitStack() as stack:
        for block in hf.model.layers:
            handle = block.register_forward_pre_hook(lambda m, args: clean.append(args[0][0].clone()))
            stack.callback(handle.remove)
        hf(input_ids=torch.tensor([clean_ids]), use_cache=False)
    count = len(clean_ids)
    cells = [(layer, token) for layer in range(LAYERS) for token in range(count)]
    cells = cells[:: -(-len(cells) // MOST)]
    at_once, out = budget // count, []
    for start in range(0, len(cells), at_once):
        part = cells[start : start + at_once]
        with ExitStack() as stack:
            for layer in sorted({layer for layer, _ in part}):
                rows = torch.tensor([r for r, (own, _) in enumerate(part) if own == layer])
                tokens = torch.tensor([t for own, t in part if own == layer])

                def put(module, args, layer=layer, rows=rows, tokens=tokens):
                    h = args[0].clone()
                    h[rows, tokens] = clean[layer][tokens]
                    return (h, *args[1:])

                stack.callback(hf.model.layers[layer].register_forward_pre_hook(put).remove)
            ids = torch.tensor([corrupt_ids]).expand(len(part), -1)
            out.append(hf(input_ids=ids, use_cache=False, logits_to_keep=1).logits[:, -1, ANSWER])
    return torch.cat(out).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--no-peers", action="store_true", help="leave out what must be installed")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    count, cells = given.tokens, LAYERS * given.tokens
    clean = [*range(100, 100 + count)]
    corrupt = [*clean[:DIFFERENT], 999, *clean[DIFFERENT + 1 :]]
    with TemporaryDirectory() as folder, torch.no_grad():
        root = Path(folder)
        build(root / "model")
        spec = checked(SPEC.replace("CLEAN", words(clean)).replace("CORRUPT", words(corrupt)), root)
        runs = {"probelang": Warm(spec, root)}
        for name in ("reuse-prefix", "resume-late", "measure-late") if cells <= MOST else ():
            runs[f"probelang without {name}"] = Warm(spec, root, passes_off=(name,))
        hf = plain(root / "model")
        work = {name: run.run for name, run in runs.items()}
        hands = {f"hand-batched hooks, {budget:,} tokens": budget for budget in BY_HAND}
        work |= {n: lambda b=budget: hand_batched(hf, clean, corrupt, b) for n, budget in hands.items()}
        times, least = in_turns(work, 3 if cells <= MOST else 1), limit(runs["probelang"])
        by_hand = hand_batched(hf, clean, corrupt, BY_HAND[0])
        for name in hands:
            times[name] *= cells / len(by_hand)
        found: dict[str, dict] = {}
        if not given.no_peers and cells <= MOST:
            task = {"clean": clean, "corrupt": corrupt, "answer": ANSWER}
            found = {peer: timed(peer, root / "model", task) for peer in PEERS}
            times |= {peer: made["seconds"] for peer, made in found.items()}
    part = "" if len(by_hand) == cells else f"scaled from {len(by_hand):,} cells"
    remarks = {name: f"{run.used:,} row-layer-tokens" for name, run in runs.items()} | dict.fromkeys(hands, part)
    remarks["probelang"] = f"{cells / times['probelang']:,.0f} cells/s, " + remarks["probelang"]
    print(f"positions: {LAYERS} layers x {count} tokens = {cells:,} cells, {machine()}")
    table([*((name, value, remarks.get(name, "")) for name, value in times.items()), least], "probelang")
    values = runs["probelang"].values("grid").reshape(-1)
    apart = {"hooks": np.abs(values[:: -(-cells // MOST)] - by_hand).max()}
    apart |= {peer: np.abs(values - np.array(made["values"]).reshape(-1)).max() for peer, made in found.items()}
    told = ", ".join(f"{most:.1e} to {name}" for name, most in apart.items())
    print(f"largest value {np.abs(values).max():.2f}; max |difference| {told}")


if __name__ == "__main__":
    main()
