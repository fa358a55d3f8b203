"""What is asked of no items at all: values without cells, and a warning that says where the items went.

Which texts a `keep` leaves is known only once they are written; the rest of a spec does not hang on it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..compiler.builtins import SITES
from ..compiler.graph import Node, walk
from ..compiler.kinds import Generated, Model
from ..compiler.normalise import normalise
from ..compiler.places import Foreign
from ..compiler.stages import Stage
from .binding.axes import axes_of, item_axis
from .cube import Cube
from .errors import ProbeError
from .generation.value import HEAD
from .lowering.lower import models_of
from .sites import SiteRef, place

if TYPE_CHECKING:
    from .prepared import Prepared


def with_items(prepared: Prepared, stage: Stage) -> Stage:
    """The stage without the work that has no item; its values, of no cells, join the evaluator's."""
    if stage.kind in ("keep", "weights"):
        return stage
    counts: dict[str, int] = {}
    empty = [node for node in stage.nodes if nothing(prepared, node, counts)]
    prepared.evaluator.results.update({node.key: of_no_cells(prepared, node) for node in empty})
    return replace(stage, nodes=tuple(n for n in stage.nodes if n not in empty)) if empty else stage


def nothing(prepared: Prepared, node: Node, counts: dict[str, int]) -> bool:
    """Whether a work node has items, and they are known to be none; `counts` are those of origins that were seen."""
    for axis in node.axes:
        if axis.name == "item" and axis.kind == "data":
            if axis.origin not in counts:
                try:
                    counts[axis.origin] = len(item_axis(prepared.bindings, axis, node))
                except ProbeError as error:
                    if error.code != "not-yet":
                        raise
                    counts[axis.origin] = -1  # an earlier stage writes them, and a plan is made before it
            return counts[axis.origin] == 0
    return False


def of_no_cells(prepared: Prepared, node: Node) -> Cube:
    """The value of a work node without items, with vectors as long as they would be."""
    axes, width = axes_of(prepared.bindings, node), ()
    if node.op == "generate":
        width = (HEAD,)
    elif node.op in ("read", "next-token", "lens"):
        facts = prepared.bindings.facts(models_of(node)[0])
        width = (facts.vocab,)
        if node.op == "read":
            name = str(node.input("site").param("name"))
            layer, head = (0 if index in SITES[name].indices else None for index in ("layer", "head"))
            width = (place(SiteRef(name, layer, head), facts).width,)
    kind = np.int32 if node.op == "generate" else np.float32 if width else np.float64
    return Cube(axes, np.zeros((*(len(a) for a in axes), *width), kind))


def notices(prepared: Prepared) -> list[dict]:
    """A warning for each `keep` over texts that leaves none of them."""
    program, found = prepared.checked.program, {}
    foreign, spans = Foreign(prepared.checked.spec), {}
    for statement in program.statements:
        for node in filter(chosen, walk(statement.node)):
            spans.setdefault(node, program.spans.get(node.key, statement.span))
    made = normalise(program.graph, list(spans))
    for node, span in spans.items():
        count = left_out(prepared, made[node.key])
        if count:
            message = f"this `keep` leaves none of the {count} item{'s' if count > 1 else ''}"
            help_ = "what is computed from them is empty, and says that there are no items; ask for something else"
            line = foreign.at(span).span.line
            found[line] = {"code": "no-items", "message": message, "line": line, "help": help_}
    return list(found.values())


def chosen(node: Node) -> bool:
    """Whether a node keeps some of the texts that models wrote, or of rows by what models make of them."""
    return node.op == "keep" and any(issubclass(n.kind, (Model, Generated)) for n in walk(node))


def left_out(prepared: Prepared, keep: Node) -> int:
    """How many items a `keep` was asked of that leaves none; 0 where it leaves some, or there were none before."""
    try:
        if len(prepared.bindings.table(keep)):
            return 0
        return len(prepared.bindings.table(keep.input("items")))
    except ProbeError:
        return 0  # its statements say what is wrong
