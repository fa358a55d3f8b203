"""Models on disk, in plain hub layout: half-precision weights, a config that asks for fp32, the tokenizer."""

import json
import os
import shutil
from pathlib import Path

import torch

from .recipe import Recipe

LOG = "training.jsonl"


def save(
    model,
    tokenizer,
    folder: Path,
    about: dict[str, object],
    log: list[dict[str, float]] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a loadable directory in one step (it is complete or absent), replacing the files of an older one."""
    from safetensors.torch import save_file

    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    partial.mkdir(parents=True)
    weights = {name: value.to(dtype).contiguous() for name, value in model.state_dict().items()}
    save_file(weights, partial / "model.safetensors", metadata={"format": "pt"})
    model.config.architectures = [type(model).__name__]
    model.config.dtype = torch.float32
    model.config.save_pretrained(partial)
    model.generation_config.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    (partial / "zoo.json").write_text(json.dumps(about, indent=1) + "\n")
    if log is not None:
        (partial / LOG).write_text("".join(json.dumps(record) + "\n" for record in log))
    if (folder / "revisions").is_dir():
        (folder / "revisions").rename(partial / "revisions")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def load(folder: Path):
    """Load the model of a directory in fp32, and its tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def about(recipe: Recipe, step: int) -> dict[str, object]:
    """Describe what a checkpoint is, for `zoo.json`."""
    return {
        "name": recipe.name,
        "method": recipe.method,
        "parent": recipe.parent,
        "mixture": recipe.mixture,
        "without": sorted(recipe.off),
        "step": step,
        "steps": recipe.steps,
        "seed": recipe.seed,
    }
