"""Train the whole series, or a part of it: `python -m probelang.runtime.zoo.build`.

Knows the order and where things go; how a model is trained is in `training.py`, what there is in `recipe.py`.
"""

import argparse
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import torch

from . import MODELS, cache_dir, zoo_path
from .checkpoint import about, load, save
from .recipe import RECIPES, SERIES, Recipe
from .tokenizer import build_tokenizer
from .training import fresh_model, train

# the one series whose checkpoints on the way fit into the package
SHIPPED_REVISIONS = "base"
DENSE_LOG = 50


def build(recipe: Recipe, out: Path) -> list[dict[str, float]]:
    """Train one model from its parent in `out`, write it and its revisions there, and return the log."""
    if recipe.parent is None:
        tokenizer = build_tokenizer()
        model = fresh_model(len(tokenizer), recipe.seed)
    else:
        parent = out / recipe.parent
        model, tokenizer = load(parent if parent.is_dir() else zoo_path(recipe.parent))
    shutil.rmtree(out / recipe.name, ignore_errors=True)
    log, started = [], time.monotonic()
    for record in train(model, tokenizer, recipe):
        step = int(record["step"])
        if step <= DENSE_LOG or step % 10 == 0:
            log.append({key: value if key == "step" else round(value, 6) for key, value in record.items()})
        if step in recipe.saves:
            save(model, tokenizer, out / recipe.name / "revisions" / f"step-{step}", about(recipe, step))
        if step % 50 == 0:
            shown = "  ".join(f"{key} {value:.3f}" for key, value in record.items() if key != "step")
            print(f"{recipe.name}  step {step}/{recipe.steps}  {shown}  {time.monotonic() - started:.0f} s", flush=True)
    save(model, tokenizer, out / recipe.name, about(recipe, recipe.steps), log)
    return log


def publish(out: Path, package: Path = MODELS) -> None:
    """Copy the finished models, and the one shipped series of revisions, into the package's own folder."""
    for recipe in SERIES:
        ignored = () if recipe.name == SHIPPED_REVISIONS else ("revisions",)
        target = package / recipe.name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(out / recipe.name, target, ignore=shutil.ignore_patterns(*ignored, ".*"))


def build_all(recipes: Sequence[Recipe], out: Path, jobs: int, threads: int) -> None:
    """Build models in `jobs` processes of so many threads each, every one as soon as its parent is there."""
    waiting, running = list(recipes), {}
    with ProcessPoolExecutor(jobs, get_context("spawn"), torch.set_num_threads, (threads,)) as pool:
        while waiting or running:
            blocked = {recipe.name for recipe in (*waiting, *running.values())}
            for recipe in [recipe for recipe in waiting if recipe.parent not in blocked][: jobs - len(running)]:
                waiting.remove(recipe)
                running[pool.submit(build, recipe, out)] = recipe
            for finished in wait(running, return_when=FIRST_COMPLETED).done:
                finished.result()
                del running[finished]


def main() -> None:
    """Build what the command line asks for; a model that is already there is kept unless it is named by `--only`."""
    parser = argparse.ArgumentParser(prog="probelang.runtime.zoo.build", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=sorted(RECIPES), help="just these, from parents at hand")
    parser.add_argument("--steps", type=int, help="train each model for so many steps only, to try things")
    parser.add_argument("--out", type=Path, default=cache_dir(), help="where to (default: the cache)")
    parser.add_argument("--jobs", type=int, default=2, help="models trained at once")
    parser.add_argument("--threads", type=int, default=1, help="threads for each")
    parser.add_argument("--publish", action="store_true", help="afterwards copy the finals into the package")
    arguments = parser.parse_args()
    wanted = [recipe for recipe in SERIES if recipe.name in (arguments.only or RECIPES)]
    if arguments.only is None:
        wanted = [recipe for recipe in wanted if not (arguments.out / recipe.name / "config.json").exists()]
    if arguments.steps:
        wanted = [replace(recipe, steps=arguments.steps) for recipe in wanted]
    build_all(wanted, arguments.out, arguments.jobs, arguments.threads)
    if arguments.publish:
        publish(arguments.out)


if __name__ == "__main__":
    main()
