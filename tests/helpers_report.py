"""A synthetic run with every kind of result, plot and claim; no model is involved."""

from __future__ import annotations

import numpy as np
import polars as pl

from probelang.runtime.cube import Axis, Cube
from probelang.runtime.results import AxisInfo, Claim, PlotResult, Result, Run, frame_of

SPEC = """probe 1
# Framing circuits after post-training: how far two matched framings of one prompt separate at
# every layer of every checkpoint, and whether removing the direction moves behaviour.

model base  = zoo("base")
model tuned = zoo("sft", revision=["step_100", "step_500", "main"])
axis variant = [base, tuned]

use "contrasts/framing" as framing

statistic separation = norm(mean_diff(resid_post[layer] at pair.last)) for variant, pair in framing.all, layer
statistic chance = label_permutation(separation, n=999)
statistic denoise = recovery(logit_diff(names) under patch(resid_pre[layer] at token, from=side.positive))
  for layer, token in names.tokens
statistic grid = shift(reciprocal_rank(bare) under carry(set)) for set in choose(all_layers, 1..2)
statistic preference = mentions(generate(ask(context)).response, "cat") for rank in [2, 8, 16, 32, 64], context
statistic compliance = choice(names, [" Yes"], [" No"]) under project_out(arm) for arm in [none, seen, random]
statistic proof = sign_flip(compliance) for arm in [seen, random]
direction seen = unit(mean_diff(resid_post[4] at names.last)) for variant
statistic loss = mean(cross_entropy(page)) for t in 0..1 by 0.1
statistic accuracy = fitted.correct(fresh)

claim separates = separation.adjusted_p < 0.05
claim causal    = abs(effect.value) >= 0.02 and abs(effect.z) > 6
claim stable    = spearman(active[k=1], active[k=2]) > 0.8

plot depth      = line(separation, x=layer, color=variant, facet=pair, band=chance)
plot place      = heatmap(denoise, x=token, y=layer)
plot pairs      = heatmap(grid, x=set[0], y=set[-1])
plot inverted_u = line(preference, x=rank, color=context, log="x")
plot arms       = bar(compliance, x=arm, color=pair, rule=bound)
plot view       = scatter(project(resid_post[4] at fresh.last, method="lda"), color=task)
plot formed     = line(cosine, x=revision.tokens, color=layer, log="x")
"""

WORDS = ("<bos>", "When", "Mary", "and", "John", "went", "to", "the", "store", ",", "John", "gave", "it", "to")
HOSTILE = "<script>alert('pwned')</script> [bold red]markup[/] \u202eright-to-left"


def line_of(start: str) -> int:
    """Return the line of the spec that starts so."""
    return 1 + next(i for i, line in enumerate(SPEC.splitlines()) if line.startswith(start))


def text_of(start: str) -> str:
    """Return that line."""
    return SPEC.splitlines()[line_of(start) - 1]


def result(name: str, kind: str, cube: Cube, statement: str = "statistic", **more: object) -> Result:
    """Make a result from a cube; `low`, `high`, `n` become columns."""
    columns = {k: more.pop(k) for k in ("low", "high", "n") if k in more}
    start = f"{statement} {name} "
    frame = more.pop("frame", None)
    frame = frame_of(cube, **columns) if frame is None else frame
    axes = tuple(AxisInfo.of(a) for a in cube.axes)
    return Result(name, statement, line_of(start), text_of(start), kind, axes, frame, **more)


def around(cube: Cube, half: float) -> dict[str, np.ndarray]:
    """Return an interval of fixed half width around a cube's values."""
    return {"low": cube.values - half, "high": cube.values + half}


def separation() -> Cube:
    """Variants x pairs x layers, rising and falling with depth."""
    layers = np.arange(16)
    variant = Axis("variant", ("base", "tuned@step_100", "tuned@step_500", "tuned@main"), "model")
    pair = Axis("pair", ("emergency", "sycophancy", "eval", "unrelated"))
    layer = Axis("layer", tuple(layers.tolist()), "model")
    height = np.array([0.35, 0.5, 0.8, 1.0])[:, None, None] * np.array([1.0, 0.8, 0.6, 0.12])[None, :, None]
    shape = np.exp(-(((layers - 10) / 4.5) ** 2)) + 0.08 * np.sin(layers)
    return Cube((variant, pair, layer), height * shape)


