"""Lower a judge that runs here: a row for each question and beginning of an integer, and a request for its logits."""

from __future__ import annotations

import numpy as np

from ...compiler.graph import Node
from ...compiler.physical import Request
from ..cube import Axis
from ..judges.prompts import branches, prompt
from ..judges.questions import questions
from ..judges.scale import Branches
from .state import Judged, Lowered, Lowering


def lower_judge(state: Lowering, node: Node) -> None:
    """Rows are shared by equal questions; the beginnings of integers are an axis behind those of the texts."""
    asked = questions(state.bindings, state.evaluator, node)
    tokenizer = state.bindings.tokenizer(state.model)
    texts = list(dict.fromkeys(q for q in asked.asked if q is not None))
    prompts = [prompt(tokenizer, text) for text in texts]
    name = str(state.bindings.source(state.model))
    found = branches(tokenizer, prompts, asked.scale, name) if prompts else Branches.of([(i,) for i in asked.scale])
    width = len(found.prefixes)
    ids = [(*p.ids, *prefix) for p in prompts for prefix in found.prefixes]
    number = {text: i for i, text in enumerate(texts)}
    cells = np.array([i for i, q in enumerate(asked.asked) if q is not None], dtype=np.int64)
    question = np.array([number[asked.asked[i]] for i in cells], dtype=np.int64)
    cell = (cells[:, None] * width + np.arange(width)).reshape(-1)
    own = (question[:, None] * width + np.arange(width)).reshape(-1)
    if ids:
        state.prompt.append(np.array([state.prompts.setdefault(i, len(state.prompts)) for i in ids], dtype=np.int64))
        positions = np.array([len(i) - 1 for i in ids], dtype=np.int64)[own]
        slots = np.arange(len(cell))
        state.requests.append(
            Request(len(state.lowered), ("logits", None, None), state.count + own, positions, slots, False)
        )
        state.count += len(ids)
    reasons = np.repeat(asked.reasons, width)
    axes = (*asked.axes, Axis("beginning of an integer", tuple(range(width)), "computed"))
    prompt_of = np.zeros(len(reasons), dtype=np.int64)
    state.lowered.append(Lowered(node, axes, cell, "single", reasons, prompt_of, Judged(asked, found)))
