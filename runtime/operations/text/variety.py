"""How much texts repeat themselves, and each other."""

from __future__ import annotations

import numpy as np

from ....compiler.kinds import Boolean, Integer, Number, Text
from ...cells import literal, mark
from ...cube import Cube
from ...reduction import row_axes
from ...registry import operation
from ...text.words import ngrams, words
from ...text_cells import each, texts


@operation(subject="text", source="Welleck et al. 2020, arXiv:1908.04319", options=("n", "ignore_case"))
def repetition(text: Text, n: Integer = 4, *, ignore_case: Boolean = False) -> Number:
    """Share of a text's runs of n words that it has had before, of 0 to 1: 1 - distinct runs / runs.

    0 when nothing comes twice, near 1 in a loop. Missing for texts of fewer than n words.
    """
    n, folded = int(literal(n, "n")), bool(literal(ignore_case, "ignore_case"))

    def share(one: str) -> float:
        runs = ngrams(words(one, ignore_case=folded), n)
        return 1 - len(set(runs)) / len(runs) if runs else np.nan

    found = each(share, float, texts(text, "repetition"))
    return mark(found, np.isnan(found.values), f"the text has fewer than {n} words")


@operation(
    axes="reduce-items",
    subject="text",
    nonlinear=True,
    source="Li et al. 2016, arXiv:1510.03055",
    options=("n", "ignore_case"),
)
def distinct(text: Text, n: Integer = 2, *, ignore_case: Boolean = False) -> Number:
    """Number of different runs of n words in all texts together, divided by the number of runs: distinct-n.

    It falls with the number and the length of the texts, so compare sets of one size. It has no interval: drawing texts
    again would draw some of them twice, and that is what it measures. Missing where no text has n words.
    """
    n, folded = int(literal(n, "n")), bool(literal(ignore_case, "ignore_case"))
    rows = row_axes(text)
    rest = tuple(a for a in text.names if a not in rows)
    ordered = texts(text, "distinct").transpose((*rest, *rows))
    shape = ordered.shape[: len(rest)]
    values = np.full(shape, np.nan)
    for cell in np.ndindex(shape):
        there = ordered.present()[cell].ravel()
        runs = [r for one in ordered.values[cell].ravel()[there] for r in ngrams(words(one, ignore_case=folded), n)]
        if runs:
            values[cell] = len(set(runs)) / len(runs)
    return mark(Cube(ordered.axes[: len(rest)], values), np.isnan(values), f"no text has {n} words")
