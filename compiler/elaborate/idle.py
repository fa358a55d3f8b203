"""What is written and does nothing: samples that are all one text, conditions that choose nothing, unfilled rubrics."""

from __future__ import annotations

import re

from ...grammar.tree import NOWHERE, Span
from .. import errors
from ..graph import Node
from ..kinds import Text
from ..signature import Signature
from . import stacks
from .core import Elaborator
from .prompts import placeholders

RANGE = re.compile(r"\bfrom (\d+) to (\d+)\b")


def check_idle(el: Elaborator, signature: Signature, arguments: dict[str, Node], places: dict[str, Span]) -> None:
    """Report arguments that change nothing, where the text of the spec tells."""
    match signature.name:
        case "generate":
            alike(el, arguments, places)
        case "keep":
            chooses(el, arguments, places)
        case "judge":
            filled(el, arguments, places)


def alike(el: Elaborator, arguments: dict[str, Node], places: dict[str, Span]) -> None:
    """Several samples of texts that nothing is drawn for."""
    samples, temperature = arguments.get("samples"), arguments.get("temperature")
    if samples is None or samples.op != "const" or samples.param("value") < 2:
        return
    if temperature is None or temperature.op == "const" and temperature.param("value") == 0:
        el.report(errors.samples_alike(places.get("samples", NOWHERE), samples.param("value")))


def chooses(el: Elaborator, arguments: dict[str, Node], places: dict[str, Span]) -> None:
    """A condition that says nothing about items."""
    where = arguments["where"]
    if where.op != "const" and not any(a.kind == "data" for a in stacks.visible_axes(where).values()):
        el.report(errors.keeps_all_or_none(places.get("where", NOWHERE)))


def filled(el: Elaborator, arguments: dict[str, Node], places: dict[str, Span]) -> None:
    """A rubric with braces that nothing fills in, or that names another range than the scale."""
    rubric, scale = arguments["rubric"], arguments.get("scale")
    if rubric.op != "const" or not issubclass(rubric.kind, Text):
        return
    text, place = str(rubric.param("value")), places.get("rubric", NOWHERE)
    named = placeholders(text)
    if named and "text" not in named:
        el.report(errors.rubric_not_filled(place, named[0]))
    asked = {match.groups() for match in RANGE.finditer(text)}
    chosen = "0..100" if scale is None else scale.param("value") if scale.op == "const" else None
    if chosen is not None and len(asked) == 1:
        low, high = asked.pop()
        if f"{low}..{high}" != chosen:
            el.report(errors.rubric_of_another_scale(place, f"{low} to {high}", chosen))
