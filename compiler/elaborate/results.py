"""What a call gives: its kind, and which axes go, stay and come."""

from __future__ import annotations

from dataclasses import dataclass

from ...grammar.tree import Span
from .. import errors
from ..graph import AxisType, Node, digest, walk
from ..kinds import Direction, Generated, Integer, Kind, Number, Text, Vector
from ..signature import Signature
from . import stacks
from .core import Elaborator
from .sense import averages_sides


@dataclass(frozen=True)
class AxesRule:
    """Axes that go (`without`; all data axes too if `drop_data`) and come, and those that are not distributed over."""

    adds: tuple[AxisType, ...]
    without: frozenset[str] = frozenset()
    drop_data: bool = False
    consumed: frozenset[str] = frozenset()


def kind_of(signature: Signature, arguments: dict[str, Node]) -> type[Kind]:
    """The result's kind; arithmetic on whole numbers and directions keeps them."""
    if signature.infer is not None:
        found = signature.infer({k: n.kind for k, n in arguments.items()})
        if found is not None:
            return found
    subject = arguments.get(signature.subject or "")
    if signature.name in ("argmax", "argmin"):
        return kind_of_labels(arguments) or signature.result
    if signature.result is Vector and subject is not None and issubclass(subject.kind, Vector):
        return Direction if signature.axes != "broadcast" or issubclass(subject.kind, Direction) else subject.kind
    return signature.result


def kind_of_labels(arguments: dict[str, Node]) -> type[Kind] | None:
    """What the labels of the axis `over` are, where the text tells: `argmax(x, over=layer)` is a layer."""
    axis = stacks.visible_axes(arguments["x"]).get(str(arguments["over"].param("name")))
    if axis is None:
        return None
    if axis.origin in ("layers", "heads"):
        return Integer
    label = next((n for n in walk(arguments["x"]) if n.op == "label" and n.param("origin") == axis.origin), None)
    if label is not None and issubclass(label.kind, Integer):
        return Integer
    labels = axis.labels or ()
    for kind, types in ((Integer, int), (Number, (int, float)), (Text, str)):
        if labels and all(isinstance(x, types) for x in labels):
            return kind
    return None


def axes_rule(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> AxesRule | None:
    """How the axes of a call's result follow from those of its arguments; None (reported) where they cannot."""
    adds = added(signature, arguments)
    subject = arguments.get(signature.subject or "")
    if signature.axes == "none":
        if signature.work in ("model", "train", "data"):
            return AxesRule(adds, drop_data=True)
        every = frozenset(a for n in arguments.values() for a in stacks.visible_axes(n))
        return AxesRule(adds, every, True, every)
    if signature.axes == "reduce-side":
        if "side" in stacks.visible_axes(subject):
            return AxesRule(adds, frozenset({"side"}), True, frozenset({"side"}))
        el.report(errors.no_side(span, signature.name))
        return None
    if signature.work == "generate" and not writable(el, arguments["prompts"], adds, span):
        return None
    if signature.work == "intervention":
        # tokens of an operand find their places by their coordinates: they are no axis of the run
        unbound = {a.name for n in arguments.values() for a in n.axes if a.name == "token" and a.kind == "data"}
        return AxesRule(adds, frozenset(unbound))
    over = over_what(signature, arguments)
    if over is not None:
        return over_axis(el, signature, arguments, over, adds, span)
    if signature.axes == "broadcast" or (signature.axes == "reduce-entries" and stacks.is_vector(subject)):
        return AxesRule(adds)
    return over_items(el, signature, subject, adds, span)


def added(signature: Signature, arguments: dict[str, Node]) -> tuple[AxisType, ...]:
    """The axes that an operation gives its result."""
    subject, samples = arguments.get(signature.subject or ""), arguments.get("samples")
    if signature.work == "generate" and samples is not None and samples.param("value") != 1:
        return (AxisType("sample", "data", digest(["sample", samples.key])),)
    key = subject.key if subject is not None else ""
    return tuple(AxisType(name, kind, digest([name, signature.name, key])) for name, kind in signature.adds)


def writable(el: Elaborator, runs: Node, adds: tuple[AxisType, ...], span: Span) -> bool:
    """Whether texts can be written behind prompts: not behind texts, and not several where there are several."""
    if any(issubclass(run.input("prompts").kind, Generated) for run in stacks.leaves(runs)):
        el.report(errors.text_behind_a_text(span))
        return False
    if adds and "sample" in stacks.visible_axes(runs):
        el.report(errors.samples_of_samples(span))
        return False
    return True


def over_what(signature: Signature, arguments: dict[str, Node]) -> str | None:
    """The axis, or the column of one, that `over` names, if it names any."""
    over, parameter = arguments.get("over"), signature.parameter("over")
    if over is None:
        return parameter.default if parameter is not None and isinstance(parameter.default, str) else None
    name = over.param("name") if over.op == "axis" else over.param("value")
    return name if isinstance(name, str) else None


def over_axis(
    el: Elaborator, signature: Signature, arguments: dict[str, Node], over: str, adds: tuple[AxisType, ...], span: Span
) -> AxesRule | None:
    """The axis that `over` names goes; `over=revision.tokens` goes along a column of one."""
    visible = {k: a for n in arguments.values() for k, a in stacks.visible_axes(n).items()}
    name = over.partition(".")[0]
    for node in arguments.values() if name in visible else ():
        if (found := stacks.uneven(node, name)) is not None:
            outer, having, inner = found
            el.report(errors.uneven_list(span, name, "reduce along", outer.name, having, inner))
            return None
    if name in visible:
        return AxesRule(adds, frozenset({name}), False, frozenset({name}))
    given = arguments.get("over")
    place = el.program.spans.get(given.key, span) if given is not None else span
    el.report(errors.unknown_axis(place, name, list(visible), f"what `{signature.name}` reduces"))
    return None


def over_items(
    el: Elaborator, signature: Signature, subject: Node, adds: tuple[AxisType, ...], span: Span
) -> AxesRule | None:
    """Data axes go; the two sides of a contrast count as items."""
    axes = stacks.visible_axes(subject)
    if any(a.kind == "data" for a in axes.values()):
        sides = frozenset({"side"} & set(axes))
        if sides:
            averages_sides(el, signature, subject, span)
        return AxesRule(adds, sides, True, sides)
    if signature.axes == "reduce-any":
        return AxesRule(adds, frozenset(axes), True, frozenset(axes))
    el.report(errors.no_items(span, signature.name))
    return None
