"""Operations: arguments against parameters, kinds and axes of the result."""

from __future__ import annotations

from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..graph import AxisType, Node, digest
from ..kinds import (
    Activation, AxisName, Boolean, Column, ColumnName, Dataset, Direction, Distribution, Generated, Integer,
    Intervention, Kind, Model, Nothing, Number, Part, Place, Pool, Prompts, Rows, Site, SystemMode, Test, Text, Tokens,
    Unknown, Vector,
)  # fmt: skip
from ..signature import Parameter, Signature
from . import stacks
from .apply import model_in_force, run
from .core import Elaborator, text_of
from .env import Env
from .loops import walk_list
from .sense import averages_sides

OBJECTS = (Model, Dataset, Prompts, Generated)


def call(el: Elaborator, e: ir.CallOf, env: Env) -> Node:
    """Elaborate `operation(arguments)`."""
    signature = el.catalogue.get(e.operation)
    if signature is None:
        return el.report(errors.unknown_operation(e.span or NOWHERE, e.operation, el.catalogue))
    special = FORMS.get(e.operation)
    if special is not None:
        return special(el, e, env, signature)
    arguments = elaborated(el, e, env, signature)
    return result(el, e, env, signature, arguments) if arguments is not None else el.unknown


def elaborated(el: Elaborator, e: ir.CallOf, env: Env, signature: Signature) -> dict[str, Node] | None:
    """The arguments as nodes, each of a kind its parameter takes; None when one is not."""
    made: dict[str, Node] = {}
    good = True
    clean = env.clean() if signature.work == "intervention" else env.with_(place=False)
    for argument in e.arguments:
        parameter = signature.parameter(argument.name)
        if parameter is None:
            el.report(errors.unknown_argument(argument.span or NOWHERE, signature, argument.name))
            good = False
            continue
        inner = clean.with_(place=Place in parameter.kinds and takes_place(argument.value))
        if ColumnName in parameter.kinds:
            data = next((n for n in made.values() if issubclass(n.kind, (Dataset, Generated))), None if good else el.unknown)
            inner = inner.with_(columns_of=data)
            if data is None and isinstance(argument.value, ir.Ref) and argument.value.to == "column":
                made[argument.name] = el.graph.node("axis", params={"name": argument.value.name}, kind=Text)
                continue
        node = el.expr(argument.value, inner)
        if node.kind is Unknown:
            good = False
            continue
        if node.op == "list" and not parameter.many and signature.work == "model":
            # a list of revisions is an axis
            node = walk_list(el, parameter.name, node, argument.value if isinstance(argument.value, ir.ListOf) else None, env)
        node = coerce(el, node, parameter, argument, env)
        if node is None or node.kind is Unknown or not accepts(el, node, parameter, signature, argument):
            good = False
            continue
        made[argument.name] = node
    return made if good else None


def takes_place(e: ir.Expr) -> bool:
    return True


def coerce(el: Elaborator, node: Node, parameter: Parameter, argument: ir.Argument, env: Env) -> Node | None:
    """The few conversions of the language: prompts to their next-token distribution, a response to its text."""
    span = argument.span or NOWHERE
    if issubclass(node.kind, Prompts) and Distribution in parameter.kinds and not fits(node.kind, parameter.kinds, strict=True):
        made = run(el, node, env, span)
        return el.make("next-token", {"run": made}, {}, Distribution, span)
    first = stacks.leaves(node)[0]
    if issubclass(node.kind, Tokens) and Text in parameter.kinds and first.op == "tokens" and first.param("path") == ("response",):
        return stacks.restack(el.graph, node, lambda t: el.graph.node("response-text", {"generated": t.input("prompts")}, kind=Text, axes=t.input("prompts").axes))
    return node


def accepts(el: Elaborator, node: Node, parameter: Parameter, signature: Signature, argument: ir.Argument) -> bool:
    """Check kind, list and choice of one argument."""
    span = argument.value.span or argument.span or NOWHERE
    what = f"`{parameter.name}` of `{signature.name}`"
    if node.op == "axis":
        return True
    if node.op == "list" and not parameter.many and Rows not in parameter.kinds and not any(issubclass(k, (Column,)) for k in parameter.kinds):
        el.report(errors.wrong_kind(span, what, wanted(parameter), el.spoken(node)))
        return False
    if not fits(node.kind, parameter.kinds):
        el.report(errors.wrong_kind(span, what, wanted(parameter), el.spoken(node), advice(node, parameter, argument)))
        return False
    for value in written_values(node) if parameter.choices else ():
        if value not in parameter.choices and not wider(value, node, parameter):
            el.report(errors.wrong_choice(span, what, value, parameter.choices))
            return False
    return True


