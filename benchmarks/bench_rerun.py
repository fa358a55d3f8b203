"""Running again: the same spec, an edited one, many small values with and without the store, and compiling variants
and a million cells."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from common import Warm, build, checked, in_turns, machine, seconds, table

from probelang.runtime.options import RunOptions
from probelang.runtime.planning import plan

ITEMS, SMALL, VARIANTS = 48, 300, 100
TIMES = 3


def rows(count: int) -> str:
    return "\n".join(f"w{2 + n} w{300 + 7 * n} w{9 + 3 * n} w{60 + n},w{500 + n}" for n in range(count))


HEAD = f'''probe 1
model m = path("model")
dataset d = rows("""q,a
{rows(ITEMS)}
""")
prompts p from d {{ body: "w100 w200 w300 w400 {{q}} w500 w600" answer: " {{a}}" }}
'''
SWEEP = HEAD + "statistic sweep = logit(p) under scale(resid_post[layer] at p.last, 2) for layer\n"
MORE = SWEEP + "statistic more = logit(p) under scale(mlp[8] at p.last, 2)\n"
MANY = HEAD + "\n".join(f'statistic s{n} = logit(p, " w{1000 + n}")' for n in range(SMALL)) + "\n"
WIDE = HEAD + f"statistic wide = logit(p) under scale(resid_post[3] at p.last, s) for s in 1..{VARIANTS}\n"
HUGE = HEAD + "statistic huge = logit(p) under scale(resid_post[layer] at p.last, s) for layer, s in 1..1302\n"
LONG = HEAD + "\n".join(
    f"statistic s{n} = logit(p) under scale(resid_post[3] at p.last, {n + 2})" for n in range(VARIANTS)
)  # fmt: skip


class Again:
    """Runs of a spec on a loaded model, each on a store as it was prepared: none, empty, or filled by another spec."""

    def __init__(self, text: str, root: Path, store: str | None, filled_by: Again | None = None) -> None:
        self.folder = None if store is None else root / store
        self.filled = None if filled_by is None else filled_by.folder
        self.prepare()
        self.warm = Warm(checked(text, root), root, store=self.folder)

    def prepare(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            if self.filled is not None:
                shutil.copytree(self.filled, self.folder)

    def run(self) -> None:
        self.warm.run()
        if self.warm.prepared.store is not None:
            self.warm.prepared.store.close()

    def timed(self) -> float:
        """Seconds of one run; the store is made ready before."""
        self.prepare()
        return seconds(self.run, 1)


def compare(name: str, runs: dict[str, Again], ours: str) -> None:
    """Time runs in turns, and print them with what each ran of the model."""
    found: dict[str, list[float]] = {label: [] for label in runs}
    for _ in range(TIMES):
        for label, run in runs.items():
            found[label].append(run.timed())
    print(f"{name}, {machine()}")
    remarks = {label: f"{run.warm.used:,} row-layer-tokens" for label, run in runs.items()}
    table([(label, sorted(times)[len(times) // 2], remarks[label]) for label, times in found.items()], ours)
    print()


def main() -> None:
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder, torch.no_grad():
        root = Path(folder)
        build(root / "model")
        first = Again(SWEEP, root, "first")
        compare(
            f"rerun: 16 layers x {ITEMS} items",
            {
                "without a store": Again(SWEEP, root, None),
                "first run": first,
                "second run": Again(SWEEP, root, "second", first),
                "one statistic added": Again(MORE, root, "more", first),
                "the longer spec anew": Again(MORE, root, "anew"),
            },
            "first run",
        )
        many = Again(MANY, root, "many")
        compare(
            f"small values: {SMALL} statistics of {ITEMS} items each",
            {
                "without a store": Again(MANY, root, None),
                "first run": many,
                "second run": Again(MANY, root, "again", many),
            },
            "first run",
        )
        specs = {
            f"{VARIANTS} variants in one statement": WIDE,
            f"{VARIANTS} statements": LONG,
            "a million cells": HUGE,
        }
        options = RunOptions(replicates=1)
        times = in_turns(
            {n: lambda t=t: plan(checked(t, root), root=root, options=options).text() for n, t in specs.items()}, TIMES
        )
    print(f"compile: check, lower and plan {VARIANTS} variants of {ITEMS} items, {machine()}")
    table([(name, value, "") for name, value in times.items()], next(iter(times)))


if __name__ == "__main__":
    main()
