"""Causal effects of an attribute of texts on a score, from texts that were rewritten."""

from typing import Literal

import numpy as np

from ...compiler.kinds import Boolean, Number
from ..cells import literal, mark, scalars
from ..cube import Cube, align, merge_missing
from ..errors import ProbeError
from ..reduction import row_axes, weighted_mean
from ..registry import operation

Estimand = Literal["ATT", "ATU", "ATE"]
Estimator = Literal["rate", "single", "naive"]
_OTHER = "a text of the other group"


@operation(axes="reduce-items", subject="original", source="Reber et al. 2024, arXiv:2410.11348")
def rate(
    original: Number, *, once: Number, twice: Number, treated: Boolean, estimand: Estimand,
    estimator: Estimator = "rate", ctx=None,
) -> Number:  # fmt: skip
    """Effect of an attribute on a score, estimated from texts that were rewritten once and twice.

    `original`, `once` and `twice` are the scores of a text, of its rewrite without (or with) the attribute, and of
    that rewritten back; `treated` says which texts have the attribute. Comparing `once` with `twice` ("rate") cancels
    what rewriting itself changes; "single" compares `once` with `original`; "naive" compares treated with untreated
    texts, whatever the estimand.

    "ATT" is the mean over treated texts (twice - once), "ATU" over untreated ones (once - twice), "ATE" over all, each
    text once. A text that lacks a score it needs is left out. Missing where a group has no text. Raises `no-items`.
    """
    estimand, estimator = literal(estimand, "estimand"), literal(estimator, "estimator")
    original, once, twice, treated = align(original, once, twice, treated)
    rows = row_axes(original)
    if not rows:
        raise ProbeError("no-items", "rate compares scores of texts, and there is no set of them here")
    has = treated.values.astype(bool)
    if estimator == "naive":
        groups = [weighted_mean(only(original, [treated], keep), rows, ctx) for keep in (has, ~has)]
        return Cube(groups[0].axes, groups[0].values - groups[1].values, merge_missing(groups))
    second = twice if estimator == "rate" else original
    gain = scalars(second, "rate") - scalars(once, "rate")
    effect = Cube(original.axes, np.where(has, gain, -gain), merge_missing([second, once]))
    keep = {"ATT": has, "ATU": ~has, "ATE": np.ones_like(has)}[estimand]
    return weighted_mean(only(effect, [treated], keep), rows, ctx)


def only(x: Cube, others: list[Cube], keep: np.ndarray) -> Cube:
    """The cells of one group; those of the other are missing, and so is what lacks its label."""
    labelled = Cube(x.axes, np.where(x.present(), scalars(x, "rate"), 0.0), merge_missing([x, *others]))
    return mark(labelled, ~keep, _OTHER)