def written_values(node: Node) -> tuple:
    """The values that the text gives: a constant, or the labels of a sweep."""
    if node.op == "const":
        return (node.param("value"),)
    return node.axes[0].labels or () if node.op == "label" else ()


def wider(value: object, node: Node, parameter: Parameter) -> bool:
    """Whether a value that is none of the choices fits a kind that stands beside them (`Literal["auto"] | Number`)."""
    of_choices = {type(c) for c in parameter.choices}
    return type(value) not in of_choices and fits(node.kind, parameter.kinds)


def fits(kind: type[Kind], kinds: tuple[type[Kind], ...], strict: bool = False) -> bool:
    if kind is Unknown or any(issubclass(kind, k) for k in kinds):
        return True
    if ColumnName in kinds and issubclass(kind, (Column, Boolean, Text, Number)):
        return True
    if strict:
        return False
    if issubclass(kind, Boolean) and any(k in (Number,) for k in kinds):
        return True  # truth values count as 0 and 1
    if issubclass(kind, Column) and any(issubclass(k, (Text, Number, Boolean)) for k in kinds):
        return True
    if issubclass(kind, Nothing) and any(issubclass(k, Direction) or k in (Vector, Intervention) for k in kinds):
        return True
    if issubclass(kind, Vector) and any(issubclass(k, Vector) for k in kinds):
        return not (issubclass(kind, Activation) and Direction in kinds and Vector not in kinds)
    if issubclass(kind, SystemMode) and Text in kinds:
        return True
    return issubclass(kind, Site) and Part in kinds


def wanted(parameter: Parameter) -> str:
    names = list(dict.fromkeys(k.spoken for k in parameter.kinds if k is not Nothing))
    text = " or ".join(names)
    return f"a list of {text}s" if parameter.many and len(names) == 1 else text


def advice(node: Node, parameter: Parameter, argument: ir.Argument) -> str | None:
    text = text_of(argument.value)
    if issubclass(node.kind, Site):
        return f"an activation is a site at tokens: `{text} at p.last`"
    if issubclass(node.kind, Test):
        return f"a test has several numbers: `{text}.p`, `{text}.value`"
    if issubclass(node.kind, Prompts) and any(issubclass(k, (Tokens, Pool)) for k in parameter.kinds):
        return f"write `{text}.last`, or another of its tokens"
    if issubclass(node.kind, Activation) and Direction in parameter.kinds:
        return "a direction is one vector per cell: `mean_diff(…)`, `mean(…)`, `unit(…)`"
    return None


def result(el: Elaborator, e: ir.CallOf, env: Env, signature: Signature, arguments: dict[str, Node]) -> Node:
    """The node of a call, by the rule that its signature gives."""
    from .rules import check_call

    span = e.span or NOWHERE
    if signature.work == "intervention" and any(stacks.leaves(n)[0].op == "none" and not stacks.is_stack(n) for n in arguments.values()):
        return el.none
    if signature.open_model:
        arguments = with_model(el, arguments, env, span)
        if arguments is None:
            return el.unknown
    inputs = {**arguments}
    params: dict[str, object] = {} if signature.version == 1 else {"version": signature.version}
    if not check_call(el, signature, arguments, e, env):
        return el.unknown
    without, drop, adds, consumed = axes_rule(el, signature, arguments, span)
    if without is None:
        return el.unknown
    kind = kind_of(signature, arguments)

    def none_through(n: Node) -> Node:
        return n

    node = el.make(signature.name, inputs, params, kind, span, without=without, adds=adds, consumed=consumed, drop_data=drop, apart=frozenset(signature.apart),
                   paired=signature.work not in ("model", "train", "data"))
    if signature.work == "intervention":
        node = stacks.restack(el.graph, node, lambda n: el.none if any(c.kind is Nothing and k in ("direction", "from") for k, c in n.inputs) else none_through(n))
    if issubclass(kind, OBJECTS):
        from .prompts import expand_labels

        node = expand_labels(el, node)
    return node


