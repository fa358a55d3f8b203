"""Prompts nodes to rendered prompts, and token nodes to positions in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...compiler.builtins import ROLES, TARGETS
from ...compiler.graph import Node
from ..errors import ProbeError
from ..text import positions as at
from ..text.render import render
from ..text.rendered import Rendered
from ..text.template import Segment, SystemMode, Template

if TYPE_CHECKING:
    from .bindings import Bindings


def template_of(prompts: Node) -> Template:
    """The template of a prompts node; a segment that is a column is a placeholder for it."""
    segments = []
    for i, full in enumerate(prompts.param("segments")):
        role, _, part = full.partition(".")
        node = prompts.input(f"s{i}")
        role = role if role in ROLES and full not in TARGETS else None
        segments.append(Segment(part or full, role, segment_text(node)))
    return Template(str(prompts.param("name")), tuple(segments))


def segment_text(node: Node) -> str | SystemMode:
    if node.op == "mode":
        return SystemMode(node.param("mode"))
    if node.op == "none":
        return SystemMode.NONE
    if node.op == "column":
        return "{" + str(node.param("name")) + "}"
    if node.op == "const":
        return str(node.param("value"))
    raise ProbeError("planned", f"a segment cannot be made with `{node.op}` yet")


def rows_of(bindings: Bindings, prompts: Node) -> list[dict]:
    """The rows that fill a template: those of its dataset, or one empty row; parameters are further columns."""
    source = prompts.input("source")
    given = {k.removeprefix("v_"): n.param("value") for k, n in prompts.inputs if k.startswith("v_")}
    if source is None:
        return [given]
    return [{**row, **given} for row in bindings.table(source).rows()]


def render_all(bindings: Bindings, model: Node, prompts: Node) -> tuple[Rendered, ...]:
    """Every item's prompt, as a model reads it."""
    if prompts.op != "prompts":
        raise ProbeError("planned", f"prompts made with `{prompts.op}` cannot be run yet")
    template, tokenizer = template_of(prompts), bindings.tokenizer(model)
    return tuple(render(template, row, tokenizer) for row in rows_of(bindings, prompts))


def expression(tokens: Node) -> at.TokenExpression:
    """A token node as an expression of the text layer."""
    match tokens.op:
        case "tokens":
            return of_path(tokens.param("path"))
        case "occurrences":
            return at.Occurrences(str(tokens.input("text").param("value")))
        case "union":
            return at.Union((expression(tokens.input("left")), expression(tokens.input("right"))))
        case "complement":
            return at.Complement(expression(tokens.input("tokens")))
        case "pool":
            return expression(tokens.input("tokens"))
    raise ProbeError("planned", f"tokens made with `{tokens.op}` cannot be found yet")


def of_path(path: tuple[str, ...]) -> at.TokenExpression:
    whole = {
        "first": at.First(),
        "last": at.Last(),
        "bos": at.Bos(),
        "template": at.TemplateTokens(),
        "all": at.All(),
        "tokens": at.All(),
    }
    if len(path) == 1:
        return whole.get(path[0]) or at.SegmentTokens(path[0], "all")
    return at.SegmentTokens(path[0], path[1])


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
