"""Checks of single operations that go beyond kinds: answers, sides, nulls, tests, rows used twice."""

from __future__ import annotations

from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..graph import Node
from ..kinds import Boolean, Direction, Distribution, Unknown
from ..signature import Signature
from . import stacks
from .core import Elaborator
from .env import Env

FEW_SEEDS = 5


def check_call(el: Elaborator, signature: Signature, arguments: dict[str, Node], e: ir.CallOf, env: Env) -> bool:
    """Report what is wrong or dubious about a call; False when it cannot be computed at all."""
    span = e.span or NOWHERE
    good = answers(el, signature, arguments, span)
    good = pooled(el, signature, arguments, span) and good
    widths(el, signature, arguments, span)
    nulls(el, signature, arguments, e)
    tests(el, signature, arguments, span)
    used_twice(el, arguments, span)
    return good


def answers(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> bool:
    """A measure of prompts looks for their `answer:` unless a text is given; a logit difference also for `wrong:`."""
    for name, node in arguments.items():
        for leaf in stacks.leaves(node):
            run = leaf.input("run") if leaf.op == "next-token" else leaf if leaf.op == "run" else None
            if run is None:
                continue
            prompts = run.input("prompts")
            segments = prompts.param("segments") or ()
            for target in ("answer", "wrong"):
                asks = signature.parameter(target)
                if asks is None or target in arguments or target in segments:
                    continue
                if target == "wrong" and not asks.required and signature.name != "logit_diff":
                    continue
                shown = el.names.get(prompts.key, prompts.param("name"))
                statement = el.modules.statements.get(str(shown).split(".positive")[0].split(".negative")[0])
                el.report(errors.no_target(span, signature.name, shown, target, getattr(statement, "name_span", None)))
                return False
    text = signature.parameter("answer")
    given = any(issubclass(n.kind, Distribution) and any(leaf.op != "next-token" for leaf in stacks.leaves(n)) for n in arguments.values())
    if text is not None and given and "answer" not in arguments:
        el.report(errors.missing_operands(span, signature, ["answer"]))
        return False
    return True


def pooled(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> bool:
    """Vectors of several tokens are not averaged by the way: pooling is written."""
    if signature.axes not in ("reduce-side", "reduce-items", "reduce"):
        return True
    subject = arguments.get(signature.subject or "")
    for leaf in stacks.leaves(subject) if subject is not None and "over" not in arguments else ():
        if leaf.op == "read" and leaf.axis("token") is not None and leaf.input("tokens").op != "token-at":
            el.report(errors.tokens_not_pooled(el.program.spans.get(leaf.key, span), f"what `{signature.name}` takes"))
            return False
    return True


def widths(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> None:
    vectors = [(n, el.width_of(a)) for n, a in arguments.items() if stacks.is_vector(a)]
    known = [(n, w) for n, w in vectors if w]
    if signature.work == "pure" and len({w for _, w in known}) > 1:
        el.report(errors.bad_operands(span, signature.name, *(f"vector of width {w}" for _, w in known[:2])))


def nulls(el: Elaborator, signature: Signature, arguments: dict[str, Node], e: ir.CallOf) -> None:
    """A z score from a handful of seeds is a warning."""
    null = arguments.get("null")
    if signature.name != "z_score" or null is None:
        return
    over = arguments.get("over")
    name = over.param("name") if over is not None else signature.parameter("over").default
    axis = stacks.visible_axes(null).get(name)
    if axis is not None and axis.labels is not None and len(axis.labels) < FEW_SEEDS:
        el.report(errors.z_from_few(e.span or NOWHERE, len(axis.labels)))


def tests(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> None:
    x, popmean = arguments.get("x"), arguments.get("popmean")
    if signature.name == "t_test" and x is not None and issubclass(x.kind, Boolean) and popmean is not None and popmean.op == "const":
        if not 0 <= popmean.param("value") <= 1:
            el.report(errors.test_of_booleans(span, popmean.param("value")))
    draws = arguments.get("n")
    if signature.name == "label_permutation" and draws is not None and draws.op == "const":
        cells = count_cells(x)
        smallest = cells / (1 + draws.param("value"))
        if smallest >= 0.05:
            el.report(errors.never_significant(span, smallest, cells))


def count_cells(node: Node | None) -> int:
    """The number of cells as far as the text tells it; axes with unknown labels count once."""
    if node is None:
        return 1
    if stacks.is_stack(node):
        return sum(count_cells(e) for e in stacks.elements(node))
    cells = 1
    for axis in node.axes:
        if axis.kind != "data" and axis.labels is not None:
            cells *= len(axis.labels)
    return cells


def used_twice(el: Elaborator, arguments: dict[str, Node], span: Span) -> None:
    """A fitted value evaluated on the rows it was fitted on (lineage) is a warning."""
    fitted = [n for n in arguments.values() if n.lineage and issubclass(n.kind, Direction)]
    for a in fitted:
        for b in arguments.values():
            if b is a or issubclass(b.kind, Direction) or b.kind is Unknown:
                continue
            shared = a.lineage & {x.origin for x in b.axes if x.kind == "data"}
            if shared and stacks.is_vector(b):
                el.report(errors.in_sample(span, el.dataset_names.get(next(iter(shared)), "the dataset")))


