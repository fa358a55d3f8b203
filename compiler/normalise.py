"""Make every operand of an intervention an ordinary value of the graph, so that later passes see nothing implicit.

`from=prompts` becomes a read of the same place on those prompts; a mean ablation gets its mean, a resample ablation
the activations to draw from, steering by residual norm the mean norm; a layer set gets its source layer by layer.
"""

from __future__ import annotations

from .elaborate.apply import underlying
from .elaborate.attributes import is_many
from .elaborate.stacks import substitute
from .graph import AxisType, Graph, Node, digest, rebuild
from .kinds import Activation, Direction, Integer, Number, Place, Pool, Prompts, Run, Site, Tokens, Vector

SOURCE_LAYER = "source layer"


def normalise(graph: Graph, roots: list[Node]) -> dict[str, Node]:
    """Rewrite the runs below `roots`; returns the new root for the key of each old one."""
    made: dict[str, Node] = {}

    def change(node: Node, inputs: dict[str, Node]) -> Node | None:
        if node.op == "run":
            edits = {
                k: operands(graph, n, inputs["model"], inputs["prompts"])
                for k, n in inputs.items()
                if k.startswith("i")
            }
            inputs = {**inputs, **edits}
        if all(inputs[k] is n for k, n in node.inputs):
            return None
        return graph.node(node.op, inputs, dict(node.params), kind=node.kind, axes=node.axes, lineage=node.lineage)

    for root in roots:
        made[root.key] = rebuild(graph, root, change)
    return made


def operands(graph: Graph, edit: Node, model: Node, prompts: Node) -> Node:
    """An intervention with all of its operands explicit."""
    ins = dict(edit.inputs)
    if edit.op == "patch":
        source = ins["from"]
        if issubclass(source.kind, Prompts):
            ins["from"] = read_place(graph, ins["place"], model, source)
        elif source.op == "run":
            ins["from"] = read_place(graph, ins["place"], source.input("model"), source.input("prompts"))
        ins["from"] = by_layer(graph, ins["place"], ins["from"])
    elif edit.op == "ablate":
        method = ins["method"].param("value") if "method" in ins else "zero"
        over = ins.pop("over", None)
        if method in ("mean", "resample"):
            place = place_without_set(graph, ins["place"])
            source = read_place(graph, place, model, over if over is not None else prompts)
            gone = tuple(a for a in source.axes if a.kind != "data")
            ins["from"] = (
                source if method == "resample" else graph.node("mean", {"x": source}, kind=Activation, axes=gone)
            )
    elif edit.op == "steer":
        unit = ins.pop("unit").param("value") if "unit" in ins else "raw"
        if unit != "raw":
            ins["site"] = ins.get("site") or site_of(ins["direction"])
            ins["direction"] = scaled(graph, ins, unit, model, underlying(prompts))
    if ins == dict(edit.inputs):
        return edit
    inner = (SOURCE_LAYER, "token")  # axes of operands only: a layer set's own layers, and tokens found by coordinates
    extra = tuple(a for n in ins.values() for a in n.axes if a.name not in inner or a.kind == "computed")
    axes = tuple({a.name: a for a in (*edit.axes, *extra)}.values())
    return graph.node(edit.op, ins, dict(edit.params), kind=edit.kind, axes=axes)


def scaled(graph: Graph, ins: dict[str, Node], unit: str, model: Node, prompts: Node) -> Node:
    """A direction with norm one, or with the mean norm of the activations that it is added to."""
    direction = ins["direction"]
    one = graph.node("unit", {"x": direction}, kind=Direction, axes=direction.axes)
    if unit == "unit":
        return one
    norm = mean_norm(graph, ins, model, prompts)
    axes = tuple({a.name: a for a in (*one.axes, *norm.axes)}.values())
    return graph.node("binary", {"left": one, "right": norm}, {"operator": "*"}, kind=Direction, axes=axes)


def mean_norm(graph: Graph, ins: dict[str, Node], model: Node, prompts: Node) -> Node:
    """Mean norm of the activations at a site and tokens, in the clean run."""
    site = ins["site"]
    tokens = ins.get("tokens") or graph.node("tokens", {"prompts": prompts}, {"path": ("all",)}, kind=Tokens)
    read = reading(graph, site, tokens, model, prompts)
    norm = graph.node("norm", {"x": read}, kind=Number, axes=read.axes)
    return graph.node("mean", {"x": norm}, kind=Number, axes=tuple(a for a in read.axes if a.kind != "data"))


