"""The elaborator: dispatch over expressions, and what all of its parts share."""

from __future__ import annotations

from ...grammar.diagnostics import Diagnostic
from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..builtins import SITES
from ..expression_text import text_of
from ..graph import AxisType, Graph, Node, digest
from ..kinds import (
    Boolean,
    Column,
    Kind,
    Matrix,
    Model,
    Nothing,
    Number,
    Part,
    Prompts,
    Site,
    SystemMode,
    Text,
    Tokens,
    Unknown,
    Vector,
)  # fmt: skip
from ..signature import Catalogue
from . import stacks
from .env import Env
from .program import Program


class Elaborator:
    """Turns expressions of the IR into nodes, and collects problems. Parts of it live in the files beside this one."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.graph = Graph()
        self.problems: dict[tuple, Diagnostic] = {}
        self.program = Program(self.graph)
        self.reads: list[object] = []  # the model scope of each read, in order, for the one-side-bound warning
        self.unknown = self.graph.node("unknown", kind=Unknown)
        self.none = self.graph.node("none", kind=Nothing)
        self.names: dict[str, str] = {}  # node key -> the name it was declared under
        self.dataset_names: dict[str, str] = {}
        self.unnamed: dict[str, str] = {}  # origin of items that no dataset names -> the text that makes them
        self.item_sources: dict[str, Node] = {}  # origin of an item axis -> the dataset, with its derived columns
        self.stack_values: dict[str, list[Node]] = {}  # origin of a stack -> the values behind its labels

    # **** problems and nodes ****

    def report(self, diagnostic: Diagnostic) -> Node:
        """Note a problem once; the value is unknown from here on."""
        self.problems.setdefault((diagnostic.code, diagnostic.primary.span.start, diagnostic.message), diagnostic)
        return self.unknown

    def const(self, value: object) -> Node:
        return stacks.constant(self.graph, value)

    def listed(self, items: list[Node]) -> Node:
        kind = stacks.common_kind([i.kind for i in items]) if items else Unknown
        axes = self.join([i for i in items], None) if items else ()
        return self.graph.node("list", {f"i{n}": item for n, item in enumerate(items)}, kind=kind, axes=axes)

    def make(
        self,
        op: str,
        inputs: dict[str, Node | None],
        params: dict[str, object] | None,
        kind: type[Kind],
        span: Span | None,
        *,
        without: frozenset[str] = frozenset(),
        adds: tuple[AxisType, ...] = (),
        consumed: frozenset[str] = frozenset(),
        lineage: frozenset[str] = frozenset(),
        drop_data: bool = False,
        apart: frozenset[str] = frozenset(),
        paired: bool = True,
    ) -> Node:
        """Make a node whose axes are those of its inputs less `without`, distributed over stacks.

        Items of the inputs in `apart` stay inside (what a value was fitted on).
        """
        if any(n is not None and n.kind is Unknown for n in inputs.values()):
            return self.unknown

        def once(ins: dict[str, Node | None]) -> Node:
            axes = self.join([n for k, n in ins.items() if n is not None and k not in apart], span if paired else None)
            axes += tuple(
                a
                for k in apart
                if ins.get(k) is not None
                for a in ins[k].axes
                if a.kind != "data" and a.name not in {x.name for x in axes}
            )
            gone = without | (frozenset(a.name for a in axes if a.kind == "data") if drop_data else frozenset())
            fitted = lineage | frozenset(
                a.origin for a in axes if a.kind == "data" and a.name in gone and a.name == "item"
            )
            kept = tuple(a for a in axes if a.name not in gone)
            node = self.graph.node(op, ins, params, kind=kind, axes=kept + adds, lineage=fitted)
            if span is not None:
                self.program.spans.setdefault(node.key, span)
            return node

        try:
            return stacks.distribute(self.graph, inputs, once, consumed | without)
        except stacks.AxesDiffer as problem:
            left, right = (errors.listed(map(str, stacks.labels(s))) for s in (problem.left, problem.right))
            return self.report(errors.axes_differ(span or NOWHERE, problem.name, f"[{left}]", f"[{right}]"))

    def join(self, nodes: list[Node], span: Span | None) -> tuple[AxisType, ...]:
        """The union of axes by name; the same name over another set of labels is an error."""
        found: dict[str, AxisType] = {}
        for node in nodes:
            for axis in node.axes:
                known = found.setdefault(axis.name, axis)
                if known.origin != axis.origin and span is not None:
                    if axis.kind == "data" and axis.name == "item":
                        self.report(errors.unpaired(span, self.dataset_name(known), self.dataset_name(axis)))
                    else:
                        self.report(errors.axes_differ(span, axis.name, self.axis_text(known), self.axis_text(axis)))
        return tuple(found.values())

    def axis_text(self, axis: AxisType) -> str:
        return f"[{errors.listed(map(str, axis.labels))}]" if axis.labels else f"those of {axis.origin[:6]}"

    def dataset_name(self, axis: AxisType) -> str:
        return self.dataset_names.get(axis.origin) or self.unnamed.get(axis.origin, "another dataset")

    # **** expressions ****

    def expr(self, e: ir.Expr, env: Env) -> Node:
        """Elaborate one expression; problems are reported, and the unknown node stands for what has one."""
        from . import apply, arithmetic, attributes, calls, references, select

        match e:
            case ir.Literal_():
                return self.const(e.value)
            case ir.Ref():
                return references.reference(self, e, env)
            case ir.AxisRef():
                return self.graph.node("axis", params={"name": e.name}, kind=Text)
            case ir.ListOf():
                return self.list_(e, env)
            case ir.RangeOf():
                return self.range_(e, env)
            case ir.CallOf():
                return calls.call(self, e, env)
            case ir.Instance():
                return references.instance(self, e, env)
            case ir.Method():
                return calls.method(self, e, env)
            case ir.AttributeOf():
                return attributes.attribute(self, e, env)
            case ir.SelectOf():
                found = select.select(self, e, env)
                if e.span is not None:
                    self.program.spans.setdefault(found.key, e.span)
                return found
            case ir.ApplyOf():
                return apply.apply(self, e, env)
            case ir.UnaryOf():
                return arithmetic.unary(self, e, env)
            case ir.BinaryOf():
                return arithmetic.binary(self, e, env)
        raise AssertionError(e)

    def list_(self, e: ir.ListOf, env: Env) -> Node:
        if not e.items:
            return self.report(errors.empty_list(e.span or NOWHERE))
        items = [self.expr(i, env) for i in e.items]
        if any(i.kind is Unknown for i in items):
            return self.unknown
        first = next((i for i in items if i.kind is not Nothing), None)
        for item, source in zip(items, e.items, strict=True):
            if first is not None and not self.same_family(first, item):
                return self.report(errors.mixed_list(source.span or NOWHERE, self.spoken(first), self.spoken(item)))
        return self.listed(items)

    def same_family(self, a: Node, b: Node) -> bool:
        """Whether two values may stand in one list: none goes with all, modes with texts, nested lists with lists."""
        families = (
            (Number, Boolean),
            (Text, SystemMode),
            (Vector,),
            (Prompts,),
            (Tokens,),
            (Site, Part),
            (Matrix,),
            (Model,),
        )
        if Nothing in (a.kind, b.kind) or a.kind is b.kind:
            return True
        if Column in (a.kind, b.kind):
            return all(issubclass(n.kind, (Column, Text, Number, Boolean)) for n in (a, b))
        return any(issubclass(a.kind, f) and issubclass(b.kind, f) for f in families)

    def range_(self, e: ir.RangeOf, env: Env) -> Node:
        ends = [self.expr(x, env) if x is not None else None for x in (e.start, e.stop, e.step)]
        if any(n is not None and n.kind is Unknown for n in ends):
            return self.unknown
        for node, source in zip(ends, (e.start, e.stop, e.step), strict=True):
            if node is not None and not issubclass(node.kind, Number):
                return self.report(
                    errors.wrong_kind(source.span or NOWHERE, "an end of a range", "number", self.spoken(node))
                )
        values = [n and n.param("value") for n in ends]
        if any(n is not None and n.op != "const" for n in ends):
            return self.graph.node("range", {"start": ends[0], "stop": ends[1], "step": ends[2]}, kind=Number)
        if ends[2] is None and any(isinstance(v, float) for v in values):
            # a stretch, as of depths: nothing says which numbers in it
            return self.graph.node("range", {"start": ends[0], "stop": ends[1]}, kind=Number)
        count = range_size(*values)
        if count > MOST_LABELS:
            return self.report(errors.too_many_labels(e.span or NOWHERE, count, MOST_LABELS))
        items = written_range(*values)
        if not items:
            return self.report(errors.nothing_to_choose(e.span or NOWHERE))
        return self.listed([self.const(v) for v in items])

    # **** talking about values ****

    def spoken(self, node: Node) -> str:
        if node.op == "list":
            return f"a list of {node.kind.spoken}s" if node.inputs else "an empty list"
        return node.kind.spoken

    def shown(self, node: Node, e: ir.Expr | None = None) -> str:
        """A label for an element of a list, as its author would say it."""
        if node.op == "const":
            return str(node.param("value"))
        return text_of(e) if e is not None else node.op

    def site_of(self, node: Node) -> Node | None:
        """The site at which vectors live, wherever it can be told."""
        if stacks.is_stack(node):
            found = [self.site_of(e) for e in stacks.leaves(node)]
            return found[0] if found and all(f is not None for f in found) else None
        if node.op in ("read", "place"):
            return node.input("site")
        if node.op == "from-file":
            return node.input("site")
        for name in ("like", "x", "a", "left", "base", "onto", "operand", "right"):
            child = node.input(name)
            if child is not None and issubclass(child.kind, Vector):
                return self.site_of(child)
        return None

    def width_of(self, node: Node) -> str | None:
        site = self.site_of(node)
        return SITES[site.param("name")].width if site is not None and site.op == "site" else None


MOST_LABELS = 100_000  # numbers of one range


def range_size(start: float, stop: float, step: float | None) -> float:
    """How many numbers a range has; infinity is one of the answers."""
    step = 1 if step is None else step
    return (stop - start) / step + 1 if step > 0 else 0


def written_range(start: float, stop: float, step: float | None) -> list:
    """The numbers from start to stop, both included; steps are exact to 12 digits, so `0..1 by 0.1` has 11."""
    if step is None:
        step = 1
    if step <= 0 or stop < start:
        return []
    count = int((stop - start) / step + 1e-9) + 1
    values = [start + i * step for i in range(count)]
    whole = all(isinstance(x, int) for x in (start, stop, step))
    return values if whole else [round(v, 12) for v in values]


def without_side(name: str) -> str:
    """The name of a contrast, of its own or of one of its sides."""
    return name.removesuffix(".positive").removesuffix(".negative")


def label_origin(name: str, values: tuple) -> str:
    return digest([name, [str(v) for v in values]])
