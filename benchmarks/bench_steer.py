"""Texts under steering, with a vector for each row, beside transformers' `generate` without any, on the same model."""

from __future__ import annotations

import logging
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import torch
from common import VOCABULARY, Warm, build, checked, limit, machine, plain, table

from probelang.runtime.generation.value import token_ids

LAYERS, WIDTH = 8, 256
PROMPTS, VECTORS, LENGTH, TOKENS = 8, 8, 12, 64

SPEC = """probe 1
model m = path("model")
dataset d = rows(\"\"\"text
TEXTS
\"\"\")
prompts p from d { body: "{text}" }
direction like = mean(resid_post[4] at p.last)
direction v = random_unit(like=like, seed=seed) for seed in 1..8
"""
PLAIN = "statistic t = generate(p, samples=8, max_tokens=64, temperature=1).response\n"
STEERED = """statistic t = generate(p, max_tokens=64, temperature=HEAT).response under steer(v, scale=2, during="all")
"""


def ids_of_prompts() -> list[list[int]]:
    """Tokens of the prompts, all different."""
    return torch.randint(2, VOCABULARY, (PROMPTS, LENGTH), generator=torch.Generator().manual_seed(1)).tolist()


def by_transformers(hf, ids: torch.Tensor, **how) -> torch.Tensor:
    """The library's own loop with its cache; tokens [rows, tokens]."""
    out = hf.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=TOKENS, min_new_tokens=TOKENS,
                      pad_token_id=0, **how)  # fmt: skip
    return out[:, ids.shape[1] :]


def written(run: Warm) -> int:
    """How many tokens a run wrote."""
    cubes = [c for c in run.results.values() if c.values.dtype.kind == "i" and c.feature]
    return sum(len(token_ids(cell)) for c in cubes for cell in c.values.reshape(-1, *c.feature))


def main() -> None:
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    prompts = ids_of_prompts()
    texts = "\n".join(" ".join(f"w{i}" for i in row) for row in prompts)
    with TemporaryDirectory() as folder, torch.no_grad():
        root = Path(folder)
        build(root / "model", LAYERS, WIDTH)
        hf, ids = plain(root / "model"), torch.tensor(prompts).repeat_interleave(VECTORS, 0)
        works = {}
        for word, heat, how in (
            ("greedy", "0", dict(do_sample=False)),
            ("sampled", "1", dict(do_sample=True, top_k=0)),
        ):
            line = SPEC.replace("TEXTS", texts) + STEERED.replace("HEAT", heat)
            works[f"probelang, {word}, steered"] = Warm(checked(line, root), root).run
            works[f"transformers generate, {word}"] = lambda how=how: by_transformers(hf, ids, **how)
        sampled = Warm(checked(SPEC.replace("TEXTS", texts) + PLAIN, root), root)
        works["probelang, sampled, plain"] = sampled.run
        runs = {name: work.__self__ for name, work in works.items() if hasattr(work, "__self__")}
        times = {name: [] for name in works}
        for _ in range(5):  # in turn, so that what else the machine does is shared
            for name, work in works.items():
                start = process_time()
                work()
                times[name].append(process_time() - start)
        least = limit(runs["probelang, greedy, steered"])
    rates = []
    for name, found in times.items():
        tokens = written(runs[name]) if name in runs else len(ids) * TOKENS
        rates.append((name, median(found) / tokens * 1000, f"{tokens / median(found):,.0f} tokens/s"))
    rates.append((least[0], least[1] / (len(ids) * TOKENS) * 1000, least[2]))
    print(f"texts: {PROMPTS} prompts x {VECTORS} vectors x {TOKENS} tokens, {LAYERS} layers of {WIDTH}, {machine()}")
    print("processor seconds for 1,000 tokens, median of 5 turns")
    table(rates, "transformers generate, greedy")


if __name__ == "__main__":
    main()
