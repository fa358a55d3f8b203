"""Where an intervention acts: at which tokens of the prompts, and while which tokens are written."""

from __future__ import annotations

from functools import partial

import numpy as np

from ...compiler.graph import Node
from ...compiler.kinds import Generated
from ..binding.prompts import find
from ..text.positions import All
from ..text.rendered import Rendered
from .places import Places, places
from .state import Lowering, RunRows

SCOPES = {"steer": "predicting", "project_out": "all"}  # of interventions that name no tokens


def scope_of(edit: Node) -> str:
    """When an intervention acts while a text is written: at prompt, response, predicting or all."""
    given = edit.input("during")
    if given is not None:
        return str(given.param("value"))
    return SCOPES.get(edit.op, "prompt") if edit.input("tokens") is None else "prompt"


def acting(state: Lowering, edit: Node, tokens: Node | None, rows: RunRows) -> Places:
    """The positions of a run's prompts at which an intervention acts that names `tokens` (None: all of them).

    `during` is about texts that are written, and about those that were: elsewhere it means nothing.
    """
    model, prompts, scope = rows.run.input("model"), rows.run.input("prompts"), scope_of(edit)
    rendered = state.bindings.rendered(model, prompts)
    texts = state.writing or issubclass(prompts.kind, Generated)
    if texts and scope in ("response", "predicting"):
        return Places(None, (tuple(np.array(written_at(r, scope), dtype=np.int64) for r in rendered),))
    if tokens is None:
        found = Places(None, (tuple(find(r, All()) for r in rendered),))
    else:
        found = places(state.bindings, tokens, model, prompts, rows.run)
    if state.writing or not texts or edit.input("during") is None and tokens is not None:
        return found
    chosen = tuple(tuple(map(partial(within, scope), row, rendered)) for row in found.found)
    return Places(found.axis, chosen)


def written_at(rendered: Rendered, scope: str) -> range:
    """Positions of the tokens that were written; while predicting, of those that a token was chosen behind."""
    start, stop = rendered.response_start, len(rendered.ids)
    if start is None:  # still to be written
        return range(stop - 1, stop) if scope == "predicting" else range(0)
    return range(start - 1, stop - 1) if scope == "predicting" else range(start, stop)


def within(scope: str, found: np.ndarray | str, rendered: Rendered) -> np.ndarray | str:
    """Positions in the prompt of a text that was written, with those of the text where `scope` is all."""
    if isinstance(found, str):
        return found
    inside = found[found < rendered.response_start]
    return inside if scope == "prompt" else np.r_[inside, np.array(written_at(rendered, "response"), np.int64)]