def with_model(el: Elaborator, arguments: dict[str, Node], env: Env, span: Span) -> dict[str, Node] | None:
    """Prompts become runs of the model in force; an operation on texts gets the model itself."""
    prompts = [name for name, node in arguments.items() if issubclass(node.kind, Prompts)]
    made = {name: run(el, node, env, span) if name in prompts else node for name, node in arguments.items()}
    if not prompts:
        made["model"] = model_in_force(el, env, span)
    return None if any(n.kind is Unknown for n in made.values()) else made


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
    labels = axis.labels or ()
    for kind, types in ((Integer, int), (Number, (int, float)), (Text, str)):
        if labels and all(isinstance(x, types) for x in labels):
            return kind
    return None


def axes_rule(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span):
    """Which axes go, whether data axes go, which are added, and over which stacks the operation does not distribute."""
    subject = arguments.get(signature.subject or "")
    axes = stacks.visible_axes(subject) if subject is not None else {}
    adds = tuple(AxisType(name, kind, digest([name, signature.name, subject.key if subject else ""])) for name, kind in signature.adds)
    nothing = frozenset()
    if signature.name == "generate" and many_samples(arguments.get("samples")):
        adds = (AxisType("sample", "data", digest(["sample", arguments["samples"].key])),)
    if signature.axes == "none" and signature.work in ("model", "train", "data"):
        return nothing, True, adds, nothing
    if signature.axes == "broadcast" and signature.parameter("over") is None:
        return nothing, False, adds, nothing
    if signature.axes == "none":
        every = frozenset(a for n in arguments.values() for a in stacks.visible_axes(n))
        return every, True, adds, every
    if signature.axes == "reduce-side":
        if "side" not in axes:
            el.report(errors.no_side(span, signature.name))
            return None, False, adds, nothing
        return frozenset({"side"}), True, adds, frozenset({"side"})
    over = arguments.get("over")
    default = signature.parameter("over").default if signature.parameter("over") is not None else None
    name = over.param("name") if over is not None and over.op in ("axis",) else (over.param("value") if over is not None and over.op == "const" else default)
    if isinstance(name, str):
        visible = {k: a for n in arguments.values() for k, a in stacks.visible_axes(n).items()}
        if name not in visible:
            el.report(errors.unknown_axis(span if over is None else el.program.spans.get(over.key, span), name, list(visible), f"what `{signature.name}` reduces"))
            return None, False, adds, nothing
        return frozenset({name}), False, adds, frozenset({name})
    if signature.axes == "broadcast" or (signature.axes == "reduce-entries" and stacks.is_vector(subject)):
        return nothing, False, adds, nothing
    if any(a.kind == "data" for a in axes.values()):
        sides = frozenset({"side"} & set(axes))  # the two sides of a contrast count as its items
        if sides:
            averages_sides(el, signature, subject, span)
        return sides, True, adds, sides
    if signature.axes == "reduce-any":
        return frozenset(axes), True, adds, frozenset(axes)
    el.report(errors.no_items(span, signature.name))
    return None, False, adds, nothing


def many_samples(node: Node | None) -> bool:
    return node is not None and not (node.op == "const" and node.param("value") == 1)


def method(el: Elaborator, e: ir.Method, env: Env) -> Node:
    """`value.name(arguments)`: operations whose first parameter the value is, named `kind.name` in the catalogue."""
    base = el.expr(e.base, env)
    if base.kind is Unknown:
        return base
    name = f"{base.kind.spoken.replace(' ', '_')}.{e.name}"
    signature = el.catalogue.get(name)
    if signature is None:
        known = [n.partition(".")[2] for n in el.catalogue if n.startswith(name.partition(".")[0] + ".")]
        return el.report(errors.unknown_attribute(e.span or NOWHERE, el.spoken(base), e.name, known))
    positional = [p.name for p in signature.parameters if not p.keyword_only][1:]
    arguments = []
    for i, a in enumerate(e.arguments):
        key = a.name or (positional[i] if i < len(positional) else None)
        if key is None or signature.parameter(key) is None:
            return el.report(errors.too_many_arguments(a.span or NOWHERE, signature, len(positional)))
        arguments.append(ir.Argument(name=key, value=a.value, span=a.span))
    missing = [p.name for p in signature.parameters[1:] if p.required and p.name not in {a.name for a in arguments}]
    if missing:
        return el.report(errors.missing_operands(e.span or NOWHERE, signature, missing))
    made = elaborated(el, ir.CallOf(operation=name, arguments=tuple(arguments), span=e.span), env, signature)
    if made is None:
        return el.unknown
    return result(el, ir.CallOf(operation=name, arguments=tuple(arguments), span=e.span), env, signature, {signature.parameters[0].name: base, **made})


