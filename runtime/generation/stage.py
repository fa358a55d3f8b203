"""Do a stage of writing: texts that are not in the store are written, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from ...compiler.stages import Stage
from ..estimates import writing_seconds
from ..kept import made_known, operands, value
from ..schedule import room_for_texts, shape_of
from ..store import Journal
from ..store.content import Hasher
from .batches import Room, in_batches
from .lower import Writing, lower_writing
from .pieces import Pieces, pieces_of
from .run import write

if TYPE_CHECKING:
    from ..pool import ModelPool
    from ..prepared import Prepared


def write_stage(
    prepared: Prepared, stage: Stage, pool: ModelPool, progress: Callable[[str, int, int], None] | None
) -> tuple[list[int], int, list[float | None]]:
    """Write the texts of a stage; returns the most forwards and row-layer-tokens that the plan predicted for them, how
    many batches were in the journals of a run that was stopped, and the most seconds that each model was estimated to
    take (None where it was not measured)."""
    expected, resumed, seconds = [0, 0], 0, []
    found = [begun(prepared, w) for w in lower_writing(stage, prepared.bindings, prepared.evaluator)]
    total, done = sum(len(b) for writing, *_ in found for b in writing.batches), 0
    for writing, kept, vectors, journal in found:
        source = prepared.bindings.source(writing.model)

        def note(texts: int, source: object = source) -> None:
            nonlocal done
            done += texts
            if progress is not None:
                progress(f"stage {stage.index + 1} of {len(prepared.stages)} · {source} writes", done, total)

        nodes, engine, donors, loads = [one.node for one in writing.asked], None, {}, pool.counts.loads
        if writing.batches:
            engine = pool.engine(writing.model)
            pool.check(writing.model, writing.rows.prompts)
            donors = pool.donors(writing.model, (*writing.edits, *writing.later), nodes)
        tokenizer = prepared.bindings.tokenizer(writing.model)
        resumed += len(journal.found)
        left = writing.without(journal.found)
        most = left.cost()
        seconds.append(writing_seconds(prepared, left, pool.counts.loads > loads))
        made = write(writing, engine, tokenizer, vectors, donors, prepared.options.seed, journal, note)
        if kept.cuts:
            made = {node.key: kept.whole(i, made[node.key]) for i, node in enumerate(nodes)}
            values = (value(prepared, node, made[node.key], *kept.cuts[i]) for i, node in enumerate(nodes))
            prepared.store.put(*values)
        made_known(prepared, made)
        prepared.evaluator.results.update(made)
        journal.finish()
        expected = [expected[0] + most.forwards, expected[1] + most.row_layer_tokens]
    return expected, resumed, seconds


def begun(prepared: Prepared, lowered: Writing) -> tuple[Writing, Pieces, Mapping[str, np.ndarray], Journal]:
    """What is left to write, in batches; what the store has of it, the vectors of its edits, and its journal."""
    vectors = operands(prepared, (*lowered.edits, *lowered.later), [one.node for one in lowered.asked])
    kept, shape, room = (
        pieces_of(prepared, lowered, vectors),
        shape_of(prepared, lowered.model),
        room_for_texts(prepared),
    )
    if prepared.store is None:
        return in_batches(lowered, shape, room), kept, vectors, Journal()
    prepared.store.pieces = tuple(map(sum, zip(prepared.store.pieces, kept.counted, strict=True)))
    recipes = [prepared.recipe(one.node) for one in lowered.asked]
    journal = prepared.store.journal(Hasher().text([recipes, kept.missing]).hexdigest())
    if journal.settings is not None:
        # what is left is written in the batches of the run that was stopped, whatever memory is free now
        room = Room(**journal.settings)
    writing = in_batches(lowered, shape, room, kept.wanted)
    layout = Hasher()
    for batch in writing.batches:
        layout.array(batch)
    journal.begin(layout.hexdigest(), asdict(room), len(writing.batches))
    return writing, kept, vectors, journal
