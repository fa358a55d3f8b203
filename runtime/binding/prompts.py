"""Prompts nodes to rendered prompts, and token nodes to positions in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...compiler.graph import Node
from ...compiler.kinds import Generated
from ..errors import ProbeError
from ..text import positions as at
from ..text.render import render
from ..text.rendered import Rendered
from .templates import expression_of, prompt_of

if TYPE_CHECKING:
    from .bindings import Bindings


def render_all(bindings: Bindings, model: Node, prompts: Node) -> tuple[Rendered, ...]:
    """The prompts of every cell of their axes, as a model reads them; one prompt where there is no dataset."""
    if issubclass(prompts.kind, Generated):
        from .written import read_texts

        return read_texts(bindings, model, prompts)
    made = prompt_of(prompts) if prompts.op == "prompts" else None
    if made is None:
        raise ProbeError("planned", f"prompts made with `{prompts.op}` cannot be run yet")
    source, tokenizer = prompts.input("source"), bindings.tokenizer(model)
    rows = bindings.table(source).rows() if source is not None else [{}]
    return tuple(render(made.template, made.row(row), tokenizer) for row in rows)


def expression(tokens: Node) -> at.TokenExpression:
    """A token node as an expression of the text layer."""
    found = expression_of(tokens)
    if found is None:
        raise ProbeError("planned", f"tokens made with `{tokens.op}` cannot be found yet")
    return found


def find(rendered: Rendered, wanted: at.TokenExpression) -> np.ndarray | str:
    """Positions of an expression in one prompt, or the reason why there are none."""
    try:
        return np.array(at.positions(rendered, wanted), dtype=np.int64)
    except ProbeError as error:
        return error.message


def coordinates_of(all_rendered: tuple[tuple[Rendered, ...], ...]) -> tuple[list[tuple[str, int]], dict]:
    """Coordinates (segment, index) of written tokens over all prompts, in reading order, with their texts.

    A coordinate's text is there when all prompts agree on it.
    """
    order: dict[tuple[str, int], list[float]] = {}
    texts: dict[tuple[str, int], set[str]] = {}
    for group in all_rendered:
        for rendered in group:
            found = at.coordinates(rendered)
            for place, (segment, index, text) in enumerate(found):
                order.setdefault((segment, index), []).append(place / max(len(found), 1))
                texts.setdefault((segment, index), set()).add(text)
    segments: dict[str, float] = {}
    for (segment, _), places in order.items():
        segments[segment] = min(segments.get(segment, 2.0), float(np.mean(places)))
    ordered = sorted(order, key=lambda c: (segments[c[0]], c[1]))
    return ordered, {c: next(iter(texts[c])) if len(texts[c]) == 1 else None for c in ordered}
