"""What an intervention reaches beside what was meant: texts that are read again, other models, the model itself."""

from __future__ import annotations

from ...grammar.tree import Span
from .. import errors
from ..graph import Node, walk
from ..kinds import Generated
from . import stacks
from .core import Elaborator
from .env import Env
from .lengths import has_scale


def check_reach(el: Elaborator, prompts: Node, env: Env, span: Span) -> None:
    """Warn where one `under` edits both the run that wrote a text and the one that reads it."""
    texts = {key for leaf in stacks.leaves(prompts) for key in texts_of(leaf)}
    if any(scope.texts & texts for scope in env.under_scopes if not scope.reread):
        el.report(errors.written_and_read_under(span))


def texts_of(prompts: Node) -> set[str]:
    """Keys of the `generate` nodes that wrote what is read in these prompts, through filters."""
    while prompts.op in ("keep", "keep_pairs"):
        prompts = prompts.input("items")
    return {leaf.key for leaf in stacks.leaves(prompts) if issubclass(leaf.kind, Generated)}


def check_transfer(el: Elaborator, edit: Node, model: Node, span: Span) -> None:
    """Warn where a direction that was read in other models only is added here with the length it had there."""
    direction, unit = edit.input("direction"), edit.input("unit")
    if edit.op != "steer" or direction is None or (unit is not None and unit.param("value") != "raw"):
        return
    if all(map(has_scale, stacks.leaves(direction))):
        return
    read = {n.input("run").input("model") for n in walk(direction) if n.op == "read"}
    if read and model not in read:
        there, here = (el.names.get(m.key, "another model") for m in (min(read, key=lambda m: m.key), model))
        el.report(errors.direction_of_another_model(span, there, here))


def check_itself(el: Elaborator, model: Node, env: Env, span: Span) -> None:
    """Warn where every graft that holds takes weights of the very model that runs."""
    runs = {leaf.key for leaf in stacks.leaves(model)}
    for edit in env.interventions:
        donors = {leaf.input("donor").key for leaf in stacks.leaves(edit) if leaf.op == "graft"}
        if len(donors) == 1 and donors == runs:
            el.report(errors.graft_of_itself(span, el.names.get(min(donors), "the model")))
