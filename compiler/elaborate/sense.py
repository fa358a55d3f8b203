"""What can be computed and yet means nothing, or not what it seems to: sides averaged, judges judging themselves."""

from __future__ import annotations

from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..graph import Node, walk
from ..kinds import Boolean, Generated, Number, Text
from ..signature import Signature
from . import stacks
from .core import Elaborator
from .idle import check_idle
from .lengths import check_lengths
from .prompts import prompts_of_run

RAW = ("norm", "distance", "dot", "projection")  # lengths in units of the activations
REPEATED = ("cosine", "dot", "distance", "projection", "kl", "cka", "jaccard", "spearman", "pearson")
REWRITES = {"original": 0, "once": 1, "twice": 2}


def check_sense(el: Elaborator, signature: Signature, arguments: dict[str, Node], e: ir.CallOf) -> bool:
    """Report doubts about a call; False where it cannot be computed."""
    span = e.span or NOWHERE
    places = {a.name: a.value.span or span for a in e.arguments}
    repeated(el, signature, arguments, span)
    judged(el, signature, arguments, span)
    scored(el, signature, arguments, span)
    raw_peak(el, signature, arguments, span)
    check_lengths(el, signature, arguments, span)
    check_idle(el, signature, arguments, places)
    return (
        permuted(el, signature, arguments, span)
        and resampled(el, signature, arguments, span)
        and rewritten(el, signature, arguments, places)
        and null_fits(el, signature, arguments, places)
    )


