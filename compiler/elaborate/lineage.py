"""What a value was fitted on, and whether it meets these rows again. Splits are how to avoid it."""

from __future__ import annotations

from collections.abc import Iterator

from ...grammar.tree import NOWHERE, Span
from .. import errors
from ..graph import Node
from ..kinds import Classifier, Dataset, Direction, Unknown
from ..signature import Signature
from . import stacks
from .core import Elaborator, without_side
from .prompts import items_of, prompts_of_run

OPERANDS = ("direction", "scale", "alpha")  # inputs of an edit: how far it goes is no result that is read
SHAPE_ONLY = ("like",)  # inputs whose shape is used and not their values: a random direction is fitted on nothing


def fitted_on(node: Node, known: dict[str, frozenset[str]] | None = None) -> frozenset[str]:
    """Origins of the items that went into a value, except through inputs that give only their shape."""
    known = {} if known is None else known
    if issubclass(node.kind, Dataset):
        return frozenset()  # which items there are may depend on columns; nothing is fitted
    if node.key not in known:
        inherited = frozenset().union(*(child.lineage for _, child in node.inputs))
        kept = [fitted_on(child, known) for name, child in node.inputs if name not in SHAPE_ONLY]
        known[node.key] = (node.lineage - inherited).union(*kept)
    return known[node.key]


def texts_read(node: Node, known: dict[str, frozenset[str]] | None = None) -> frozenset[str]:
    """Keys of the prompts whose activations went into a value."""
    known = {} if known is None else known
    if node.key not in known:
        own = frozenset(p.key for p in written(node)) if node.op == "run" else frozenset()
        known[node.key] = own.union(
            *(texts_read(child, known) for name, child in node.inputs if name not in SHAPE_ONLY)
        )
    return known[node.key]


def written(node: Node) -> list[Node]:
    """The prompts as the author wrote them, below generation and selection, of a run or of prompts."""
    match node.op:
        case "run":
            return written(node.input("prompts"))
        case "generate":
            return written(prompts_of_run(node))
        case "keep" | "keep_pairs":
            return written(node.input("items"))
        case "stack":
            return [p for e in stacks.elements(node) for p in written(e)]
    return [node]


def ancestors(el: Elaborator, origin: str) -> list[str]:
    """The origin of an item axis, and of the items that it is a part or a selection of."""
    found = [origin]
    source = el.item_sources.get(origin)
    while source is not None:
        source = items_of(source)
        if source.key not in found:
            found.append(source.key)
        inner = source.input("split") if source.op == "part" else source.input("items")
        source = inner
    return found


def overlap(el: Elaborator, a: str, b: str) -> bool:
    """Whether items of one origin are surely among those of the other."""
    return a in ancestors(el, b) or b in ancestors(el, a)


def item_origins(node: Node) -> set[str]:
    return {a.origin for a in stacks.visible_axes(node).values() if a.kind == "data" and a.name == "item"}


def check_lineage(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> None:
    """Warn when something fitted is evaluated on the rows it was fitted on."""
    fitted = [n for n in arguments.values() if n.lineage and issubclass(n.kind, (Direction, Classifier))]
    for a in fitted:
        rows = fitted_on(a)
        for b in arguments.values():
            if b is a or issubclass(b.kind, (Direction, Classifier)) or b.kind is Unknown or not stacks.is_vector(b):
                continue
            warn_overlap(el, rows, item_origins(b), span)
    if signature.name == "project":
        method, x, on = (arguments.get(n) for n in ("method", "x", "fitted_on"))
        if method is not None and method.param("value") == "lda" and x is not None:
            warn_overlap(el, item_origins(on if on is not None else x), item_origins(x), span)


def warn_overlap(el: Elaborator, fitted: set[str] | frozenset[str], read: set[str], span: Span) -> None:
    shared = sorted(r for r in read if any(overlap(el, f, r) for f in fitted))
    if shared:
        el.report(errors.in_sample(span, el.dataset_names.get(shared[0], "the dataset")))


def check_edit(el: Elaborator, edit: Node, prompts: Node, span: Span) -> None:
    """Warn when an intervention's direction was fitted on the texts it is evaluated on, or on others of their rows."""
    direction = edit.input("direction")
    rows = fitted_on(direction) if direction is not None else frozenset()
    if not rows:
        return
    shared = texts_read(direction) & {p.key for p in written(prompts)}
    if shared:
        name = el.names.get(min(shared)) or str(written(prompts)[0].param("name") or "these prompts")
        el.report(errors.in_sample(span, without_side(name)))
        return
    warn_overlap(el, rows, item_origins(prompts), span)


def check_choice(el: Elaborator, value: Node, span: Span) -> None:
    """Warn when a result is read at a layer, or another label, that was chosen on the rows it is read on."""
    closed = {
        leaf.key
        for name, node in el.modules.cache.items()
        if getattr(el.modules.statements[name], "keyword", None) == "direction"
        for leaf in (node, *stacks.leaves(node))
    }
    waiting, seen = [value], set(closed)
    while waiting:
        node = waiting.pop()
        if node.key in seen:
            continue
        seen.add(node.key)
        for label, read in chosen(node):
            if warn_choice(el, fitted_on(label), read, el.program.spans.get(node.key, span)):
                return
        waiting += [child for name, child in node.inputs if name not in (*OPERANDS, *SHAPE_ONLY)]


def chosen(node: Node) -> Iterator[tuple[Node, frozenset[str]]]:
    """The computed labels at which something is read or edited, each with the rows that this is done on."""
    if node.op == "select":
        base = node.input("base")
        yield node.input("label"), fitted_on(base) | item_origins(base)
    places = [node] if node.op == "read" else [e.input("place") for _, e in node.inputs] if node.op == "run" else []
    for place in places:
        site = place.input("site") if place is not None else None
        if site is not None and site.op == "site" and (layer := site.input("layer")) is not None:
            yield layer, frozenset(item_origins(node))


def warn_choice(el: Elaborator, chosen_on: frozenset[str], read: frozenset[str], span: Span) -> bool:
    shared = sorted(r for r in read if any(overlap(el, c, r) for c in chosen_on))
    if shared:
        el.report(errors.chosen_in_sample(span, el.dataset_names.get(shared[0], "the dataset")))
    return bool(shared)


def check_training(
    el: Elaborator, signature: Signature, arguments: dict[str, Node], places: dict[str, Span | None]
) -> bool:
    """Responses that a model is trained on must answer the prompts beside them; False when they do not."""
    prompts, response = arguments.get("prompts"), arguments.get("response")
    if signature.work != "train" or prompts is None or response is None:
        return True
    span = places.get("response") or NOWHERE
    for a in item_origins(prompts):
        for b in item_origins(response):
            if not overlap(el, a, b):
                el.report(
                    errors.unpaired(
                        span, el.dataset_names.get(a, "the prompts"), el.dataset_names.get(b, "the responses")
                    )
                )
                return False
    for leaf in written(prompts):
        shown = leaf.param("name")
        segments = leaf.param("segments") or ()
        if leaf.key in texts_read(response) and any(s.split(".")[0] == "system" for s in segments):
            el.report(errors.teacher_prompt_kept(places.get("prompts") or span, el.names.get(leaf.key, shown)))
    return True
