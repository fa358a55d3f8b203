"""Labels of axes that the text alone does not tell: layers, heads, items, tokens, subsets."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ...compiler.elaborate.attributes import prompts_under
from ...compiler.elaborate.core import written_range
from ...compiler.elaborate.prompts import items_of
from ...compiler.elaborate.stacks import leaves
from ...compiler.graph import AxisType, Node, walk
from ...compiler.kinds import Dataset, Generated, Prompts, Tokens
from ..cube import Axis
from ..errors import ProbeError
from ..text.positions import All, coordinates, positions
from ..text.rendered import Rendered
from .prompts import coordinates_of, expression, find

if TYPE_CHECKING:
    from .bindings import Bindings

LIMIT = 20_000_000  # labels of one axis; beyond that a spec is refused before any work


def models_below(node: Node) -> list[Node]:
    """The models that a node reads, each once; not those that wrote the prompts that it reads."""
    found, seen, waiting = {}, set(), [node]
    while waiting:
        n = waiting.pop()
        if n.key in seen:
            continue
        seen.add(n.key)
        model = n.input("model") if n.op in ("run", "weights", "unembedding") else None
        if model is not None:
            found[model.key] = model
        reads = n.op in ("run", "tokens", "occurrences")
        waiting += [c for _, c in reversed(n.inputs) if not (reads and issubclass(c.kind, Prompts))]
    return list(found.values())


def axes_of(bindings: Bindings, node: Node) -> tuple[Axis, ...]:
    """The axes of a node with their labels, items last."""
    found = [axis_of(bindings, a, node) for a in node.axes]
    return tuple([a for a in found if a.name != "item"] + [a for a in found if a.name == "item"])


def axis_of(bindings: Bindings, axis: AxisType, node: Node) -> Axis:
    """The axis with its labels, where `node` is a value that has it."""
    if axis.name == "item" and axis.kind == "data":
        return item_axis(bindings, axis, node)
    if axis.name == "sample" and axis.kind == "data":
        return sample_axis(axis, node)
    if axis.labels is not None:
        return Axis(axis.name, tuple(axis.labels), axis.kind)
    if axis.origin in ("layers", "heads"):
        return Axis(axis.name, tuple(range(depth(bindings, node, axis.origin))), "model")
    if axis.name == "token" and not any(n.op == "label" and n.param("origin") == axis.origin for n in walk(node)):
        return read_tokens(bindings, axis, reader_of(node, axis))
    for n in walk(node):
        if n.op == "label" and n.param("origin") == axis.origin and n.input("values") is not None:
            values = n.input("values")
            if issubclass(values.kind, Tokens):
                return bound_tokens(bindings, axis, values, node)
            return Axis(axis.name, label_values(bindings, values, node), axis.kind)
    raise ProbeError("unknown-labels", f"the labels of axis {axis.name} cannot be told here")


def depth(bindings: Bindings, node: Node, what: str) -> int:
    counts = {}
    for model in models_below(node):
        facts = bindings.facts(model)
        counts[facts.n_layers if what == "layers" else facts.n_heads] = str(bindings.source(model))
    if len(counts) > 1:
        text = " and ".join(f"{n} in {m}" for n, m in counts.items())
        raise ProbeError(
            "models-differ-in-depth",
            f"the models joined here have different numbers of {what}: {text}",
            "select layers of each first",
        )
    if not counts:
        raise ProbeError("unknown-labels", f"the {what} of which model?", "bind the expression to a model")
    return next(iter(counts))


def item_axis(bindings: Bindings, axis: AxisType, node: Node) -> Axis:
    """Items with their keys; the dataset's columns are coordinates, to cluster and colour by."""
    for n in walk(node):
        source = n.input("source") if n.op == "prompts" else n.input("dataset") if n.op == "column" else None
        if n.op in ("keep", "keep_pairs"):
            source = n
        elif source is not None and issubclass(source.kind, Generated):
            continue  # its items are those of what it was written behind
        if source is not None and items_key(source) == axis.origin:
            table = bindings.table(source)
            coords = {c: tuple(table.column(c)) for c in table.columns}
            return Axis("item", table.keys, "data", coords, origin_of(bindings, source))
    raise ProbeError("unknown-labels", "the items of this value cannot be told")


def origin_of(bindings: Bindings, source: Node) -> str:
    """A hash of the data that a dataset's rows were taken from."""
    root = next((n for n in walk(source) if n.op in ("file", "rows", "hub") and issubclass(n.kind, Dataset)), None)
    return "" if root is None else bindings.table(root).fingerprint


def sample_axis(axis: AxisType, node: Node) -> Axis:
    """The samples of what was written several times, counted from 0."""
    for n in walk(node):
        samples = n.input("samples") if n.op == "generate" else None
        if samples is not None and n.axis("sample") == axis:
            if not isinstance(samples.param("value"), int):
                raise ProbeError("option-varies", "`samples` has to be a whole number that the spec says")
            return Axis("sample", tuple(range(samples.param("value"))), "data")
    raise ProbeError("unknown-labels", "the samples of this value cannot be told")