def repeated(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> None:
    """Two equal arguments of a comparison."""
    if signature.name in REPEATED:
        first, second = (arguments.get(p.name) for p in signature.parameters[:2])
        if first is not None and first is second:
            el.report(errors.same_operands(span, signature.name))


def judged(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> None:
    """A judge that is the model whose text it judges."""
    model = arguments.get("model")
    if signature.work != "judge" or model is None:
        return
    for name, node in arguments.items():
        if name == "model" or not issubclass(node.kind, (Text, Generated)):
            continue
        writers = {m.key for n in walk(node) if n.op == "generate" and (m := writer(n)) is not None}
        if writers & {leaf.key for leaf in stacks.leaves(model)}:
            el.report(errors.self_judged(span, el.names.get(stacks.leaves(model)[0].key, "this model")))


def writer(generate: Node) -> Node | None:
    run = next((n for _, n in generate.inputs if n.op == "run"), None)
    return run.input("model") if run is not None else None


def scored(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> None:
    """A reward model that is shown a question and no answer."""
    if signature.name != "score":
        return
    for leaf in stacks.leaves(arguments["of"]):
        prompts = leaf.input("prompts") if leaf.op == "run" else leaf
        if prompts.op != "prompts":
            continue
        segments = prompts.param("segments") or ()
        if segments and segments[-1].split(".")[0] in ("user", "system"):
            el.report(errors.score_without_reply(span, el.names.get(prompts.key, prompts.param("name"))))


def raw_peak(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> None:
    """The layer with the largest raw length is nearly always a late one: activations grow along the stream."""
    over = arguments.get("over")
    if (
        signature.name in ("argmax", "max")
        and over is not None
        and over.param("name") == "layer"
        and is_raw(arguments.get("x"))
    ):
        el.report(errors.raw_scale(span, "the largest length", "layer"))


def is_raw(node: Node | None) -> bool:
    """Whether a number is a length in units of the activations, and divided by nothing."""
    while node is not None and node.op in ("mean", "median", "select", "filter", "statement", "stack"):
        node = (
            stacks.leaves(node)[0]
            if node.op == "stack"
            else node.input("x") or node.input("base") or node.input("value")
        )
    return node is not None and node.op in RAW and any(n.op == "read" for n in walk(node))


def permuted(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> bool:
    """Swapping sides changes a value only through something that tells them apart."""
    x = arguments.get("x")
    if signature.name != "label_permutation" or x is None:
        return True
    if any((s := el.catalogue.get(n.op)) is not None and s.axes == "reduce-side" for n in walk(x)):
        return True
    if any(n.op == "classifier" or n.op == "select" and n.param("axis") == "side" for n in walk(x)):
        return True
    el.report(errors.nothing_to_permute(span))
    return False


def resampled(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> bool:
    x = arguments.get("x")
    if signature.name != "bootstrap" or x is None or x.lineage or "item" in stacks.visible_axes(x):
        return True
    el.report(errors.nothing_to_resample(span))
    return False


def rewritten(el: Elaborator, signature: Signature, arguments: dict[str, Node], places: dict[str, Span]) -> bool:
    """`rate(original, once=…, twice=…)`: each number is of texts that were rewritten so often."""
    if signature.name != "rate":
        return True
    good = True
    for name, wanted in REWRITES.items():
        found = {rewrites(p) for n in walk(arguments[name]) if n.op == "run" for p in [n.input("prompts")]} - {None}
        depth = max(found, default=wanted)
        if depth != wanted:
            el.report(errors.rewrites_mixed_up(places.get(name, NOWHERE), name, wanted, depth))
            good = False
    treated = arguments.get("treated")
    if treated is not None and treated.op == "const":
        el.report(errors.constant_attribute(places.get("treated", NOWHERE), treated.param("value")))
        good = False
    return good


def rewrites(prompts: Node) -> int:
    """How many models wrote, one after the other, what stands in these prompts."""
    if prompts.op == "generate":
        return 1 + rewrites(prompts_of_run(prompts))
    source = prompts.input("source") or prompts.input("items")
    return rewrites(source) if source is not None else 0


def null_fits(el: Elaborator, signature: Signature, arguments: dict[str, Node], places: dict[str, Span]) -> bool:
    """A value and its null have the same axes, but for the null's own."""
    x, null = arguments.get("x"), arguments.get("null")
    if signature.name != "z_score" or x is None or null is None:
        return True
    over = arguments.get("over")
    name = str(over.param("name")) if over is not None else str(signature.parameter("over").default)
    if name in stacks.visible_axes(x):
        el.report(errors.value_has_null_axis(places.get("x", NOWHERE), name))
        return False
    extra = [a for a in stacks.visible_axes(null) if a != name and a not in stacks.visible_axes(x)]
    if extra:
        el.report(errors.null_axes(places.get("null", NOWHERE), extra[0]))
        return False
    return True


def averages_sides(el: Elaborator, signature: Signature, subject: Node, span: Span) -> None:
    """Both sides of a contrast counted as items: meant for lengths of activations, seldom for what a model answers."""
    if signature.axes not in ("reduce", "reduce-items") or not issubclass(subject.kind, (Number, Boolean)):
        return
    if not is_of_activations(subject):
        el.report(errors.sides_averaged(span, signature.name))


def is_of_activations(node: Node) -> bool:
    """Whether a value is computed from activations, and not from what the model answers."""
    seen, waiting = set(), [node]
    while waiting:
        n = waiting.pop()
        if n.op == "read":
            return True
        if n.key not in seen and n.op != "run":
            seen.add(n.key)
            waiting += [child for _, child in n.inputs]
    return False


def is_of_both_sides(el: Elaborator, node: Node) -> bool:
    """Whether vectors of both sides of a contrast are averaged, and nowhere compared."""
    below = list(walk(node))
    compared = any((s := el.catalogue.get(n.op)) is not None and s.axes == "reduce-side" for n in below)
    return not compared and any(
        n.op == "mean" and "side" in stacks.visible_axes(n.input("x")) and n.axis("side") is None for n in below
    )


def same_rows(el: Elaborator, signature: Signature, arguments: dict[str, Node], places: dict[str, Span]) -> bool:
    """What is fitted together is paired: the labels `y` belong to the items of the vectors beside them."""
    if "fitted_on" not in signature.apart or arguments.get("y") is None:
        return True
    on, y = arguments.get("fitted_on") or arguments.get("x"), arguments["y"]
    a, b = (stacks.visible_axes(n).get("item") for n in (on, y))
    if a is not None and b is not None and a.origin != b.origin:
        el.report(errors.unpaired(places.get("y", NOWHERE), el.dataset_name(a), el.dataset_name(b)))
        return False
    return True
