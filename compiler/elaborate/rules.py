"""Checks of single operations that go beyond kinds: answers, sides, nulls, tests, rows used twice."""

from __future__ import annotations

from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..graph import Node
from ..kinds import Boolean, Column, Distribution
from ..signature import Signature
from . import stacks
from .axis_names import check_axis_names
from .core import Elaborator, without_side
from .datasets import columns_of
from .env import Env
from .lineage import check_lineage, check_training
from .ranges import check_ranges
from .scopes import check_scope
from .sense import check_sense, same_rows

FEW_SEEDS = 5
WRITTEN = "generate(…)"  # prompts without a name: those that a model went on with


def check_call(el: Elaborator, signature: Signature, arguments: dict[str, Node], e: ir.CallOf, env: Env) -> bool:
    """Report what is wrong or dubious about a call; False when it cannot be computed at all."""
    span = e.span or NOWHERE
    places = {a.name: a.value.span for a in e.arguments}
    good = answers(el, signature, arguments, span)
    good = pooled(el, signature, arguments, span) and good
    good = check_ranges(el, signature, arguments, e) and good
    good = check_axis_names(el, signature, arguments, e, env) and good
    good = check_training(el, signature, arguments, places) and good
    good = same_rows(el, signature, arguments, places) and good
    good = single(el, signature, arguments, places) and good
    good = check_scope(el, signature, arguments, places) and good
    good = check_sense(el, signature, arguments, e) and good
    widths(el, signature, arguments, span)
    nulls(el, signature, arguments, e)
    tests(el, signature, arguments, span)
    item_by_item(el, signature, arguments, span)
    check_lineage(el, signature, arguments, span)
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
                shown = without_side(str(el.names.get(prompts.key) or prompts.param("name") or WRITTEN))
                statement = el.modules.statements.get(shown)
                el.report(errors.no_target(span, signature.name, shown, target, getattr(statement, "name_span", None)))
                return False
    text = signature.parameter("answer")
    given = any(
        issubclass(n.kind, Distribution) and any(leaf.op != "next-token" for leaf in stacks.leaves(n))
        for n in arguments.values()
    )
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
    if (
        signature.name == "t_test"
        and x is not None
        and issubclass(x.kind, Boolean)
        and popmean is not None
        and popmean.op == "const"
    ):
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


# Arguments that have no axes of their own: (operation, argument) -> whose axes they may have, the first that is given.
ALONG = {("chi2_variance", "trials"): ("x",), ("project", "y"): ("fitted_on", "x")}
# Columns that operations look up by name: (operation, argument) -> names.
COLUMNS = {("merge_words", "words"): ("base", "target"), ("steering_path.ratio", "words"): ("base", "target")}


def single(el: Elaborator, signature: Signature, arguments: dict[str, Node], places: dict[str, Span | None]) -> bool:
    """Rules of one operation each: what `size` counts, what `if` gives, columns that are looked up by name."""
    if signature.name == "size" and arguments["set"].op not in ("label", "const") and not is_label_of(arguments["set"]):
        el.report(errors.not_a_label(places.get("set") or NOWHERE, el.spoken(arguments["set"])))
        return False
    if signature.name == "if":
        yes, no = arguments["yes"], arguments["no"]
        if not el.same_family(yes, no) and Column not in (yes.kind, no.kind):
            el.report(errors.choices_differ(places.get("no") or NOWHERE, el.spoken(yes), el.spoken(no)))
            return False
    for (operation, name), subjects in ALONG.items():
        if operation == signature.name and name in arguments:
            subject = next(arguments[s] for s in subjects if s in arguments)
            lost = [a for a in stacks.visible_axes(arguments[name]) if a not in stacks.visible_axes(subject)]
            if lost:
                what = f"`{name}` of `{operation}` goes along `{next(s for s in subjects if s in arguments)}`"
                el.report(errors.varies_alone(places.get(name) or NOWHERE, what, lost))
                return False
    for (operation, name), columns in COLUMNS.items():
        known = columns_of(arguments[name]) if operation == signature.name and name in arguments else None
        missing = [c for c in columns if c not in known] if known is not None else []
        if missing:
            el.report(errors.missing_columns(places.get(name) or NOWHERE, operation, missing, known))
            return False
    return True


def is_label_of(node: Node) -> bool:
    """Whether a value is a label, also after a selection."""
    while node.op in ("select", "filter"):
        node = node.input("base")
    return node.op == "label"


def item_by_item(el: Elaborator, signature: Signature, arguments: dict[str, Node], span: Span) -> None:
    """A nonlinear reducer over another axis, of a value that still has items, is taken item by item."""
    over, subject = arguments.get("over"), arguments.get(signature.subject or "")
    if not signature.nonlinear or signature.axes != "reduce" or over is None or subject is None:
        return
    axes = stacks.visible_axes(subject)
    name = str(over.param("name")).partition(".")[0]
    if name in axes and axes[name].kind != "data" and "item" in axes:
        el.report(errors.nonlinear_over_items(span, signature.name))
