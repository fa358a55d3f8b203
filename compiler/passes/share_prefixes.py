"""Rows of several prompts that begin with the same tokens start from one run of these tokens.

An instruction, a chat template or examples stand before many queries. Attention is causal: whatever a model has at
these tokens, it has in every prompt.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

import numpy as np

from ..physical import PhysicalStage, Rows, Starts, asked_rows, depth_of_rows
from .reuse_prefix import SHORT
from .sources import holdable, if_better, unedited


@dataclass(frozen=True)
class Family:
    """Prompts `first` to `last` of an order, of which `rows` rows may start behind `tokens` that all begin with.

    Without tokens it is two families beside each other. `gain` counts the tokens that need not be run.
    """

    first: int
    last: int
    rows: int
    tokens: tuple[int, ...] = ()
    gain: int = 0
    parts: tuple[Family, ...] = ()


def share_prefixes(stage: PhysicalStage) -> PhysicalStage:
    """Run leading tokens that several rows have as a row of their own, and start the others behind them.

    What is read of unedited tokens there is read of that row.
    """
    limit, depth = limits(stage), depth_of_rows(stage)
    source, position = np.full(len(limit), -1), np.zeros(len(limit), np.int64)
    known = {stage.rows.prompts[p]: row for p, row in enumerate(unedited(stage).tolist()) if row >= 0}
    prompts, added, held = list(stage.rows.prompts), [], 0
    for rows, tokens in families(stage, limit):
        at = np.minimum(np.minimum(limit[rows], len(tokens)), stage.rows.lengths[rows] - 1)
        long = at * SHORT >= stage.rows.lengths[rows]
        rows, at = rows[long], at[long]
        size = 2 * stage.kv_width * int(depth[rows].max(initial=0)) * len(tokens)
        if len(rows) < 2 or not holdable(held + size):
            continue
        held += size
        own = known.get(tokens, -1)
        # one whose states are held later than those of the others runs behind them
        late = own >= 0 and stage.starts.group[own] > stage.starts.group[rows].min()
        if own < 0 or late or stage.starts.source[own] >= 0 or source[own] >= 0:
            own = len(limit) + len(added)
            added.append(len(prompts))
            prompts.append(tokens)
        else:
            limit[own] = 0  # it runs from its first token, for the others
        some = limit[rows] > 0
        source[rows[some]], position[rows[some]] = own, at[some]
    if (source < 0).all():
        return stage
    text = f"{int((source >= 0).sum()):,} rows start behind tokens that others begin with"
    return if_better(stage, begun(stage, source, position, tuple(prompts), added), "share-prefixes", text)


def limits(stage: PhysicalStage) -> np.ndarray:
    """Per row, the tokens that it may leave to another: those before its first edit, and before what rows take from it;
    0 for rows that start from another already."""
    starts = stage.starts
    limit = stage.rows.lengths.copy()
    for group in stage.edits:
        np.minimum.at(limit, group.rows, group.positions)
    late = np.flatnonzero(starts.source >= 0)
    np.minimum.at(limit, starts.source[late], starts.position[late])
    limit[late] = 0
    limit[~asked_rows(stage) | (depth_of_rows(stage) == 0)] = 0
    return limit


def families(stage: PhysicalStage, limit: np.ndarray) -> list[tuple[np.ndarray, tuple[int, ...]]]:
    """Group rows so that most tokens are saved: the rows of each group, and the tokens that all begin with.

    In their order as sequences, prompts with more tokens in common are nearer to each other; so neighbours are joined,
    those with the longest common beginning first, and a group is kept unless its parts save more apart.
    """
    prompts = stage.rows.prompts
    most, count = np.zeros(len(prompts), np.int64), np.zeros(len(prompts), np.int64)
    np.maximum.at(most, stage.rows.prompt, limit)
    np.add.at(count, stage.rows.prompt, limit > 0)
    heads = sorted((prompts[i][: most[i]], i) for i in np.flatnonzero(count).tolist())
    order = np.array([i for _, i in heads], np.int64)
    begin = {k: Family(k, k, int(count[i])) for k, i in enumerate(order.tolist())}
    end = dict(begin)
    common = [shared(a, b) for (a, _), (b, _) in zip(heads[:-1], heads[1:], strict=True)]
    for k in sorted(range(len(common)), key=lambda k: -common[k]):
        one, other, length = end[k], begin[k + 1], common[k]
        rows, apart, joined = one.rows + other.rows, one.gain + other.gain, length * (one.rows + other.rows - 1)
        if joined >= apart:
            both = Family(one.first, other.last, rows, heads[k][0][:length], joined)
        else:
            both = Family(one.first, other.last, rows, gain=apart, parts=(one, other))
        begin[both.first] = end[both.last] = both
    found, left = [], [begin[0]] if begin else []
    while left:
        family = left.pop()
        left += family.parts
        if family.tokens:
            found.append(family)
    found.sort(key=lambda f: (-f.gain, f.first))
    family = np.full(len(prompts), len(found))
    for number, f in enumerate(found):
        family[order[f.first : f.last + 1]] = number
    rows = np.flatnonzero(limit)
    rows = rows[np.argsort(family[stage.rows.prompt[rows]], kind="stable")]
    edges = np.searchsorted(family[stage.rows.prompt[rows]], np.arange(len(found) + 1))
    return [(rows[edges[n] : edges[n + 1]], f.tokens) for n, f in enumerate(found)]


def shared(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many tokens two sequences begin with alike."""
    shorter = min(len(one), len(other))
    return bisect_left(range(1, shorter + 1), True, key=lambda n: one[:n] != other[:n])


def begun(
    stage: PhysicalStage, source: np.ndarray, position: np.ndarray, prompts: tuple, added: list[int]
) -> PhysicalStage:
    """Return the stage with rows for the prompts `added`, from which rows with a `source` begin at `position`."""
    starts, zero = stage.starts, np.zeros(len(added), np.int64)
    chosen = source >= 0
    begins = Starts(
        np.r_[np.where(chosen, source, starts.source), zero - 1],
        np.r_[starts.layer, zero],
        np.r_[np.where(chosen, position, starts.position), zero],
        np.r_[starts.group, zero],
    )
    requests = []
    for request in stage.requests:
        before = request.positions < position[request.rows]
        requests.append(replace(request, rows=np.where(before, source[request.rows], request.rows)))
    rows = Rows(np.r_[stage.rows.prompt, np.array(added, np.int64)], prompts)
    return stage.with_(rows=rows, begins=begins, requests=tuple(requests))
