"""Operations and methods: from arguments to the node of the result."""

from __future__ import annotations

from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..expression_text import text_of
from ..graph import Node
from ..kinds import Dataset, Generated, Model, Nothing, Prompts, Run, Tokens, Unknown
from ..signature import Signature
from . import stacks
from .apply import model_in_force, run
from .arguments import elaborated
from .attributes import no_segment, prompts_under
from .core import Elaborator
from .env import Env
from .forms import FORMS
from .prompts import expand_labels
from .results import axes_rule, kind_of
from .rules import check_call

OBJECTS = (Model, Dataset, Prompts, Generated)
ACTED_WITH = ("direction", "from")  # what an intervention acts with: `none` makes it no intervention


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


def result(el: Elaborator, e: ir.CallOf, env: Env, signature: Signature, arguments: dict[str, Node]) -> Node:
    """The node of a call, by the rule that its signature gives."""
    span = e.span or NOWHERE
    if signature.work == "intervention" and any(arguments[n].op == "none" for n in ACTED_WITH if n in arguments):
        return el.none
    if signature.open_model:
        arguments = with_model(el, arguments, env, span)
        if arguments is None:
            return el.unknown
    if not check_call(el, signature, arguments, e, env):
        return el.unknown
    rule = axes_rule(el, signature, arguments, span)
    if rule is None:
        return el.unknown
    kind = kind_of(signature, arguments)
    params: dict[str, object] = {} if signature.version == 1 else {"version": signature.version}
    node = el.make(
        signature.name,
        {**arguments},
        params,
        kind,
        span,
        without=rule.without,
        adds=rule.adds,
        consumed=rule.consumed,
        drop_data=rule.drop_data,
        apart=frozenset(signature.apart),
        paired=signature.work not in ("model", "train", "data"),
    )
    if signature.work == "intervention":
        node = stacks.restack(el.graph, node, lambda n: el.none if acts_by_nothing(n) else given(el, n))
    node = expand_labels(el, node) if issubclass(kind, OBJECTS) else node
    if signature.work == "generate":
        for scope in env.under_scopes:
            scope.texts |= {leaf.key for leaf in stacks.leaves(node)}
    return node


def acts_by_nothing(edit: Node) -> bool:
    """Whether an intervention's direction, or what it patches in, is `none`."""
    return any(child.kind is Nothing for name, child in edit.inputs if name in ACTED_WITH)


def given(el: Elaborator, edit: Node) -> Node:
    """An intervention without the arguments that are `none`, which is as if they were not there."""
    inputs = {name: child for name, child in edit.inputs if child.op != "none"}
    if len(inputs) == len(edit.inputs):
        return edit
    return el.graph.node(edit.op, inputs, dict(edit.params), kind=edit.kind, axes=edit.axes, lineage=edit.lineage)


def with_model(el: Elaborator, arguments: dict[str, Node], env: Env, span: Span) -> dict[str, Node] | None:
    """Prompts become runs of the model in force, tokens beside a run of their prompts; texts get the model itself."""
    made = dict(arguments)
    for name, node in arguments.items():
        if issubclass(node.kind, Tokens):
            owners = {len(prompts_under(leaf)) for leaf in stacks.leaves(node)}
            if owners != {1}:
                el.report(errors.wrong_kind(span, f"`{name}`", "tokens of one prompt", "tokens of two prompts"))
                return None
            made["tokens"] = node
            node = stacks.restack(el.graph, node, lambda t: prompts_under(t)[0])
        if issubclass(node.kind, Prompts):
            made[name] = run(el, node, env, span)
    if not any(issubclass(n.kind, Run) for n in made.values()):
        made["model"] = model_in_force(el, env, span)
    return None if any(n.kind is Unknown for n in made.values()) else made


def method(el: Elaborator, e: ir.Method, env: Env) -> Node:
    """`value.name(arguments)`: operations whose first parameter the value is, named `kind.name` in the catalogue."""
    base = el.expr(e.base, env)
    if base.kind is Unknown:
        return base
    span = e.span or NOWHERE
    kind = base.kind.spoken.replace(" ", "_")
    signature = el.catalogue.get(f"{kind}.{e.name}")
    if signature is None and issubclass(base.kind, Prompts):
        return no_segment(el, stacks.leaves(base)[0], text_of(e.base), e.name, span)
    if signature is None:
        known = [n.partition(".")[2] for n in el.catalogue if n.startswith(f"{kind}.")]
        return el.report(errors.unknown_attribute(span, el.spoken(base), e.name, known))
    arguments = named(el, e, signature)
    if arguments is None:
        return el.unknown
    given = {a.name for a in arguments}
    missing = [p.name for p in signature.parameters[1:] if p.required and p.name not in given]
    if missing:
        return el.report(errors.missing_operands(span, signature, missing))
    inner = ir.CallOf(operation=signature.name, arguments=arguments, span=e.span)
    made = elaborated(el, inner, env, signature)
    if made is None:
        return el.unknown
    return result(el, inner, env, signature, {signature.parameters[0].name: base, **made})


def named(el: Elaborator, e: ir.Method, signature: Signature) -> tuple[ir.Argument, ...] | None:
    """The arguments of a method by name; None (reported) when one does not fit."""
    positional = [p.name for p in signature.parameters if not p.keyword_only][1:]
    found: dict[str, ir.Argument] = {}
    for i, a in enumerate(e.arguments):
        span = a.span or NOWHERE
        key = a.name or (positional[i] if i < len(positional) else None)
        if key is None:
            el.report(errors.too_many_arguments(span, signature, len(positional)))
            return None
        if signature.parameter(key) is None:
            el.report(errors.unknown_argument(span, signature, key))
            return None
        if key in found:
            el.report(errors.argument_twice(span, signature, key, found[key].span))
            return None
        found[key] = ir.Argument(name=key, value=a.value, span=a.span)
    return tuple(found.values())
