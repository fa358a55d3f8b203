"""Do a stage of writing: texts that are not in the store are written, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...compiler.stages import Stage
from ..kept import journal_of, keep_whole, operands
from .lower import lower_writing
from .run import write

if TYPE_CHECKING:
    from ..execute import Prepared
    from ..pool import ModelPool


def write_stage(
    prepared: Prepared, stage: Stage, pool: ModelPool, progress: Callable[[str, int, int], None] | None
) -> list[int]:
    """Write the texts of a stage; returns the most forwards and row-layer-tokens that the plan predicted."""
    expected = [0, 0]
    found = lower_writing(stage, prepared.bindings, prepared.evaluator, prepared.options.batch_tokens)
    total, done = sum(len(w.row) for w in found), 0
    for writing in found:
        source = prepared.bindings.source(writing.model)

        def note(texts: int, source: object = source) -> None:
            nonlocal done
            done += texts
            if progress is not None:
                progress(f"stage {stage.index + 1} of {len(prepared.stages)} · {source} writes", done, total)

        engine = pool.engine(writing.model)
        pool.check(writing.model, writing.rows.prompts)
        vectors = operands(prepared, (*writing.edits, *writing.later), [one.node for one in writing.asked])
        donors = pool.donors(writing.model, writing.edits, [one.node for one in writing.asked])
        tokenizer = prepared.bindings.tokenizer(writing.model)
        nodes = [one.node for one in writing.asked]
        journal = journal_of(prepared, nodes, writing.batches)
        made = write(writing, engine, tokenizer, vectors, donors, prepared.options.seed, journal, note)
        prepared.evaluator.results.update(made)
        keep_whole(prepared, nodes, made)
        journal.finish()
        most = writing.cost()
        expected = [expected[0] + most.forwards, expected[1] + most.row_layer_tokens]
    return expected
