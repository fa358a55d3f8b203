"""All sets of one and two layers x samples: the residual of an instruction's last token put into a bare query's first.

Every method computes the answer's logit for each cell of 16 layers x 16 layers / 2 x samples. Slow ones run a part of
the cells and are scaled; the remark says how many.
"""

from __future__ import annotations

import itertools
import logging
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from common import LAYERS, Warm, build, checked, limit, machine, plain, table
from common import seconds as seconds_by
from nnsight import NNsight

seconds = partial(seconds_by, clock=time.process_time)  # one thread: its own time, on a busy machine too
SAMPLES = 12
SETS = [s for n in (1, 2) for s in itertools.combinations(range(LAYERS), n)]
INSTRUCTION = [*range(100, 111)]
QUERIES = [[200 + i + j for j in range(1 + i % 3)] for i in range(SAMPLES)]
ANSWERS = [300 + i for i in range(SAMPLES)]

SPEC = """probe 1
model m = path("model")
dataset d = file("queries.csv")
prompts instruct { text: "INSTRUCTION" }
prompts bare from d { word: "{query}" answer: " {answer}" }
intervention carry(set) = patch(resid_post[set] at bare.first, from=resid_post[set] at instruct.last)
statistic grid = logit(bare) under carry(set) for set in choose(all_layers, 1..2)
"""


def words(ids: list[int]) -> str:
    return " ".join(f"w{i}" for i in ids)


def write(root: Path) -> str:
    build(root / "model")
    lines = [f"{words(q)},w{a}" for q, a in zip(QUERIES, ANSWERS, strict=True)]
    (root / "queries.csv").write_text("\n".join(["query,answer", *lines]) + "\n")
    return SPEC.replace("INSTRUCTION", words(INSTRUCTION))


def source(hf) -> list[torch.Tensor]:
    """The instruction's residual after each block, at its last token."""
    found: list[torch.Tensor] = []
    with ExitStack() as stack:
        for block in hf.model.layers:
            handle = block.register_forward_hook(lambda m, i, o: found.append(o[0, -1].clone()))
            stack.callback(handle.remove)
        hf(input_ids=torch.tensor([INSTRUCTION]), use_cache=False)
    return found


def patched(hf, query: list[int], vectors: dict[int, torch.Tensor]) -> torch.Tensor:
    """One full forward with hooks at the layers of a set; logits of the last token."""
    with ExitStack() as stack:
        for layer, vector in vectors.items():

            def put(module, inputs, output, vector=vector):
                output = output.clone()
                output[0, 0] = vector
                return output

            stack.callback(hf.model.layers[layer].register_forward_hook(put).remove)
        return hf(input_ids=torch.tensor([query]), use_cache=False).logits[0, -1]


def papers_loop(hf, cells: list[tuple[int, tuple[int, ...]]]) -> list[float]:
    """Five full forwards a cell: the instruction, the bare query, each layer alone, and the set."""
    out = []
    for sample, layers in cells:
        vectors = source(hf)
        patched(hf, QUERIES[sample], {})
        for layer in (layers[0], layers[-1]):
            patched(hf, QUERIES[sample], {layer: vectors[layer]})
        logits = patched(hf, QUERIES[sample], {layer: vectors[layer] for layer in layers})
        out.append(float(logits[ANSWERS[sample]]))
    return out


def trace_per_cell(nn, hf, cells: list[tuple[int, tuple[int, ...]]]) -> list[float]:
    """One nnsight trace a cell, the source captured once."""
    vectors, out = source(hf), []
    for sample, layers in cells:
        ids = torch.tensor([QUERIES[sample]])
        with nn.trace(ids, use_cache=False):
            for layer in layers:
                h = nn.model.layers[layer].output.clone()
                h[0, 0] = vectors[layer]
                nn.model.layers[layer].output = h
            out.append(nn.lm_head.output[0, -1])
        out[-1] = float(out[-1][ANSWERS[sample]])
    return out


