"""What the manifest says of the texts of a run: how many, how they ended, and how many hang by the noise of batches."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from ...compiler.graph import Node, walk
from .value import ENDS, HEAD, closeness

if TYPE_CHECKING:
    from ..prepared import Prepared
    from ..self_check import SelfCheck

NOISE = 1e-6  # relative to the largest logit: what is taken for noise where less, or nothing, was measured
NAMED = 6  # statements that the warning names


def account(prepared: Prepared, checks: dict[str, SelfCheck]) -> dict[str, dict]:
    """Texts by model: their number, tokens and ends, and how many have a choice that noise could have turned."""
    by_model: dict[str, list[np.ndarray]] = {}
    for node in generated(prepared):
        by_model.setdefault(model_of(prepared, node), []).append(texts_of(prepared, node))
    return {name: of_model(parts, checks.get(name)) for name, parts in by_model.items()}


def model_of(prepared: Prepared, node: Node) -> str:
    """The name of the model that wrote."""
    return str(prepared.bindings.source(node.input("prompts").input("model")))


def texts_of(prepared: Prepared, node: Node) -> np.ndarray:
    """The texts of a `generate` that are there [texts, …]."""
    value = prepared.evaluator.results[node.key]
    return value.values.reshape(-1, *value.feature)[value.present().reshape(-1)]


def of_model(parts: list[np.ndarray], check: SelfCheck | None) -> dict:
    floor = max(NOISE, check.noise_floor if check is not None else 0.0)
    ends = Counter(ENDS[end] for part in parts for end in part[:, 0].tolist())
    return {
        "texts": sum(map(len, parts)),
        "tokens": sum(int((part[:, HEAD:] >= 0).sum()) for part in parts),
        "ended": {name: ends[name] for name in ENDS if ends[name]},
        "noise_floor": floor,
        "within_noise": sum(int((closeness(part) < floor).sum()) for part in parts),
    }


def notices(prepared: Prepared, told: dict[str, dict]) -> list[dict]:
    """A warning that names the statements whose texts might read otherwise in other batches; `told` is the account."""
    near: dict[str, tuple[int, int]] = {}
    for node in generated(prepared):
        texts = texts_of(prepared, node)
        near[node.key] = int((closeness(texts) < told[model_of(prepared, node)]["noise_floor"]).sum()), len(texts)
    counts = {}
    for statement in prepared.checked.program.statements:
        below = {n.key for n in walk(prepared.roots[statement.node.key])} & near.keys()
        close, every = (sum(near[key][i] for key in below) for i in (0, 1))
        if close and statement.keyword not in ("claim", "plot"):
            counts[statement.name] = f"{close:,} of {every:,} texts behind `{statement.name}`"
    if not counts:
        return []
    named, more = list(counts.values())[:NAMED], len(counts) - NAMED
    message = ", ".join(named) + (f", and texts behind {more} more" if more > 0 else "")
    message += " have a token that was chosen by less than the noise of batching"
    help_ = "with other batches, or on another machine, these may read otherwise"
    return [{"code": "texts-within-noise", "message": message, "help": help_}]


def generated(prepared: Prepared) -> list[Node]:
    """The nodes whose texts are there."""
    return [n for n in walk(*prepared.roots.values()) if n.op == "generate" and n.key in prepared.evaluator.results]
