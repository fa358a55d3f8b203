"""The sizes that matter, on a GPU, with random weights of real shapes: `python benchmarks/gpu.py --device cuda`.

`--size small` runs the same work on a small model, also without a GPU, to see that it runs. Times are warm: the model
is loaded and one run went before; lowering, planning, running and writing to a fresh store are timed, the cold
compile beside them. The ceiling is a product of two square matrices of the same dtype on the same device.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from common import Warm, ceiling, checked, save_tokenizer

WORDS = 4096  # of the tokenizer; the model's vocabulary may be larger


@dataclass(frozen=True)
class Shape:
    """The shape of a model: its transformers configuration's class and arguments."""

    config: str
    arguments: dict[str, object]

    def small(self) -> Shape:
        """The same architecture, small enough for any machine."""
        less = {
            "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
            "intermediate_size": 128, "vocab_size": WORDS,
        }  # fmt: skip
        return replace(
            self, arguments=self.arguments | less | ({"head_dim": 16} if "head_dim" in self.arguments else {})
        )


OLMO_1B = Shape("Olmo2Config", {
    "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 16, "num_key_value_heads": 16,
    "intermediate_size": 8192, "vocab_size": 100352, "tie_word_embeddings": False,
})  # fmt: skip
QWEN_06B = Shape("Qwen3Config", {
    "hidden_size": 1024, "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8,
    "intermediate_size": 3072, "vocab_size": 151936, "head_dim": 128, "tie_word_embeddings": True,
})  # fmt: skip
OLMO_7B = Shape("Olmo2Config", {
    "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32,
    "intermediate_size": 11008, "vocab_size": 100352, "tie_word_embeddings": False,
})  # fmt: skip


def build(shape: Shape, folder: Path, device: str, dtype: torch.dtype) -> None:
    """Save a random model of a shape, and a tokenizer of the words `w2` to `w4095`."""
    import transformers

    torch.manual_seed(0)
    given = {"max_position_embeddings": 4096, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1}
    config = getattr(transformers, shape.config)(**shape.arguments, **given)
    with torch.device(device):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(0.0, 1.5 / parameter.shape[-1] ** 0.5)
    model.save_pretrained(folder)
    del model
    save_tokenizer(folder, WORDS)


def words(first: int, count: int) -> str:
    return " ".join(f"w{i % (WORDS - 2) + 2}" for i in range(first, first + count))


def grid(root: Path, samples: int, query: int, order: int) -> str:
    """All sets of up to `order` layers x samples: an instruction's residuals put into the first token of a query."""
    lines = [f"{words(50 * i, 1 + i % query if query < 4 else query)},w{300 + i}" for i in range(samples)]
    (root / "queries.csv").write_text("\n".join(["query,answer", *lines]) + "\n")
    return f"""probe 1
model m = path("model")
dataset d = file("queries.csv")
prompts instruct {{ text: "{words(100, 11)}" }}
prompts bare from d {{ word: "{{query}}" answer: " {{answer}}" }}
intervention carry(set) = patch(resid_post[set] at bare.first, from=resid_post[set] at instruct.last)
statistic found = logit(bare) under carry(set) for set in choose(all_layers, 1..{order})
"""


def positions(root: Path, tokens: int) -> str:
    """Every layer x position of a corrupt prompt gets the clean prompt's residual."""
    return f"""probe 1
model m = path("model")
contrast c {{
  positive: {{ text: "{words(100, tokens)}" answer: " w300" }}
  negative: {{ text: "{words(100, 6)} w999 {words(107, tokens - 7)}" answer: " w300" }}
}}
statistic found = logit(c.negative) under patch(resid_pre[layer] at token, from=c.positive)
  for layer, token in c.negative.tokens
"""


