"""Texts that models wrote, as prompts with a response, as texts, and as rows of a table; and which of them are kept.

Tokens are those that were written. A model with another vocabulary reads the text behind its own form of the prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ...compiler.elaborate.prompts import prompts_of_run
from ...compiler.graph import Node
from ..cube import Cube
from ..data.table import Table
from ..errors import NotYet, ProbeError
from ..generation.value import token_ids
from ..text.continuation import with_answer, with_ids
from ..text.rendered import Rendered
from .axes import axes_of

if TYPE_CHECKING:
    from .bindings import Bindings


def value_of(bindings: Bindings, generate: Node) -> Cube:
    """What a model wrote, with items as the last axis; `not-yet` before it has."""
    found = bindings.results.get(generate.key)
    if found is None:
        raise NotYet(generate.op)
    return found.transpose([a.name for a in axes_of(bindings, generate)])


def prompt_numbers(bindings: Bindings, generate: Node) -> np.ndarray:
    """For each text, the number of the prompt that it continues."""
    axes = axes_of(bindings, generate)
    shape = tuple(len(a) for a in axes)
    at = np.unravel_index(np.arange(int(np.prod(shape, initial=1))), shape) if axes else ()
    of = dict(zip((a.name for a in axes), at, strict=True))
    numbers = np.zeros(int(np.prod(shape, initial=1)), dtype=np.int64)
    for axis in axes_of(bindings, prompts_of_run(generate)):
        numbers = numbers * len(axis) + of[axis.name]
    return numbers


def read_texts(bindings: Bindings, model: Node, prompts: Node) -> tuple[Rendered, ...]:
    """Prompts with their responses, as a model reads them; one for each cell of their axes, items last."""
    if prompts.op != "generate":
        every = bindings.rendered(model, prompts.input("items"))
        return tuple(every[i] for i in kept_rows(bindings, prompts))
    value = value_of(bindings, prompts)
    cells = value.values.reshape(-1, *value.feature)
    before = bindings.rendered(model, prompts_of_run(prompts))
    tokenizer, writer = bindings.tokenizer(model), bindings.tokenizer(prompts.input("prompts").input("model"))
    numbers = prompt_numbers(bindings, prompts)
    if tokenizer.vocabulary_fingerprint == writer.vocabulary_fingerprint:
        return tuple(with_ids(before[n], token_ids(c), tokenizer) for n, c in zip(numbers, cells, strict=True))
    texts = texts_of(bindings, prompts).transpose(value.names).values.reshape(-1)
    return tuple(
        with_answer(before[n], text, tokenizer, name="response") if text else with_ids(before[n], (), tokenizer)
        for n, text in zip(numbers, texts, strict=True)
    )


def texts_of(bindings: Bindings, prompts: Node) -> Cube:
    """The responses as texts; what could not be written is missing."""
    if prompts.op != "generate":
        axes = axes_of(bindings, prompts)
        every = texts_of(bindings, prompts.input("items"))
        flat = every.transpose([a.name for a in axes_of(bindings, prompts.input("items"))])
        rows = kept_rows(bindings, prompts)
        missing = None if flat.missing is None else flat.missing.reshape(-1)[rows]
        return Cube(axes, flat.values.reshape(-1)[rows], missing)
    value = value_of(bindings, prompts)
    rendered = bindings.rendered(prompts.input("prompts").input("model"), prompts)
    texts = np.empty(len(rendered), dtype=object)
    for i, r in enumerate(rendered):
        texts[i] = r.text[slice(*r.spans["response"])]
    made = Cube(value.axes, texts.reshape(value.shape), value.missing)
    return made.transpose([a.name for a in prompts.axes])


def table_of(bindings: Bindings, prompts: Node) -> Table:
    """The rows behind texts with what was written: the columns of their dataset, `sample`, and `response`."""
    if prompts.op != "generate":
        return bindings.table(prompts.input("items")).take(kept_rows(bindings, prompts).tolist())
    axes = axes_of(bindings, prompts)
    if any(a.kind != "data" for a in axes):
        name = next(a.name for a in axes if a.kind != "data")
        raise ProbeError("texts-of-a-sweep", f"these texts were written for each {name}", f"select one {name}")
    source = prompts_of_run(prompts).input("source")
    texts = texts_of(bindings, prompts)
    flat = texts.transpose([a.name for a in axes])
    there = flat.present().reshape(-1)
    columns: dict[str, list] = {}
    if source is not None:
        table, numbers = bindings.table(source), prompt_numbers(bindings, prompts)
        columns = {name: [table.column(name)[n] for n in numbers] for name in table.columns}
    at = np.unravel_index(np.arange(len(there)), flat.shape) if axes else ()
    labels = {a.name: [a.labels[i] for i in index] for a, index in zip(axes, at, strict=True)}
    if "sample" in labels:
        columns["sample"] = labels["sample"]
    columns["response"] = [t if ok else None for t, ok in zip(flat.values.reshape(-1), there, strict=True)]
    parts = [labels[name] for name in ("item", "sample") if name in labels]
    keys = tuple("/".join(map(str, key)) for key in zip(*parts, strict=True)) if parts else ("0",)
    return Table(pl.DataFrame(columns, strict=False), keys)


def kept_rows(bindings: Bindings, prompts: Node) -> np.ndarray:
    """Which texts are kept, as indices in their order; item by item, and the samples of an item in their order."""
    source = prompts if prompts.op == "keep" else prompts.input("pairs")
    conditions = [n for name, n in source.inputs if name not in ("items", "other", "at_most")]
    axes = axes_of(bindings, source.input("items"))
    shape = tuple(len(a) for a in axes)
    kept = np.ones(shape, dtype=bool)
    for condition in conditions:
        kept &= holds(bindings, condition, source, axes)
    order = np.arange(kept.size).reshape(shape)
    first = [i for i, a in enumerate(axes) if a.name == "item"]
    order = np.moveaxis(order, first, range(len(first)))
    rows = order[np.moveaxis(kept, first, range(len(first)))].reshape(-1)
    most = source.input("at_most")
    return rows if most is None or most.op == "none" else rows[: int(most.param("value"))]


def holds(bindings: Bindings, condition: Node, home: Node, axes: tuple) -> np.ndarray:
    """Where a condition holds, over `axes`; where it is missing it does not."""
    from ..evaluate import Evaluator

    found = Evaluator(bindings, bindings.results).at_home(home).cube(condition)
    if found.values.dtype.kind not in "b":
        message = "`keep` takes a condition, and these values are no truth values"
        raise ProbeError("not-a-condition", message, 'compare them: `== "yes"`')
    if any(a.name not in {x.name for x in axes} for a in found.axes):
        raise ProbeError("unpaired", "a condition on texts has axes that the texts do not have")
    whole = found.expand(axes)
    return whole.values.astype(bool) & whole.present()
