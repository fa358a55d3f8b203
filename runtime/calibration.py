"""How fast this machine runs a model: a few seconds of batches on random weights of its shape, kept per machine.

It times; what the times are used for is the planner's business.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ..compiler.estimate import RATES, Speed, terms
from ..compiler.graph import digest
from ..compiler.shape import ModelShape
from ..compiler.sizes import Shape
from .errors import ProbeError
from .models import LoadedModel, load, no_device
from .sites import SiteRef, architecture
from .sources import ModelSource, read_config, source_facts

FORMAT = 1
SECONDS = 4.0  # of timing, at most
FEW_LAYERS = 4  # of a model with more than this many weights, so many blocks are timed
MANY_WEIGHTS = 2 * 10**8
READ_SPEED = 10**9  # bytes a second, of files that are not here to be timed
# Rows and tokens of the batches that are timed; those after the first few only while there is time.
GRID = ((1, 8), (8, 16), (64, 16), (4, 64), (128, 16), (16, 128))
FIRST = 4


def default_folder() -> Path:
    """Where calibrations are kept: `$PROBELANG_CALIBRATION`, else the user's cache."""
    if own := os.environ.get("PROBELANG_CALIBRATION"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "probelang" / "calibration"


def known(folder: Path | None, shape: ModelShape, device: str, dtype: str) -> Speed | None:
    """What was measured for a shape on this machine, if anything was."""
    if folder is None:
        return None
    try:
        found = json.loads((folder / f"{name_of(shape, device, dtype)}.json").read_text())
        return Speed(**found["speed"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not measured, or by another version of this file


def calibrate(folder: Path, source: ModelSource, shape: ModelShape, device: str, dtype: str, attention: str) -> Speed:
    """Measure, keep and return the speed of a model on this machine; takes a few seconds.

    Raises `device-not-available`.
    """
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise no_device(device) from error
    model = random_model(source, device, dtype, attention)
    speed = measured(model)
    speed = Speed(**(asdict(speed) | {"load": load_seconds(source, shape, device, dtype, attention)}))
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine(device), "shape": asdict(shape), "speed": asdict(speed)}, indent=1)
    handle, path = tempfile.mkstemp(dir=folder, suffix=".part")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(path, folder / f"{name_of(shape, device, dtype)}.json")
    return speed


def name_of(shape: ModelShape, device: str, dtype: str) -> str:
    return digest([FORMAT, machine(device), dtype, asdict(shape)])


@cache
def machine(device: str) -> dict[str, str]:
    """What the speed of a model depends on beside the model: processor, threads, libraries."""
    import torch

    from .report.manifest import hardware

    kind = torch.device(device).type
    gpu = {"gpu": torch.cuda.get_device_name(device)} if kind == "cuda" and torch.cuda.is_available() else {}
    found = {"device": kind, "node": platform.node(), "processor": str(hardware()["processor"])}
    return found | {"threads": str(torch.get_num_threads()), "torch": version("torch")} | gpu


def random_model(source: ModelSource, device: str, dtype: str, attention: str) -> LoadedModel:
    """A model of the same shape with random weights, and fewer blocks if it is large."""
    import torch
    import transformers

    facts = source_facts(source)
    sites = architecture(facts.arch)
    config = transformers.AutoConfig.for_model(**read_config(source))
    if facts.shape().weights > MANY_WEIGHTS and facts.n_layers > FEW_LAYERS:
        config.num_hidden_layers = FEW_LAYERS
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[:FEW_LAYERS]
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(0)
        hf = transformers.AutoModelForCausalLM.from_config(
            config, dtype=getattr(torch, dtype), attn_implementation=sites.attention or attention
        )
    hf.eval().requires_grad_(False)
    layers = config.num_hidden_layers
    return LoadedModel(
        source, Path(), hf, facts_with(facts, layers), sites, device, dtype, sites.attention or attention, ""
    )


def facts_with(facts, layers: int):
    from dataclasses import replace

    return replace(facts, n_layers=layers)


def measured(model: LoadedModel, clock: Callable[[], float] = time.perf_counter) -> Speed:
    """Time batches on a model, and fit the rates that explain them best; every rate is zero or more."""
    from scipy.optimize import nnls

    from .engine import Engine

    engine, seconds, rows = Engine(model), [], []
    begun = clock()
    for number, (rows_, tokens) in enumerate(GRID, 1):
        for batch, described in batches(model, rows_, tokens):
            engine.run(batch)
            times = []
            for _ in range(3):
                start = clock()
                engine.run(batch)
                synchronise(model.device)
                times.append(clock() - start)
            seconds.append(min(times))
            rows.append(terms(described))
        if number >= FIRST and clock() - begun > SECONDS:
            break
    matrix, wanted = np.array(rows, float), np.array(seconds)
    # Relative errors count: a millisecond is much in a small batch, and nothing in a large one.
    scale = matrix.max(axis=0)
    scale[scale == 0] = 1
    found, _ = nnls(matrix / scale / wanted[:, None], np.ones(len(wanted)))
    return Speed(**dict(zip(RATES, (found / scale).tolist(), strict=True)))


def batches(model: LoadedModel, rows: int, tokens: int):
    """Batches of one size that differ in what they read, each with its description."""
    import torch

    from .engine import Batch, Read

    ids = torch.randint(3, model.vocab, (rows, tokens), generator=torch.Generator().manual_seed(tokens))
    lengths = torch.full((rows,), tokens)
    index, last, n = torch.arange(rows), lengths - 1, model.n_layers

    def read(site: SiteRef) -> Read:
        return Read(str(site), site, index, last)

    half = max(n // 2, 1)
    yield Batch(ids, lengths, (), (read(SiteRef("logits")),)), Shape.even(rows, tokens, n, 1, rows)
    for blocks in {half, n}:
        one = (read(SiteRef("resid_post", blocks - 1)),)
        yield Batch(ids, lengths, (), one), Shape.even(rows, tokens, blocks, 1, 0)
    each = tuple(read(SiteRef("resid_post", layer)) for layer in range(n))
    yield Batch(ids, lengths, (), each), Shape.even(rows, tokens, n, n, 0)


def synchronise(device: str) -> None:
    """Wait for a GPU; the CPU is never behind."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def load_seconds(source: ModelSource, shape: ModelShape, device: str, dtype: str, attention: str) -> float:
    """How long loading takes: timed where the files are here and not huge, else reckoned from their size."""
    if shape.weights > MANY_WEIGHTS:
        return shape.weight_bytes / READ_SPEED
    start = time.perf_counter()
    try:
        load(source, device=device, dtype=dtype, attention=attention)
    except ProbeError:
        return shape.weight_bytes / READ_SPEED
    return time.perf_counter() - start
