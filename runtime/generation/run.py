"""Write what a stage asks for, batch by batch: texts in, cubes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from ...compiler.physical import EditGroup
from ..batch_edits import batch_edit
from ..cube import Cube
from ..engine import Batch, Edit, Engine, pad
from ..engine.choose import Sampling
from ..engine.generate import CONTEXT, LENGTH, Texts, Written, generate
from ..store.journal import Journal
from ..text.tokenizer import Tokenizer
from .draws import names, uniforms
from .ends import end_ids
from .lower import Writing
from .value import cells_of, closeness, packed, token_ids

WINDOW = 4  # tokens before a stop text that may change how its first token is spelled


def write(
    writing: Writing, engine: Engine | None, tokenizer: Tokenizer, vectors: Mapping[str, np.ndarray],
    donors: Mapping[str, object], seed: int, journal: Journal,
    progress: Callable[[int], None] = lambda texts: None,
) -> dict[str, Cube]:  # fmt: skip
    """Write all texts of a stage that its journal has not; returns their cubes by the keys of their nodes.

    `seed` is the run's. The engine is needed where there are batches; texts that are in none are empty.
    """
    found: list[Written | None] = [None] * len(writing.row)
    ends = end_ids(engine.model.directory, tokenizer) if engine is not None else frozenset()
    for index, batch in enumerate(writing.batches):
        if index in journal.found:
            ((_, _, cells),) = journal.parts(index)
            texts = unpacked(cells)
        else:
            texts = generate(engine, texts_of(writing, batch, engine, tokenizer, vectors, donors, ends, seed))
            journal.add(index, [(0, batch, cells_of([(w.ids, w.end, w.close) for w in texts]))])
        for text, written in zip(batch.tolist(), texts, strict=True):
            found[text] = written
        progress(len(batch))
    made = {}
    for number, one in enumerate(writing.asked):
        texts = np.flatnonzero(writing.of == number)  # in the order of its cells
        parts = []
        for text in texts:
            w = found[text]
            cut = w is not None and w.end == LENGTH and writing.most[text] < one.most
            parts.append(((), 0, np.inf) if w is None else (w.ids, CONTEXT if cut else w.end, w.close))
        cube = packed(one.axes, parts, writing.reasons[texts])
        made[one.node.key] = cube.transpose([a.name for a in one.node.axes])
    return made


def unpacked(cells: np.ndarray) -> list[Written]:
    """The texts of cells [n, width], as they were written."""
    return [Written(token_ids(c), int(c[0]), float(near)) for c, near in zip(cells, closeness(cells), strict=True)]


def texts_of(
    writing: Writing, batch: np.ndarray, engine: Engine, tokenizer: Tokenizer, vectors: Mapping[str, np.ndarray],
    donors: Mapping[str, object], ends: frozenset[int], seed: int,
) -> Texts:  # fmt: skip
    """A batch as the engine takes it."""
    rows = writing.row[batch]
    heads, source = np.unique(writing.head[rows], return_inverse=True)
    ids, lengths = pad([writing.rows.prompts[p] for p in writing.rows.prompt[heads]])
    place = np.full(len(writing.rows), -1)
    place[heads] = np.arange(len(heads))
    facts = engine.model.facts

    def edits(groups: Sequence[EditGroup], chosen_of: Callable) -> tuple[Edit, ...]:
        parts = ((group, *chosen_of(group)) for group in groups)
        return tuple(batch_edit(g, chosen, rows_, vectors, facts, donors) for g, chosen, rows_ in parts if len(chosen))

    def in_prompts(group: EditGroup) -> tuple[np.ndarray, np.ndarray]:
        chosen = np.flatnonzero(place[group.rows] >= 0)
        return chosen, place[group.rows[chosen]]

    by_row = np.argsort(rows, kind="stable")

    def behind(group: EditGroup) -> tuple[np.ndarray, np.ndarray]:
        # a row has several texts, and may have several entries: one for each key that is hidden
        first, stop = (np.searchsorted(rows[by_row], group.rows, side) for side in ("left", "right"))
        entry = np.repeat(np.arange(len(group.rows)), stop - first)
        place = np.arange(len(entry)) - np.repeat(np.cumsum(stop - first) - stop, stop - first)
        return entry, by_row[place]

    asked = [writing.asked[i] for i in writing.of[batch]]
    most = writing.most[batch]
    stops = [one.stop for one in asked]

    def ended(text: int, ids: Sequence[int]) -> bool:
        return bool(stops[text]) and stopped(tokenizer, stops[text], ids)

    return Texts(
        Batch(ids, lengths, edits(writing.edits, in_prompts)),
        torch.from_numpy(source),
        edits(writing.later, behind),
        torch.from_numpy(most),
        Sampling(*(column([getattr(one, k) for one in asked]) for k in ("temperature", "top_p", "penalty"))),
        random_numbers(writing, batch, seed),
        ends,
        ended,
        tokenizer.vocab_size,
    )


def column(values: Sequence[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def random_numbers(writing: Writing, batch: np.ndarray, seed: int) -> torch.Tensor:
    """The numbers [texts, tokens] that a batch draws with; texts of likeliest tokens need none."""
    found = np.zeros((len(batch), int(writing.most[batch].max())))
    for number in np.unique(writing.of[batch]):
        one = writing.asked[number]
        mine = np.flatnonzero(writing.of[batch] == number)
        if one.temperature == 0:
            continue
        for at, (item, sample) in zip(mine, names(one.axes, writing.cell[batch[mine]]), strict=True):
            found[at] = uniforms((seed, one.seed), item, sample, one.written_before, found.shape[1])
    return torch.from_numpy(found)


def stopped(tokenizer: Tokenizer, stop: Sequence[str], ids: Sequence[int]) -> bool:
    """Whether a stop text stands at the end of what was written; a token may hold its end and more."""
    longest = max(map(len, stop))
    text = tokenizer.decode(list(ids[-(longest + WINDOW) :]), skip_special=True)
    return any(s in text for s in stop)
