"""Messages about what can be computed and means nothing, or not what it seems to."""

from __future__ import annotations

from ...grammar.diagnostics import Diagnostic
from ...grammar.tree import Span
from .base import article, error, warning


def claim_not_boolean(span: Span, found: str) -> Diagnostic:
    return error("claim-not-boolean", span, f"a claim is true or false; this is {article(found)}", "", "compare it: `… > 0.05`")


def claim_has_items(span: Span) -> Diagnostic:
    return error("claim-has-items", span, "a claim is one verdict, and this still has items", "", "reduce it first: `mean(…)`")


def z_from_few(span: Span, count: int) -> Diagnostic:
    return warning("z-from-few-seeds", span, f"a z score from {count} null draw{'s' if count > 1 else ''} says nothing of the tail", f"{count} draws",
                   "use at least 5 seeds, and report the empirical p, which cannot be below " + f"{1 / (count + 1):.2g} here")  # fmt: skip


def test_of_booleans(span: Span, popmean: float) -> Diagnostic:
    return warning("test-of-booleans", span, f"this tests values that are 0 or 1 against {popmean:g}: the p-value says nothing about them", "",
                   "use `sign_test(x, p=0.5)`, or test the difference itself with `sign_flip`")  # fmt: skip


def in_sample(span: Span, dataset: str) -> Diagnostic:
    return warning("in-sample", span, f"this is evaluated on the rows of `{dataset}` that it was fitted on", "fitted here",
                   "split the items (`dataset fit, test = split(…)`), fit on one part and read on the other")  # fmt: skip


def never_significant(span: Span, smallest: float, cells: int) -> Diagnostic:
    return warning("never-significant", span, f"no cell can pass: the smallest p this can give is {smallest:.2g} after correction over {cells} cells", "",
                   "use more permutations or items, or a smaller family")  # fmt: skip


def nonlinear_over_items(span: Span, name: str) -> Diagnostic:
    return warning("nonlinear-over-items", span, f"`{name}` of a value that still has items is taken item by item", "",
                   "reduce the items first if one number is meant")  # fmt: skip


def sampled_default(span: Span, name: str) -> Diagnostic:
    return warning("sampled-default", span, f"`{name}` is left to its default", "")
