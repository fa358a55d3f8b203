"""Give rows the rows that they start from: unedited runs are added where they pay, and held in groups."""

from __future__ import annotations

import numpy as np

from ..counting import cost
from ..physical import PhysicalStage, Rows, Starts, depth_of_rows
from .ancestry import CLEAN, Ancestry
from .pack_batches import pack_batches

HELD = 2**28  # numbers of hidden states, keys and values that a group of rows holds at a time


def holdable(numbers: int) -> bool:
    """Whether as many numbers may be held at a time."""
    return numbers <= HELD


def unedited(stage: PhysicalStage) -> np.ndarray:
    """Per prompt, a row without edits, or -1."""
    edited = np.zeros(len(stage.rows), dtype=bool)
    for group in stage.edits:
        edited[group.rows] = True
    found = np.full(len(stage.rows.prompts), -1)
    plain = np.flatnonzero(~edited)[::-1]
    found[stage.rows.prompt[plain]] = plain
    return found


def worthwhile(stage: PhysicalStage, wanted: Ancestry, gain: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """Rows [bool] for which starting late saves more than their prompt's unedited run costs.

    `gain` [rows] is in blocks x tokens, `needed` [rows] the blocks that the source must enter. Other sources are free.
    """
    clean = (wanted.source == CLEAN) & (gain > 0)
    prompt, prompts = stage.rows.prompt, len(stage.rows.prompts)
    saved = np.bincount(prompt[clean], gain[clean], prompts)
    deep = np.zeros(prompts, np.int64)
    np.maximum.at(deep, prompt[clean], needed[clean])
    own, has = unedited(stage), np.zeros(prompts, np.int64)
    has[own >= 0] = depth_of_rows(stage)[own[own >= 0]]
    length = np.array([len(p) for p in stage.rows.prompts], np.int64)
    pays = saved > np.maximum(deep - has, 0) * length
    return (clean & pays[prompt]) | ((wanted.source >= 0) & (gain > 0))


def attached(stage: PhysicalStage, source: np.ndarray, layer: np.ndarray, position: np.ndarray) -> PhysicalStage:
    """Return the stage with these starts [rows]; a source `CLEAN` becomes the prompt's unedited row."""
    clean = source == CLEAN
    own = unedited(stage)
    added = np.unique(stage.rows.prompt[clean & (own[stage.rows.prompt] < 0)])
    own[added] = len(stage.rows) + np.arange(len(added))
    source = np.where(clean, own[stage.rows.prompt], source)
    rows = Rows(np.concatenate([stage.rows.prompt, added]), stage.rows.prompts)
    zero = np.zeros(len(added), np.int64)
    starts = Starts(
        np.concatenate([source, zero - 1]),
        np.concatenate([layer, zero]),
        np.concatenate([position, zero]),
        np.zeros(len(rows), np.int64),
    )
    return grouped(stage.with_(rows=rows, begins=starts))


def grouped(stage: PhysicalStage) -> PhysicalStage:
    """Number groups of prompts so that no group holds more than `HELD`; a prompt that alone needs more starts early."""
    starts, prompts = stage.starts, len(stage.rows.prompts)
    late = np.flatnonzero(starts.source >= 0)
    number = np.zeros(len(starts.source), np.int64)
    number[starts.source[late]] = 1
    sources = np.flatnonzero(number)  # often few beside the rows that start from them
    number[sources] = np.arange(len(sources))
    hidden = np.zeros((stage.layers + 1, len(sources)), dtype=bool)
    hidden[starts.layer[late], number[starts.source[late]]] = True
    hidden[0] = False
    sizes = stage.width * hidden.sum(0) * stage.rows.lengths[sources]
    held = np.bincount(stage.rows.prompt[sources], sizes, prompts)
    kept = late[starts.position[late] > 0]
    if len(kept):
        blocks = (depth_of_rows(stage)[kept] - starts.layer[kept]).astype(np.int64)
        most = np.zeros(len(starts.source), np.int64)
        np.maximum.at(most, starts.source[kept], blocks)
        held += np.bincount(stage.rows.prompt, 2 * stage.kv_width * most * stage.rows.lengths, prompts)
    heavy = (held > HELD)[stage.rows.prompt]
    group = np.where(held > 0, 1 + np.cumsum(np.where(held > HELD, 0, held)) // HELD, 0).astype(np.int64)
    keep = np.where(heavy, 0, 1)
    family = np.zeros(len(starts.source), dtype=bool)
    family[late] = family[starts.source[late]] = True
    return stage.with_(
        begins=Starts(
            np.where(heavy, -1, starts.source),
            starts.layer * keep,
            starts.position * keep,
            np.where(family & ~heavy, group[stage.rows.prompt], 0),
        )
    )


def if_better(before: PhysicalStage, after: PhysicalStage, name: str, text: str) -> PhysicalStage:
    """Return the stage that takes less once it is packed: layers x tokens, and what calling the blocks costs."""
    old, new = cost(pack_batches(before)), cost(pack_batches(after))
    if new.price(before.prices) >= old.price(before.prices):
        return before
    return after.note(name, f"{text}: {old.row_layer_tokens:,} -> {new.row_layer_tokens:,} row-layer-tokens")
