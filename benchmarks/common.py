"""What the benchmarks share: a random OLMo-2, timing, and printing. Knows no task."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from probelang.compiler.check import Checked, check
from probelang.runtime.execute import run_stage
from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan
from probelang.runtime.pool import ModelPool
from probelang.runtime.prepared import prepare
from probelang.runtime.registry import catalogue

LAYERS, WIDTH, HEADS, VOCABULARY = 16, 256, 8, 4096


def build(folder: Path, layers: int = LAYERS, width: int = WIDTH) -> Path:
    """Save a random OLMo-2 and a tokenizer of the words `w2` to `w4095` into `folder`, and return it."""
    import transformers

    torch.manual_seed(0)
    config = transformers.Olmo2Config(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=HEADS, num_key_value_heads=HEADS,
        intermediate_size=4 * width, vocab_size=VOCABULARY, max_position_embeddings=512, tie_word_embeddings=False,
        pad_token_id=0, bos_token_id=None, eos_token_id=1,
    )  # fmt: skip
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0.0, 1.5 / width**0.5)
    model.save_pretrained(folder)
    save_tokenizer(folder, VOCABULARY)
    return folder


def save_tokenizer(folder: Path, count: int) -> None:
    """Save a tokenizer of the words `w2` to `w{count - 1}` into a folder."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {"<pad>": 0, "<eos>": 1} | {f"w{i}": i for i in range(2, count)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<pad>", pad_token="<pad>", eos_token="<eos>"
    ).save_pretrained(folder)


def plain(folder: Path):
    """Load the model as transformers gives it."""
    import transformers

    return transformers.AutoModelForCausalLM.from_pretrained(folder).eval()


class Warm:
    """Run a checked spec again and again on a model that is loaded once: lowering, planning and running are timed."""

    def __init__(self, checked: Checked, root: Path, **options) -> None:
        self.checked, self.root, self.options = checked, root, RunOptions(replicates=1, **options)
        first = prepare(checked, root, self.options)
        self.pool = ModelPool(first.bindings, self.options)
        self.results: dict = {}
        self.run()

    def run(self) -> None:
        """Run all stages; `results` are the cubes of this run's work, `used` the row-layer-tokens."""
        prepared = prepare(self.checked, self.root, self.options)
        self.pool.bindings = prepared.bindings
        before = self.pool.counts.row_layer_tokens
        for stage in prepared.stages:
            run_stage(prepared, stage, self.pool, None)
        self.used = self.pool.counts.row_layer_tokens - before
        self.results = prepared.evaluator.results
        self.prepared = prepared

    def values(self, name: str):
        """The values of a statistic [axes…, items]."""
        statement = next(s for s in self.checked.program.statements if s.name == name)
        node = self.prepared.roots[statement.node.key]
        return self.prepared.evaluator.at_home(node).cube(node).values


def checked(text: str, root: Path) -> Checked:
    """Check a spec as if it stood in a file under `root`."""
    found = check(text, str(root / "spec.probe"), catalogue(), lambda name, by: [])
    if found.errors:
        raise SystemExit("\n".join(d.message for d in found.errors))
    return found


def seconds(
    work: Callable[[], object],
    times: int = 3,
    clock: Callable[[], float] = time.perf_counter,
    of: Callable[[list[float]], float] = statistics.median,
) -> float:
    """The time of a call, the median `of` several; by `time.process_time` other programs take none of it."""
    found = []
    for _ in range(times):
        start = clock()
        work()
        found.append(clock() - start)
    return of(found)


def in_turns(work: dict[str, Callable[[], object]], times: int) -> dict[str, float]:
    """Median times of several calls that are made in turns, so that a busy machine is unfair to none."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(times):
        for name, call in work.items():
            found[name].append(seconds(call, 1))
    return {name: statistics.median(values) for name, values in found.items()}


def ceiling(device: str, dtype: torch.dtype, size: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """FLOP/s of a product of two square matrices."""
    one, two = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))

    def multiply() -> None:
        for _ in range(10):
            one @ two
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    multiply()
    return 10 * 2 * size**3 / seconds(multiply, 5, clock)


def limit(run: Warm) -> tuple[str, float, str]:
    """A row for the table: the time that the matrix products of a run's plan take at the speed of a large product."""
    flops = plan(run.checked, root=run.root, options=run.options).flops
    rate = ceiling("cpu", torch.float32, 1024, time.process_time)
    return "limit: the plan's products alone", flops / rate, f"{flops / 1e9:,.1f} GFLOP at {rate / 1e9:,.0f} GFLOP/s"


def machine() -> str:
    """The machine in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        cpu = platform.processor()
    return f"{cpu}, {torch.get_num_threads()} thread, torch {torch.__version__}, float32"


def table(rows: list[tuple[str, float, str]], ours: str) -> None:
    """Print name, seconds, how many times as long as ours, and a remark."""
    unit = next(value for name, value, _ in rows if name == ours)
    print(f"{'':34}{'seconds':>10}{'ratio':>9}")
    for name, value, remark in rows:
        print(f"{name:34}{value:10.2f}{value / unit:8.1f}x  {remark}".rstrip())
