"""Which numbers an argument may be: counts, shares, rates. What a number is used for is the operation's business."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...grammar.tree import NOWHERE
from .. import errors, ir
from ..graph import Node
from ..signature import Signature
from .core import Elaborator


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; the ends belong to it unless they are `open`."""

    spoken: str
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def holds(self, x: float) -> bool:
        above = x > self.low if self.open_low else x >= self.low
        return above and (x < self.high if self.open_high else x <= self.high)


COUNT = Range("a count, 1 or more", 1)
COUNT_FROM_0 = Range("a count, 0 or more", 0)
FOLDS = Range("2 or more", 2)
SHARE = Range("a share, from 0 to 1", 0, 1)
PART = Range("a share between 0 and 1", 0, 1, True, True)
ABOVE_0 = Range("above 0", 0, open_low=True)
FROM_0 = Range("0 or more", 0)

RANGES: dict[str, dict[str, Range]] = {
    "file": {"limit": COUNT},
    "split": {"fraction": PART},
    "keep": {"at_most": COUNT},
    "choose": {"sizes": COUNT},
    "layers": {"depth": SHARE},
    "generate": {
        "samples": COUNT, "max_tokens": COUNT, "temperature": FROM_0, "repetition_penalty": ABOVE_0,
        "top_p": Range("a share above 0, up to 1", 0, 1, True),
    },
    "finetune": {"epochs": COUNT, "rate": ABOVE_0},
    "lora": {"rank": COUNT, "alpha": ABOVE_0},
    "merge": {"density": Range("a share above 0, up to 1", 0, 1, True), "t": SHARE},
    "chain": {"steps": COUNT},
    "steer_path": {"steps": COUNT, "rate": ABOVE_0, "damping": FROM_0, "top_k": COUNT},
    "bins": {"count": COUNT},
    "paths": {"top_k": COUNT, "answer_rank": COUNT},
    "attribution": {"steps": COUNT},
    "classifier": {"folds": FOLDS, "strength": ABOVE_0},
    "project": {"components": COUNT},
    "pca": {"component": COUNT_FROM_0},
    "top": {"k": COUNT},
    "log_odds_words": {"k": COUNT, "prior": ABOVE_0},
    "reciprocal_rank": {"max_rank": COUNT},
    "label_permutation": {"n": COUNT},
    "bootstrap": {"n": COUNT, "level": PART},
    "quantile": {"q": SHARE},
    "binomial": {"p": SHARE},
    "equivalent": {"margin": ABOVE_0, "level": PART},
    "chi2_variance": {"variance": ABOVE_0, "trials": ABOVE_0},
    "z_score": {"ddof": FROM_0},
    "sd": {"ddof": FROM_0},
    "sem": {"ddof": FROM_0},
}  # fmt: skip


def check_ranges(el: Elaborator, signature: Signature, arguments: dict[str, Node], e: ir.CallOf) -> bool:
    """Report numbers, written or swept, that an argument cannot be."""
    places = {a.name: a.value.span for a in e.arguments}
    good = True
    for name, allowed in RANGES.get(signature.name, {}).items():
        for number in numbers_of(arguments.get(name)):
            if not allowed.holds(number):
                el.report(
                    errors.out_of_range(
                        places.get(name) or NOWHERE, f"`{name}` of `{signature.name}`", allowed.spoken, number
                    )
                )
                good = False
                break
    return good


def numbers_of(node: Node | None) -> list[float]:
    """The numbers that the text gives for a value: one, a list of them, or the labels of a sweep."""
    if node is None:
        return []
    if node.op == "const":
        value = node.param("value")
        return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []
    if node.op == "list":
        return [x for _, item in node.inputs for x in numbers_of(item)]
    if node.op == "label":
        return [x for x in node.axes[0].labels or () if isinstance(x, (int, float)) and not isinstance(x, bool)]
    return []