def chance() -> pl.DataFrame:
    """The null of `separation`."""
    cube = separation()
    middle = np.full(cube.shape, 0.05)
    return frame_of(Cube(cube.axes, middle), low=middle - 0.04, high=middle + 0.06, n=999)


def denoise() -> Cube:
    """Layers x tokens, with one cell that could not be computed."""
    rng = np.random.default_rng(0)
    index = tuple(range(len(WORDS)))
    token = Axis("token", index, "data", {"text": WORDS, "segment": ("bos",) + ("body",) * (len(WORDS) - 1)})
    layer = Axis("layer", tuple(range(12)), "model")
    depth, place = np.mgrid[0:12, 0 : len(WORDS)]
    values = np.exp(-((place - 10) ** 2)) / (1 + np.exp(depth - 6)) + (place == 13) / (1 + np.exp(7 - depth))
    values = values + rng.normal(0, 0.02, values.shape)
    missing = np.full(values.shape, None, dtype=object)
    missing[:, 0] = "the token before every text is never patched"
    return Cube((layer, token), values, missing)


def grid() -> Cube:
    """Sets of one and two layers, with effects of both signs."""
    sets = tuple((i, j) if i != j else (i,) for i in range(10) for j in range(i, 10))
    values = np.array([0.3 * np.sin(s[0] / 2) * np.cos(s[-1] / 3) for s in sets])
    return Cube((Axis("set", sets, "model"),), values)


def preference() -> Cube:
    """Ranks x contexts: an inverted U."""
    ranks = (2, 8, 16, 32, 64)
    contexts = (None, "empty", "You are Claude.")
    values = np.array([[0.1 + k * 0.2 * np.exp(-((np.log2(r) - 3.5) ** 2) / 2) for k in (0.3, 1, 2)] for r in ranks])
    return Cube((Axis("rank", ranks), Axis("context", contexts)), values)


def compliance() -> Cube:
    """Three arms."""
    axes = (Axis("arm", ("none", "seen", "random")), Axis("pair", ("emergency", "sycophancy")))
    return Cube(axes, np.array([[0.81, 0.74], [0.22, 0.41], [0.79, 0.72]]))


def cosine() -> pl.DataFrame:
    """Layers x revisions whose tokens are a coordinate."""
    tokens = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
    revision = Axis("revision", ("step10", "step100", "step1000", "main"), "model", {"tokens": tokens})
    layer = Axis("layer", tuple(range(10)), "model")
    values = np.array([[1 - 1 / (1 + r * (1 + k / 3)) for r in range(1, 5)] for k in range(10)])
    return frame_of(Cube((layer, revision), values))


def scatter() -> pl.DataFrame:
    """Items x two components, coloured by task."""
    rng = np.random.default_rng(1)
    tasks = ["antonym", "comparative", "plural"] * 40
    centre = {"antonym": (0, 0), "comparative": (4, 1), "plural": (1, 4)}
    points = np.array([centre[t] for t in tasks]) + rng.normal(0, 0.6, (120, 2))
    item = Axis("item", tuple(f"item {i}" for i in range(120)), "data", {"task": tuple(tasks)})
    return frame_of(Cube((item, Axis("component", (1, 2))), points))


def proof() -> pl.DataFrame:
    """A test's record."""
    return pl.DataFrame(
        {
            "arm": ["seen", "random"], "value": [-0.46, -0.02], "stat": [-46.0, -2.0], "p": [1.9e-6, 0.41],
            "adjusted": [3.8e-6, 0.41], "low": [-0.55, -0.07], "high": [-0.37, 0.03], "n": [100, 100],
            "reason": pl.Series([None, None], dtype=pl.String),
        }
    )  # fmt: skip


def plot(name: str, mark: str, frame: pl.DataFrame, measure: str, **more: object) -> PlotResult:
    """Make a plot of the synthetic spec."""
    encodings = {k: more.pop(k) for k in ("x", "y", "color", "dash", "facet", "band") if isinstance(more.get(k), str)}
    encodings |= {"band": "chance"} if "band" in more else {}
    start = f"plot {name} "
    return PlotResult(name, line_of(start), text_of(start), mark, frame, encodings, measure=measure, **more)