def items_key(source: Node) -> str:
    return items_of(source).key


def reader_of(node: Node, axis: AxisType) -> Node:
    return next(
        n
        for n in walk(node)
        if n.op == "read" and n.axis("token") is not None and n.axis("token").origin == axis.origin
    )


def read_tokens(bindings: Bindings, axis: AxisType, reader: Node) -> Axis:
    """The tokens that a read without a pool gives, over all items."""
    run = reader.input("run")
    return token_axis(bindings, axis, [(run.input("model"), run.input("prompts"), reader.input("tokens"))])


def bound_tokens(bindings: Bindings, axis: AxisType, values: Node, node: Node) -> Axis:
    """The tokens that `for token in p.tokens` walks: of both sides of a contrast, as all models below see them."""
    parts = []
    for tokens in leaves(values):
        for owner in prompts_under(tokens):
            parts += [(model, owner, tokens) for model in models_below(node)]
    return token_axis(bindings, axis, parts)


def token_axis(bindings: Bindings, axis: AxisType, parts: list[tuple[Node, Node, Node]]) -> Axis:
    """An axis over tokens (of a model, prompts, and which) by their coordinates; made once."""
    key = (axis.name, axis.kind, *((model.key, prompts.key, tokens.key) for model, prompts, tokens in parts))
    if key not in bindings.token_axes:
        found = [(bindings.rendered(model, prompts), tokens) for model, prompts, tokens in parts]
        bindings.token_axes[key] = axis_of_tokens(axis, found)
    return bindings.token_axes[key]


def axis_of_tokens(axis: AxisType, parts: list[tuple[tuple[Rendered, ...], Node]]) -> Axis:
    """An axis over tokens by their coordinates (segment, index in the segment); texts where all prompts agree."""
    chosen: set[tuple[str, int]] = set()
    for group, tokens in parts:
        wanted = expression(tokens)
        for rendered in group:
            found = find(rendered, wanted)
            if isinstance(found, str):
                continue
            places = dict(zip(positions(rendered, All()), coordinates(rendered), strict=True))
            chosen |= {places[p][:2] for p in found.tolist() if p in places}
    labels, texts = coordinates_of(tuple(group for group, _ in parts))
    labels = [c for c in labels if c in chosen]
    coords = {
        "segment": tuple(segment for segment, _ in labels),
        "index": tuple(index for _, index in labels),
        "text": tuple(texts[c] for c in labels),
    }
    return Axis(axis.name, tuple(f"{segment}[{index}]" for segment, index in labels), axis.kind, coords)


def label_values(bindings: Bindings, values: Node, node: Node) -> tuple:
    """The labels that a list-like node stands for."""
    match values.op:
        case "list":
            return tuple(constant(n) for _, n in sorted(values.inputs, key=lambda p: int(p[0][1:])))
        case "const":
            return (values.param("value"),)
        case "all-layers":
            return tuple(range(depth(bindings, node, "layers")))
        case "all-heads":
            return tuple(range(depth(bindings, node, "heads")))
        case "range":
            ends = [
                constant(values.input(k)) if values.input(k) is not None else None for k in ("start", "stop", "step")
            ]
            return tuple(written_range(*ends))
        case "layers":
            return at_depths(bindings, values.input("depth"), node)
        case "choose":
            items = label_values(bindings, values.input("items"), node)
            sizes = label_values(bindings, values.input("sizes"), node)
            return subsets(items, sizes)
        case "column":
            found = bindings.table(values.input("dataset")).column(str(values.param("name")))
            return tuple(dict.fromkeys(found))
    raise ProbeError("unknown-labels", f"`{values.op}` gives no labels")


def constant(node: Node) -> object:
    if node.op != "const":
        raise ProbeError("unknown-labels", "this list is not known before the run")
    return node.param("value")


def subsets(items: tuple, sizes: tuple) -> tuple:
    from math import comb

    count = sum(comb(len(items), int(k)) for k in sizes)
    if count > LIMIT:
        raise ProbeError(
            "too-many-cells", f"this axis would have {count:,} labels", "choose fewer layers, or smaller sets"
        )
    return tuple(c for k in sizes for c in combinations(items, int(k)))


def at_depths(bindings: Bindings, depths: Node, node: Node) -> tuple[int, ...]:
    """Blocks at relative depths: all between the ends of a range, else the nearest to each depth."""
    layers = depth(bindings, node, "layers")
    if depths.op != "range":
        wanted = label_values(bindings, depths, node)
        return tuple(dict.fromkeys(int(np.clip(round(d * (layers - 1)), 0, layers - 1)) for d in wanted))
    low, high = (float(constant(depths.input(k))) for k in ("start", "stop"))
    found = tuple(i for i in range(layers) if low - 1e-9 <= i / max(layers - 1, 1) <= high + 1e-9)
    if not found:
        message = f"no block lies at a depth from {low:g} to {high:g} of {layers} blocks"
        raise ProbeError("no-layers", message, "widen the range")
    return found
