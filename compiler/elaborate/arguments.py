"""Arguments against parameters: their kinds, lists and choices, and the few conversions of the language."""

from __future__ import annotations

from ...grammar.tree import NOWHERE
from .. import errors, ir
from ..builtins import SITES
from ..expression_text import text_of
from ..graph import Node
from ..kinds import (
    Activation,
    Boolean,
    Column,
    ColumnName,
    Dataset,
    Direction,
    Distribution,
    Generated,
    Intervention,
    Kind,
    Nothing,
    Number,
    Part,
    Place,
    Pool,
    Prompts,
    Rows,
    Site,
    SystemMode,
    Test,
    Text,
    Tokens,
    Unknown,
    Vector,
    WordList,
)  # fmt: skip
from ..signature import Parameter, Signature
from . import stacks
from .apply import run
from .attributes import response_text
from .core import Elaborator
from .env import Env
from .loops import walk_list


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
            data = next(
                (n for n in made.values() if issubclass(n.kind, (Dataset, Generated))), None if good else el.unknown
            )
            inner = inner.with_(columns_of=data)
            name = argument.value
            if data is None and isinstance(name, ir.Ref) and (name.to == "column" or name.name in SITES):
                made[argument.name] = el.graph.node("axis", params={"name": name.name}, kind=Text)
                continue
        node = el.expr(argument.value, inner)
        if node.kind is Unknown:
            good = False
            continue
        if node.op == "list" and not parameter.many and signature.work == "model":
            # a list of revisions is an axis
            node = walk_list(
                el, parameter.name, node, argument.value if isinstance(argument.value, ir.ListOf) else None, env
            )
        node = coerce(el, node, parameter, argument, env)
        if node is None or node.kind is Unknown or not accepts(el, node, parameter, signature, argument):
            good = False
            continue
        if is_option(parameter, signature):
            node = one_by_one(el, node)
            if is_setting(parameter, signature) and (
                varies := {a.name: a for leaf in stacks.leaves(node) for a in leaf.axes}
            ):
                at, what = argument.value.span or argument.span or NOWHERE, f"`{parameter.name}` of `{signature.name}`"
                el.report(errors.option_varies(at, what, list(varies)))
                good = False
                continue
        made[argument.name] = node
    return made if good else None


def is_option(parameter: Parameter, signature: Signature) -> bool:
    """Whether an argument is read as one plain value: a choice among words, a setting of a measure or of writing."""
    if parameter.name in signature.options:
        return True
    values = any(issubclass(k, (Text, Distribution, Prompts)) for k in parameter.kinds)
    if signature.work in ("run", "generate") and not values:
        return True
    return bool(parameter.choices) and parameter.name != "adjust"  # a family of tests has one correction


def is_setting(parameter: Parameter, signature: Signature) -> bool:
    """Whether nothing else than a plain value can be meant: what varies is no option then."""
    return parameter.name in signature.options or bool(parameter.choices) and signature.work in ("pure", "judge")


def one_by_one(el: Elaborator, node: Node) -> Node:
    """The labels of a sweep as known values, one after the other."""
    if node.op != "label" or node.axes[0].labels is None:
        return node
    axis = node.axes[0]
    return stacks.stack(el.graph, axis.name, axis.labels, [el.const(v) for v in axis.labels], axis.kind, axis.origin)


def takes_place(e: ir.Expr) -> bool:
    return True


def coerce(el: Elaborator, node: Node, parameter: Parameter, argument: ir.Argument, env: Env) -> Node | None:
    """The few conversions of the language: prompts to their next-token distribution, a response to its text."""
    span = argument.span or NOWHERE
    if (
        issubclass(node.kind, Prompts)
        and Distribution in parameter.kinds
        and not fits(node.kind, parameter.kinds, strict=True)
    ):
        made = run(el, node, env, span)
        return el.make("next-token", {"run": made}, {}, Distribution, span)
    return response_text(el, node) if Text in parameter.kinds else node


def accepts(el: Elaborator, node: Node, parameter: Parameter, signature: Signature, argument: ir.Argument) -> bool:
    """Check kind, list and choice of one argument."""
    span = argument.value.span or argument.span or NOWHERE
    what = f"`{parameter.name}` of `{signature.name}`"
    if node.op == "axis":
        return True
    if (
        node.op == "list"
        and not parameter.many
        and Rows not in parameter.kinds
        and not any(issubclass(k, (Column,)) for k in parameter.kinds)
    ):
        el.report(errors.wrong_kind(span, what, wanted(parameter), el.spoken(node), listed_advice(node, parameter)))
        return False
    if not fits(node.kind, parameter.kinds):
        el.report(errors.wrong_kind(span, what, wanted(parameter), el.spoken(node), advice(node, parameter, argument)))
        return False
    if stacks.is_stack(node) and not fits(Nothing, parameter.kinds) and el.none in stacks.leaves(node):
        el.report(errors.wrong_kind(span, what, wanted(parameter), el.spoken(el.none)))
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


def listed_advice(node: Node, parameter: Parameter) -> str | None:
    """What to write where a list of texts was written for several words, or for parts."""
    texts = [n.param("value") for _, n in node.inputs if n.op == "const" and isinstance(n.param("value"), str)]
    if not texts or len(texts) < len(node.inputs):
        return None
    if Part in parameter.kinds:
        return f"parts are named without quotes: `[{', '.join(texts)}]`"
    if WordList in parameter.kinds:
        words = ", ".join(f'"{text}"' for text in texts)
        return f"write `any_of([{words}])` for one of them, `all_of([…])` for all"
    return None


def advice(node: Node, parameter: Parameter, argument: ir.Argument) -> str | None:
    text = text_of(argument.value)
    if node.op == "list":
        return listed_advice(node, parameter)
    if issubclass(node.kind, Site) and ColumnName in parameter.kinds:
        return errors.column_as_site(text)
    if issubclass(node.kind, Site):
        return f"an activation is a site at tokens: `{text} at p.last`"
    if issubclass(node.kind, Test):
        return f"a test has several numbers: `{text}.p`, `{text}.value`"
    if issubclass(node.kind, Prompts) and any(issubclass(k, (Tokens, Pool)) for k in parameter.kinds):
        return f"write `{text}.last`, or another of its tokens"
    if issubclass(node.kind, Prompts) and Text in parameter.kinds:
        return "a text is a column of a dataset, `items.column`, or what a model wrote, `generate(p).response`"
    if issubclass(node.kind, Activation) and Direction in parameter.kinds:
        return "a direction is one vector per cell: `mean_diff(…)`, `mean(…)`, `unit(…)`"
    return None