def read_place(graph: Graph, place: Node, model: Node, prompts: Node) -> Node:
    """Read what stands at a place in a clean run of a model on prompts."""
    return reading(graph, place.input("site"), moved(graph, place.input("tokens"), prompts), model, prompts)


def reading(graph: Graph, site: Node, tokens: Node, model: Node, prompts: Node) -> Node:
    run = graph.node("run", {"model": model, "prompts": prompts}, kind=Run, axes=prompts.axes)
    axes = {a.name: a for n in (run, site, tokens) for a in n.axes}
    if is_many(tokens) and not issubclass(tokens.kind, Pool):
        axes["token"] = AxisType("token", "data", digest(["tokens", tokens.key]))
    return graph.node("read", {"run": run, "site": site, "tokens": tokens}, kind=Activation, axes=tuple(axes.values()))


def moved(graph: Graph, tokens: Node, prompts: Node) -> Node:
    """The same token expression on other prompts."""

    def change(node: Node, inputs: dict[str, Node]) -> Node | None:
        if node.op in ("tokens", "occurrences"):
            return graph.node(
                node.op, {**inputs, "prompts": prompts}, dict(node.params), kind=node.kind, axes=node.axes
            )
        if node.op == "label":
            return node
        if all(inputs[k] is n for k, n in node.inputs):
            return None
        return graph.node(node.op, inputs, dict(node.params), kind=node.kind, axes=node.axes)

    return rebuild(graph, tokens, change)


def sweeps_layers(site: Node) -> bool:
    """Whether one cell of a site can stand for several layers at once: a set, or a written list."""
    layer = site.input("layer")
    if layer is None:
        return False
    if layer.op in ("list", "all-layers", "layers", "range"):
        return True
    values = layer.input("values") if layer.op == "label" else None
    return values is not None and values.op == "choose"


def one_layer(graph: Graph, site: Node) -> Node:
    """The site at each layer in turn, on an axis of its own."""
    axis = AxisType(SOURCE_LAYER, "model", "layers")
    label = graph.node("label", {}, {"name": SOURCE_LAYER, "origin": "layers"}, kind=Integer, axes=(axis,))
    others = {k: n for k, n in site.inputs if k != "layer"}
    free = {a.name for n in others.values() for a in n.axes}
    return graph.node(
        "site",
        {**others, "layer": label},
        dict(site.params),
        kind=site.kind,
        axes=(*(a for a in site.axes if a.name in free), axis),
    )


def by_layer(graph: Graph, place: Node, source: Node) -> Node:
    """For a layer set, read the source at each layer once; the edit takes each layer's own vector."""
    site = source.input("site") if source.op == "read" else None
    if site is None or not sweeps_layers(site) or site.input("layer") is not place.input("site").input("layer"):
        return source
    single = one_layer(graph, site)
    run, tokens = source.input("run"), source.input("tokens")
    axes = {a.name: a for n in (run, single, tokens) for a in n.axes}
    axes |= {a.name: a for a in source.axes if a.name == "token"}
    return graph.node(
        "read", {"run": run, "site": single, "tokens": tokens}, kind=Activation, axes=tuple(axes.values())
    )


def place_without_set(graph: Graph, place: Node) -> Node:
    site = place.input("site")
    if not sweeps_layers(site):
        return place
    return graph.node(
        "place", {"site": one_layer(graph, site), "tokens": place.input("tokens")}, kind=place.kind, axes=place.axes
    )


# where a row of the unembedding lives
FINAL_NORM = Graph().node("site", params={"name": "final_norm"}, kind=Site)
VECTOR_INPUTS = ("like", "x", "a", "left", "base", "onto", "operand", "e0", "right")


def site_of(node: Node) -> Node | None:
    """The site at which a direction lives: that of the activations it was made of."""
    if node.op in ("read", "place", "vector"):
        return node.input("site")
    if node.op == "unembedding":
        return FINAL_NORM
    if node.op == "select":  # `d[layer=peak]` lives at that layer
        found = site_of(node.input("base"))
        return None if found is None else substitute(Graph(), found, str(node.param("axis")), node.input("label"))
    for name in VECTOR_INPUTS:
        child = node.input(name)
        found = site_of(child) if child is not None and issubclass(child.kind, (Vector, Place)) else None
        if found is not None:
            return found
    return None
