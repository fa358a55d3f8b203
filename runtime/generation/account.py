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


def account(prepared: Prepared, checks: dict[str, SelfCheck]) -> dict[str, dict]:
    """Texts by model: their number, tokens and ends, and how many have a choice that noise could have turned."""
    by_model: dict[str, list[np.ndarray]] = {}
    for node in generated(prepared):
        value = prepared.evaluator.results[node.key]
        flat = value.values.reshape(-1, *value.feature)[value.present().reshape(-1)]
        name = str(prepared.bindings.source(node.input("prompts").input("model")))
        by_model.setdefault(name, []).append(flat)
    return {name: of_model(parts, checks.get(name)) for name, parts in by_model.items()}


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


def notices(told: dict[str, dict]) -> list[dict]:
    """A warning that names the models of which texts might read otherwise in other batches."""
    many = [f"{m['within_noise']:,} of {m['texts']:,} texts of {name}" for name, m in told.items() if m["within_noise"]]
    if not many:
        return []
    message = f"{', '.join(many)} have a token that was chosen by less than the noise of batching"
    help_ = "with other batches, or on another machine, these may read otherwise"
    return [{"code": "texts-within-noise", "message": message, "help": help_}]


def generated(prepared: Prepared) -> list[Node]:
    """The nodes whose texts are there."""
    return [n for n in walk(*prepared.roots.values()) if n.op == "generate" and n.key in prepared.evaluator.results]