# **** forms: operations that take an expression, not a value ****


def shift(el: Elaborator, e: ir.CallOf, env: Env, signature: Signature) -> Node:
    """`shift(f under i)` is `f under i - f`."""
    inner = e.arguments[0].value
    bare = without_under(inner)
    if bare is None:
        return el.report(errors.needs_under(inner.span or NOWHERE, "shift"))
    after, before = el.expr(inner, env), el.expr(bare, env)
    if Unknown in (after.kind, before.kind):
        return el.unknown
    if not issubclass(after.kind, (Number, Boolean, Vector)):
        return el.report(errors.wrong_kind(inner.span or NOWHERE, "what `shift` compares", "number", el.spoken(after)))
    kind = Number if issubclass(after.kind, (Number, Boolean)) else after.kind
    return el.make("binary", {"left": after, "right": before}, {"operator": "-"}, kind, e.span)


def recovery(el: Elaborator, e: ir.CallOf, env: Env, signature: Signature) -> Node:
    """`recovery(f under i)` is `(f[negative] under i - f[negative]) / (f[positive] - f[negative])`."""
    from .select import choose_label

    inner = e.arguments[0].value
    bare = without_under(inner)
    if bare is None:
        return el.report(errors.needs_under(inner.span or NOWHERE, "recovery"))
    after, before = el.expr(inner, env), el.expr(bare, env)
    if Unknown in (after.kind, before.kind):
        return el.unknown
    span = e.span or NOWHERE
    if "side" not in stacks.visible_axes(before):
        return el.report(errors.no_side(inner.span or span, "recovery"))
    if not issubclass(before.kind, Number):
        return el.report(errors.wrong_kind(inner.span or span, "what `recovery` compares", "number", el.spoken(before)))
    negative, positive = el.const("negative"), el.const("positive")
    patched = choose_label(el, after, "side", negative, span)
    corrupt = choose_label(el, before, "side", negative, span)
    clean = choose_label(el, before, "side", positive, span)
    top = el.make("binary", {"left": patched, "right": corrupt}, {"operator": "-"}, Number, span)
    bottom = el.make("binary", {"left": clean, "right": corrupt}, {"operator": "-"}, Number, span)
    return el.make("binary", {"left": top, "right": bottom}, {"operator": "/"}, Number, span)


def without_under(e: ir.Expr) -> ir.Expr | None:
    """The expression without its outermost `under`."""
    match e:
        case ir.ApplyOf(operator="under"):
            return e.left
        case ir.ApplyOf():
            bare = without_under(e.left)
            return bare and ir.ApplyOf(operator=e.operator, left=bare, right=e.right, span=e.span)
        case ir.CallOf(arguments=(first, *rest)):
            bare = without_under(first.value)
            return bare and ir.CallOf(operation=e.operation, arguments=(ir.Argument(name=first.name, value=bare, span=first.span), *rest), span=e.span)
        case ir.SelectOf() | ir.AttributeOf():
            bare = without_under(e.base)
            if bare is None:
                return None
            if isinstance(e, ir.AttributeOf):
                return ir.AttributeOf(base=bare, name=e.name, span=e.span)
            return ir.SelectOf(base=bare, arguments=e.arguments, span=e.span)
    return None


def occurrences(el: Elaborator, e: ir.CallOf, env: Env, signature: Signature) -> Node:
    """`tokens(p, "text")`: tokens of prompts by their text."""
    arguments = elaborated(el, e, env, signature)
    if arguments is None:
        return el.unknown

    def make(ins: dict[str, Node | None]) -> Node:
        node = el.graph.node("occurrences", {"prompts": ins["of"], "text": ins["text"]}, kind=Tokens)
        el.program.tokens.append((node, e.span or NOWHERE))
        return node

    return stacks.distribute(el.graph, arguments, make)


FORMS = {"shift": shift, "recovery": recovery, "tokens": occurrences}