def sweep(root: Path, prompts: int, longest: int) -> str:
    """The last token's residual after every layer, reduced to a mean difference."""
    lengths = itertools.cycle(range(longest // 8, longest + 1, 7))
    lines = [f"{words(9 * i, n)},{words(9 * i + 4, n)}" for i, n in zip(range(prompts // 2), lengths, strict=False)]
    (root / "prompts.csv").write_text("\n".join(["a,b", *lines]) + "\n")
    return """probe 1
model m = path("model")
dataset d = file("prompts.csv")
contrast sides from d { positive: { text: "{a}" } negative: { text: "{b}" } }
statistic found = norm(mean_diff(resid_post[layer] at sides.last)) for layer
"""


def steer(root: Path, prompts: int, tokens: int) -> str:
    """Greedy texts, with another vector for each of eight arms."""
    lines = [words(11 * i, 16) for i in range(prompts // 8)]
    (root / "asks.csv").write_text("\n".join(["ask", *lines]) + "\n")
    return f"""probe 1
model m = path("model")
dataset d = file("asks.csv")
prompts asked from d {{ text: "{{ask}}" }}
direction own = mean(resid_post[2] at asked.last)
direction way = random_unit(like=own, seed=seed) for seed in 1..8
statistic found = character_count(generate(asked, max_tokens={tokens}).response)
  under steer(way, scale=1, unit="residual_norm", during="predicting")
"""


def flops_per_token(shape: Shape) -> float:
    """Matrix-product FLOPs of one token in one block, without attention over other tokens."""
    a = shape.arguments
    width, head = a["hidden_size"], a.get("head_dim", a["hidden_size"] // a["num_attention_heads"])
    attention = width * head * (2 * a["num_attention_heads"] + 2 * a["num_key_value_heads"])
    return 2 * (attention + 3 * width * a["intermediate_size"])


def measure(name: str, shape: Shape, spec, root: Path, cells: int | None, given: argparse.Namespace) -> None:
    """Time one piece of work and print a line."""
    dtype = getattr(torch, given.dtype)
    build(shape, root / "model", given.device, dtype)
    text = spec(root)
    start = time.perf_counter()
    found = checked(text, root)
    compiled = time.perf_counter() - start
    warm = Warm(found, root, device=given.device, dtype=given.dtype)
    times = []
    for number in range(3):
        warm.options = replace(warm.options, store=root / f"store-{number}")
        start = time.perf_counter()
        warm.run()
        times.append(time.perf_counter() - start)
    best = sorted(times)[1]
    done = warm.used * flops_per_token(shape)
    rate = f"{cells / best:12,.0f} cells/s" if cells else f"{'':20}"
    share = done / best / ceiling(given.device, dtype, 4096 if given.size == "full" else 256)
    print(f"{name:44}{best:8.2f} s{rate}  {done / best / 1e12:8.3f} TFLOP/s, {share:4.0%} of a matrix product's;"
          f" compile {compiled:.2f} s", flush=True)  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--size", choices=("full", "small"), default="full")
    parser.add_argument("--only", nargs="+", help="names of pieces, or their beginnings")
    given = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    full = given.size == "full"
    samples, tokens, prompts = (100, 204, 512) if full else (4, 12, 16)
    layers = 16 if full else 4
    sets = {
        order: sum(1 for n in range(1, order + 1) for _ in itertools.combinations(range(layers), n)) for order in (2, 3)
    }
    work = {
        "grid 2 bare": (OLMO_1B, lambda root: grid(root, samples, 3, 2), sets[2] * samples),
        "grid 2, queries of 50": (OLMO_1B, lambda root: grid(root, samples, 50 if full else 8, 2), sets[2] * samples),
        "grid 3 bare": (OLMO_1B, lambda root: grid(root, samples, 3, 3), sets[3] * samples),
        "positions": (QWEN_06B, lambda root: positions(root, tokens), (28 if full else 4) * tokens),
        "sweep": (OLMO_7B, lambda root: sweep(root, prompts, 128 if full else 16), None),
        "steer": (OLMO_7B, lambda root: steer(root, 64 if full else 16, 64 if full else 8), None),
    }
    for name, (shape, spec, cells) in work.items():
        if given.only is None or any(name.startswith(wanted) for wanted in given.only):
            with TemporaryDirectory() as folder, torch.no_grad():
                measure(name, shape if full else shape.small(), spec, Path(folder), cells, given)


if __name__ == "__main__":
    main()