def hand_batched(hf, budget: int = 8192) -> np.ndarray:
    """Hooks that edit per row, rows of one length batched, the head at last tokens only: what an expert writes."""
    vectors = torch.stack(source(hf))
    member = torch.tensor([[layer in s for layer in range(LAYERS)] for s in SETS])
    grid = np.zeros((len(SETS), SAMPLES))
    for length in sorted({len(q) for q in QUERIES}):
        samples = [i for i, q in enumerate(QUERIES) if len(q) == length]
        rows = [(s, i) for s in range(len(SETS)) for i in samples]
        for start in range(0, len(rows), budget // length):
            part = rows[start : start + budget // length]
            inside = member[[s for s, _ in part]]
            with ExitStack() as stack:
                for layer in range(LAYERS):

                    def put(module, inputs, output, layer=layer, inside=inside):
                        output = output.clone()
                        output[inside[:, layer], 0] = vectors[layer]
                        return output

                    stack.callback(hf.model.layers[layer].register_forward_hook(put).remove)
                ids = torch.tensor([QUERIES[i] for _, i in part])
                logits = hf(input_ids=ids, use_cache=False, logits_to_keep=1).logits[:, -1]
            answers = torch.tensor([ANSWERS[i] for _, i in part])
            found = logits.gather(1, answers[:, None])[:, 0].numpy()
            grid[[s for s, _ in part], [i for _, i in part]] = found
    return grid


def main() -> None:
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    cells = [(i, s) for s in SETS for i in range(SAMPLES)]
    few, more = cells[:: len(cells) // 12][:12], cells[:: len(cells) // 40][:40]
    with TemporaryDirectory() as folder, torch.no_grad():
        root = Path(folder)
        spec = checked(write(root), root)
        ours, early = Warm(spec, root), Warm(spec, root, passes_off=("resume-late", "reuse-prefix"))
        hf = plain(root / "model")
        times = {"probelang": seconds(ours.run, 5), "probelang, from the first block": seconds(early.run, 3)}
        times["hand-batched hooks"] = seconds(lambda: hand_batched(hf), 5)
        by_hand, ids = hand_batched(hf), {s: k for k, s in enumerate(SETS)}
        loop = papers_loop(hf, few)
        times["the paper's loop"] = seconds(lambda: papers_loop(hf, few), 3) * len(cells) / len(few)
        least = limit(ours)
        nn = NNsight(plain(root / "model"))
        traced = trace_per_cell(nn, hf, more)
        times["one nnsight trace per cell"] = seconds(lambda: trace_per_cell(nn, hf, more), 3) * len(cells) / len(more)
    values = ours.values("grid").reshape(len(SETS), SAMPLES)
    remarks = {
        "probelang": f"{len(cells) / times['probelang']:,.0f} cells/s, {ours.used:,} row-layer-tokens",
        "probelang, from the first block": f"{early.used:,} row-layer-tokens",
        "the paper's loop": f"scaled from {len(few)} cells, five forwards each",
        "one nnsight trace per cell": f"scaled from {len(more)} cells",
    }
    print(f"grid: {len(SETS)} sets x {SAMPLES} samples = {len(cells):,} cells, {LAYERS} layers, {machine()}")
    table([*((name, value, remarks.get(name, "")) for name, value in times.items()), least], "probelang")
    differences = [
        ("hand-batched hooks", np.abs(values - by_hand).max()),
        ("the paper's loop", max(abs(values[ids[s], i] - v) for (i, s), v in zip(few, loop, strict=True))),
        ("nnsight", max(abs(values[ids[s], i] - v) for (i, s), v in zip(more, traced, strict=True))),
    ]
    listed = ", ".join(f"{n} {d:.1e}" for n, d in differences)
    print(f"largest value {np.abs(values).max():.2f}; max |difference| to {listed}")


if __name__ == "__main__":
    main()