def plots() -> tuple[PlotResult, ...]:
    """One plot of every kind."""
    apart, prefer, arms = separation(), preference(), compliance()
    bound = pl.DataFrame({"m": ["base", "tuned"], "value": [0.5, 0.9]})
    return (
        plot("depth", "line", frame_of(apart, **around(apart, 0.05), n=80), "separation", x="layer", color="variant",
             facet="pair", band=chance()),
        plot("place", "heatmap", frame_of(denoise(), n=100), "denoise", x="token", y="layer"),
        plot("pairs", "heatmap", frame_of(grid()), "grid", x="set[0]", y="set[-1]"),
        plot("inverted_u", "line", frame_of(prefer, **around(prefer, 0.03)), "preference", x="rank", color="context",
             options={"log": "x"}),
        plot("arms", "bar", frame_of(arms, **around(arms, 0.06)), "compliance", x="arm", color="pair", rule=bound),
        plot("view", "scatter", scatter(), "coordinate", color="item.task"),
        plot("formed", "line", cosine(), "cosine", x="revision.tokens", color="layer", options={"log": "x"}),
    )  # fmt: skip


def results() -> tuple[Result, ...]:
    """One result of every kind."""
    apart, prefer, arms = separation(), preference(), compliance()
    rng = np.random.default_rng(2)
    variant = Axis("variant", ("base", "tuned"), "model")
    vectors = rng.normal(size=(2, 8)).astype(np.float32)
    steps = Axis("t", tuple(i / 10 for i in range(11)))
    loss = Cube((steps,), 2.5 + 4 * (np.linspace(0, 1, 11) - 0.5) ** 2)
    items = pl.DataFrame({"item": ["a", "b"], "arm": ["seen", "seen"], "value": [True, False]})
    return (
        result("separation", "number", apart, **around(apart, 0.05), n=80),
        result("denoise", "number", denoise(), n=100),
        result("grid", "number", grid()),
        result("preference", "number", prefer, **around(prefer, 0.03), n=200, unit="share of samples"),
        result("compliance", "number", arms, **around(arms, 0.06), n=100, items=items),
        result("proof", "test", Cube((Axis("arm", ("seen", "random")),), np.zeros(2)), frame=proof()),
        result("seen", "vector", Cube((variant,), vectors), "direction", vectors=vectors),
        result("loss", "number", loss),
        result("accuracy", "number", Cube((), np.array(0.9375)), low=0.89, high=0.97, n=120),
    )


def claims() -> tuple[Claim, ...]:
    """One claim per verdict."""
    return (
        Claim("separates", line_of("claim separates"), text_of("claim separates"), "pass", "",
              {"smallest adjusted p": 0.002, "cells": 256}),
        Claim("causal", line_of("claim causal"), text_of("claim causal"), "fail",
              "abs(effect.z) is 2.31, not above 6", {"effect.value": -0.0312, "effect.z": -2.31}),
        Claim("stable", line_of("claim stable"), text_of("claim stable"), "not computed",
              "active is constant in 3 of 12 layers, so that spearman is undefined"),
    )  # fmt: skip


def run() -> Run:
    """The whole synthetic run."""
    tokens = [{"text": "<bos>", "kind": "special"}] + [{"text": f" {w}", "kind": "text"} for w in WORDS[1:]]
    notes = ["one BOS, added by the tokenizer"]
    previews = (
        {"prompts": "names", "model": "base", "line": 9, "tokens": tokens, "notes": notes},
        {"prompts": "ask", "model": "tuned", "line": 9, "text": f"<|user|>\n{HOSTILE}\n<|assistant|>\n"},
    )
    warnings = (
        {"code": "in-sample", "message": "accuracy is evaluated on rows it was fitted on",
         "line": line_of("statistic acc"), "help": "split the dataset: `dataset fit, test = split(…)`"},
        {"code": "few-replicates", "message": f"{HOSTILE} a z score from 2 seeds", "line": None},
    )  # fmt: skip
    manifest = {
        "started": "2026-11-20T14:03:12+00:00", "seconds": 754.3, "models": ["zoo base", "zoo sft"], "seed": 0,
        "counts": {"forwards": 412, "row-layer-tokens": 1_204_224, "loads": 2, "cached operations": 17},
        "timings": {"capture": 611.2, "statistics": 92.4},
        "checks": {"no-op edit": "exact", "noise floor": 3.1e-7},
    }  # fmt: skip
    path = "examples/framing.probe"
    return Run("framing", SPEC, path, results(), claims(), plots(), warnings, manifest, None, previews)
