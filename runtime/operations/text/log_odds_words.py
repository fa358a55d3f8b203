"""Which words one set of texts uses more than another."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ....compiler.kinds import Boolean, Integer, Number, Table, Text
from ...cells import literal
from ...cube import Axis, Cube, union_axes
from ...errors import ProbeError
from ...record import Record
from ...reduction import row_axes
from ...registry import operation
from ...text.words import words
from ...text_cells import texts

FIELDS = {"value": Number, "word": Text, "z": Number, "count": Integer, "count_against": Integer}


@dataclass(frozen=True)
class Counts:
    """How often each word comes in a set of texts, and how many words there are; or how many texts, if `in_texts`."""

    of: Counter
    total: int
    in_texts: bool = False


def counted(x: Cube, unit: str, folded: bool) -> tuple[tuple[Axis, ...], np.ndarray]:
    """Counts over items for each cell of the other axes; an object array of their shape."""
    rows = row_axes(x)
    if not rows:
        raise ProbeError("no-items", "log_odds_words compares sets of texts, and this is no set")
    rest = tuple(n for n in x.names if n not in rows)
    ordered = texts(x, "log_odds_words").transpose((*rest, *rows))
    axes = ordered.axes[: len(rest)]
    made = np.empty(tuple(len(a) for a in axes), dtype=object)
    for cell in np.ndindex(made.shape):
        there = ordered.present()[cell].ravel()
        found = [words(one, ignore_case=folded) for one in ordered.values[cell].ravel()[there]]
        parts = [set(one) for one in found] if unit == "texts" else found
        counter = Counter(word for one in parts for word in one)
        in_texts = unit == "texts"
        made[cell] = Counts(counter, len(found) if in_texts else counter.total(), in_texts)
    return axes, made


def log_odds(
    one: Counts, other: Counts, prior: float, background: Counts | None = None
) -> list[tuple[str, float, float]]:
    """(word, log-odds ratio, z) of every word of either set, by z from the highest; ties by the word.

    Monroe, Colaresi and Quinn 2008: a word's prior count is `prior` times its count in the background, which is both
    sets together unless another is given. Their variance leaves out what is small for words, and large for texts.
    """
    base = background or Counts(one.of + other.of, one.total + other.total)
    alpha_0 = prior * base.total
    rows = []
    for word in one.of.keys() | other.of.keys():
        alpha = prior * base.of[word]
        first, second = one.of[word] + alpha, other.of[word] + alpha
        rest, rest_other = one.total + alpha_0 - first, other.total + alpha_0 - second
        if min(first, second, rest, rest_other) <= 0:
            continue  # its odds are 0 or infinite: the background lacks it, or every text of both sets has it
        value = np.log(first / rest) - np.log(second / rest_other)
        variance = 1 / first + 1 / second + (1 / rest + 1 / rest_other if one.in_texts else 0)
        rows.append((word, float(value), float(value / np.sqrt(variance))))
    return sorted(rows, key=lambda row: (-row[2], row[0]))


@operation(
    axes="reduce-items", subject="of", adds=(("top", "computed"),), apart=("against", "background"), fields=FIELDS,
    nonlinear=True, source="Monroe, Colaresi and Quinn 2008, doi:10.1093/pan/mpn018",
    options=("k", "prior", "ignore_case"),
)  # fmt: skip
def log_odds_words(
    of: Text, against: Text, *, k: Integer = 25, prior: Number = 0.01, background: Text | None = None,
    unit: Literal["words", "texts"] = "words", ignore_case: Boolean = False,
) -> Table:  # fmt: skip
    """The `k` words that rose most between two sets of texts, as log-odds with an informative Dirichlet prior.

    The log-odds ratio of a word y of n words is log((y + a) / (n + A - y - a)) in `of` less the same in `against`; its
    prior count a is `prior` times its count in `background` (both sets together unless texts are given), A the sum of
    these. z divides by √(1 / (y + a) + 1 / (y' + a)), and ranks. It takes words for independent draws, and a text that
    repeats a word raises it: `unit="texts"` counts texts that have the word instead, and adds the variance of the rest.

    Gives, on an axis `top`, value (natural logarithm), word, z, count and count_against; the rest is missing when there
    are fewer than `k` words, and all of it where a set has none. A word whose odds are infinite, as it is in every text
    of both, is left out. Raises `no-items`.
    """
    k, prior, unit = int(literal(k, "k")), float(literal(prior, "prior")), literal(unit, "unit")
    folded = bool(literal(ignore_case, "ignore_case"))
    sets = [counted(x, unit, folded) for x in (of, against, background) if x is not None]
    cubes = [Cube(axes, made) for axes, made in sets]
    axes = union_axes(cubes)
    wide = [c.expand(axes).values for c in cubes]
    shape = (*(len(a) for a in axes), k)
    columns = {name: np.full(shape, np.nan) for name in ("value", "z")}
    columns |= {name: np.zeros(shape, dtype=int) for name in ("count", "count_against")}
    columns["word"], missing = np.full(shape, "", dtype=object), np.full(shape, f"fewer than {k} words", dtype=object)
    for cell in np.ndindex(shape[:-1]):
        one, other, *base = (w[cell] for w in wide)
        if not one.total or not other.total:
            missing[cell] = "one of the sets has no words"
            continue
        ranked = log_odds(one, other, prior, base[0] if base else None)
        for at, (word, value, z) in enumerate(ranked[:k]):
            place = (*cell, at)
            columns["word"][place], columns["value"][place], columns["z"][place] = word, value, z
            columns["count"][place], columns["count_against"][place] = one.of[word], other.of[word]
            missing[place] = None
    reasons = None if np.equal(missing, None).all() else missing
    full = (*axes, Axis("top", tuple(range(1, k + 1)), "computed"))
    return Record({name: Cube(full, columns[name], reasons) for name in FIELDS})
