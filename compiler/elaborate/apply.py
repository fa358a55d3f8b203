"""The tight postfix operators: `at` makes places and reads, `on` binds a model, `under` adds interventions."""

from __future__ import annotations

from ...grammar.tree import NOWHERE, Span
from .. import errors, ir
from ..builtins import SITES
from ..expression_text import text_of
from ..graph import AxisType, Node, digest
from ..kinds import (
    Activation,
    Distribution,
    Generated,
    Intervention,
    Model,
    Nothing,
    Place,
    Pool,
    Prompts,
    Run,
    Site,
    Tokens,
    Unknown,
)  # fmt: skip
from . import stacks
from .attributes import is_many, prompts_under
from .core import Elaborator, without_side
from .declarations import models_of
from .env import Env, Scope
from .lineage import check_edit
from .prompts import prompts_of_run
from .reached import check_itself, check_reach, check_transfer
from .scopes import apart_in_time, is_whole


def apply(el: Elaborator, e: ir.ApplyOf, env: Env) -> Node:
    if e.operator == "at":
        return at(el, e, env)
    if e.operator == "on":
        return on(el, e, env)
    return under(el, e, env)


def on(el: Elaborator, e: ir.ApplyOf, env: Env) -> Node:
    model = el.expr(e.right, env.clean())
    if model.kind is Unknown:
        el.expr(e.left, env.with_(model=el.unknown, model_scope=Scope(e.span, True)))
        return el.unknown
    if not issubclass(model.kind, Model):
        el.expr(e.left, env.with_(model=el.unknown, model_scope=Scope(e.span, True)))
        return el.report(
            errors.wrong_kind(e.right.span or NOWHERE, "what stands behind `on`", "model", el.spoken(model))
        )
    scope = Scope(e.span)
    inner = env.with_(model=model, model_scope=scope)
    node = as_distribution(el, el.expr(e.left, inner), inner, e)
    told = isinstance(e.left, ir.ApplyOf) and is_bare(e.left)  # of the `under` inside
    if not scope.used and node.kind is not Unknown and not told:
        whole = isinstance(e.left, ir.Literal_)
        el.report(errors.nothing_open(e.right.span or e.span or NOWHERE, "on", e.left.span, whole))
    return node


def under(el: Elaborator, e: ir.ApplyOf, env: Env) -> Node:
    given = el.expr(e.right, env.clean())
    if given.kind is Unknown:
        el.expr(e.left, env)
        return el.unknown
    items = [n for _, n in sorted(given.inputs, key=lambda pair: int(pair[0][1:]))] if given.op == "list" else [given]
    for item in items:
        if not issubclass(item.kind, (Intervention, Nothing)):
            return el.report(
                errors.wrong_kind(
                    e.right.span or NOWHERE,
                    "what stands behind `under`",
                    "intervention",
                    el.spoken(item),
                    "make one of it: `project_out(d)`, `steer(d)`",
                )
            )
    scope = Scope(e.span, reread=all(says_reread(item) for item in items))
    items = [stacks.restack(el.graph, item, lambda i: without_reread(el, i)) for item in items]
    check_collisions(el, [*env.interventions, *items], e.right.span or NOWHERE)
    inner = env.with_(interventions=(*env.interventions, *items), under_scopes=(*env.under_scopes, scope))
    node = as_distribution(el, el.expr(e.left, inner), inner, e)
    if not scope.used and node.kind is not Unknown:
        el.report(errors.nothing_open(e.right.span or NOWHERE, "under", e.left.span, is_bare(e.left)))
    return node


def says_reread(edit: Node) -> bool:
    """Whether an intervention is said to act on the reading, too, of what was written under it."""
    given = [leaf.input("reread") for leaf in stacks.leaves(edit) if leaf.kind is not Nothing]
    return all(g is not None and g.param("value") is True for g in given)


def without_reread(el: Elaborator, edit: Node) -> Node:
    """An intervention without what it says to the reader alone: it is the same edit."""
    if edit.input("reread") is None:
        return edit
    inputs = {name: child for name, child in edit.inputs if name != "reread"}
    return el.graph.node(edit.op, inputs, dict(edit.params), kind=edit.kind, axes=edit.axes, lineage=edit.lineage)


def is_bare(e: ir.Expr) -> bool:
    """Whether an expression is a bare number or text, also under an intervention: a wider scope was meant."""
    return isinstance(e, ir.Literal_) or isinstance(e, ir.ApplyOf) and e.operator == "under" and is_bare(e.left)


def as_distribution(el: Elaborator, node: Node, env: Env, e: ir.ApplyOf) -> Node:
    """Prompts `on` a model or `under` an intervention are the next-token distribution there: `kl(p, p under i)`."""
    if not issubclass(node.kind, Prompts) or issubclass(node.kind, Generated):
        return node
    made = run(el, node, env, e.span or NOWHERE)
    return el.make("next-token", {"run": made}, {}, Distribution, e.span)


def check_collisions(el: Elaborator, items: list[Node], span: Span) -> None:
    """Two edits that surely write the same place are an error, unless one says `in_order`, or both only add."""

    def of_one_run(edits: dict[str, Node | None]) -> Node:
        seen: dict[tuple[str, Node | None], Node] = {}
        for edit in edits.values():
            place, meant = written_place(edit), edit.input("in_order")
            if place is None or (meant is not None and meant.param("value") is True):
                continue
            for (site, tokens), first in seen.items():
                added = first.op == edit.op == "steer"
                if site == place[0] and meet(tokens, place[1]) and not added and not apart_in_time(first, edit):
                    el.report(errors.edits_collide(span, "the same site and tokens"))
            seen[place] = edit
        return el.none

    try:
        stacks.distribute(el.graph, {f"i{n}": item for n, item in enumerate(items)}, of_one_run)
    except stacks.AxesDiffer:
        pass  # said where the edits meet in a run


def written_place(edit: Node) -> tuple[str, Node | None] | None:
    """The place that an edit writes: the key of its site, and its tokens (None: all); a direction tells its own."""
    from ..normalise import site_of

    place, direction = edit.input("place"), edit.input("direction")
    source = place if place is not None else edit
    site, tokens = source.input("site"), source.input("tokens")
    if site is None and direction is not None:
        site = site_of(direction)
    if site is None or site.kind is Nothing:
        return None
    return site.key, None if is_whole(tokens) else tokens


APART = ("bos", "template")  # tokens that nobody wrote


def meet(one: Node | None, other: Node | None) -> bool:
    """Whether two token expressions (None: all that was written) surely share a token: one holds the other."""
    if one is None or other is None:
        rest = other if one is None else one
        return rest is None or any(path[0] not in APART for path, _ in paths(rest))
    if one.key == other.key:
        return True
    pairs = [(a, b) for a, of in paths(one) for b, to in paths(other) if of == to]
    return any(a == b or len(a) != len(b) and a[0] == b[0] for a, b in pairs)


def paths(tokens: Node) -> list[tuple[tuple[str, ...], str]]:
    """The parts of a union that a path names, each with the key of its prompts."""
    if tokens.op == "union":
        return [found for _, part in tokens.inputs for found in paths(part)]
    prompts = tokens.input("prompts")
    return [] if tokens.op != "tokens" or prompts is None else [(tuple(tokens.param("path")), prompts.key)]


def at(el: Elaborator, e: ir.ApplyOf, env: Env) -> Node:
    left = el.expr(e.left, env.with_(place=False))
    right = el.expr(e.right, env.with_(place=False))
    if left.kind is Unknown or right.kind is Unknown:
        return el.unknown
    if issubclass(left.kind, (Tokens, Pool)) and issubclass(right.kind, Site):
        return el.report(errors.tokens_left_of_at(e.left.span or NOWHERE))
    if not issubclass(left.kind, Site):
        hidden = errors.hidden_site(e.left.name) if isinstance(e.left, ir.Ref) and e.left.to == "declaration" else None
        what = "what stands before `at`"
        return el.report(errors.wrong_kind(e.left.span or NOWHERE, what, "site", el.spoken(left), hidden))
    if not issubclass(right.kind, (Tokens, Pool)):
        help_ = (
            f"write `{text_of(e.right)}.last`"
            if right.kind.spoken in ("prompts", "contrast", "generated prompts")
            else None
        )
        return el.report(
            errors.wrong_kind(e.right.span or NOWHERE, "what stands behind `at`", "tokens", el.spoken(right), help_)
        )
    if not indexed(el, left, e.left):
        return el.unknown
    if env.place:
        if issubclass(right.kind, Pool):
            return el.report(errors.pool_in_edit(e.right.span or NOWHERE))
        return el.make("place", {"site": left, "tokens": right}, {}, Place, e.span)
    return read(el, left, right, e, env)


def indexed(el: Elaborator, site: Node, e: ir.Expr) -> bool:
    for leaf in stacks.leaves(site):
        wanted = SITES[leaf.param("name")].indices if leaf.op == "site" else ()
        missing = [i for i in wanted if leaf.input(i) is None]
        if missing:
            el.report(errors.site_needs_index(e.span or NOWHERE, leaf.param("name"), wanted))
            return False
    return True


def read(el: Elaborator, site: Node, tokens: Node, e: ir.ApplyOf, env: Env) -> Node:
    """Read a site at tokens, in a run of the tokens' prompts."""
    span = e.span or NOWHERE
    first = stacks.leaves(tokens)[0]
    owners = prompts_under(first)
    if len(owners) > 1:
        return el.report(
            errors.wrong_kind(
                e.right.span or NOWHERE, "what stands behind `at`", "tokens of one prompt", "tokens of two prompts"
            )
        )
    prompts = stacks.restack(el.graph, tokens, lambda t: prompts_under(t)[0])
    model_run = run(el, prompts, env, span)
    if model_run.kind is Unknown:
        return el.unknown

    def make(ins: dict[str, Node | None]) -> Node:
        axes = [a for n in ins.values() for a in n.axes]
        axes = list({a.name: a for a in axes}.values())
        if is_many(ins["tokens"]) and not issubclass(ins["tokens"].kind, Pool):
            axes.append(AxisType("token", "data", digest(["tokens", ins["tokens"].key])))
        return el.graph.node("read", ins, kind=Activation, axes=tuple(axes))

    return distributed(el, {"run": model_run, "site": site, "tokens": tokens}, make, span)


def distributed(
    el: Elaborator, inputs: dict[str, Node | None], make, span: Span, lead: frozenset[str] | None = None
) -> Node:
    try:
        node = stacks.distribute(el.graph, inputs, make, lead=lead)
    except stacks.AxesDiffer as problem:
        left, right = (errors.listed(map(str, stacks.labels(s))) for s in (problem.left, problem.right))
        return el.report(errors.axes_differ(span, problem.name, f"[{left}]", f"[{right}]"))
    for leaf in stacks.leaves(node):
        el.program.spans.setdefault(leaf.key, span)
    return node


def run(el: Elaborator, prompts: Node, env: Env, span: Span) -> Node:
    """A run of the model in force on prompts, under the interventions in force. Marks every scope as used."""
    for scope in env.under_scopes:
        scope.used = True
    model = model_in_force(el, env, span)
    if model.kind is Unknown or prompts.kind is Unknown:
        return el.unknown
    check_reach(el, prompts, env, span)
    check_itself(el, model, env, span)

    def make(ins: dict[str, Node | None]) -> Node:
        if ins["model"].op == "endpoint":
            return el.report(errors.endpoint_is_closed(span, el.names.get(ins["model"].key, "this endpoint")))
        edits = [n for k, n in ins.items() if k.startswith("i") and n is not None and n.kind is not Nothing]
        kept = {"model": ins["model"], "prompts": ins["prompts"], **{f"i{n}": edit for n, edit in enumerate(edits)}}
        if not all([acts_on(el, edit, ins["prompts"], span) for edit in edits]):
            return el.unknown
        for edit in edits:
            check_edit(el, edit, ins["prompts"], span)
            check_transfer(el, edit, ins["model"], span)
        return el.graph.node("run", kept, kind=Run, axes=el.join([n for n in kept.values() if n is not None], span))

    def on_these(ins: dict[str, Node | None]) -> Node:
        edits = {k: acting_on(el, n, ins["prompts"]) for k, n in ins.items() if k.startswith("i")}
        return stacks.distribute(el.graph, {**ins, **edits}, make)

    inputs = {"model": model, "prompts": prompts, **{f"i{n}": i for n, i in enumerate(env.interventions)}}
    node = distributed(el, inputs, on_these, span, frozenset({"model", "prompts"}))
    return el.unknown if any(leaf.kind is Unknown for leaf in stacks.leaves(node)) else node


def acting_on(el: Elaborator, edit: Node, prompts: Node) -> Node:
    """Of interventions on several prompts (both sides of a contrast), those that act on these."""
    if not stacks.is_stack(edit):
        return edit
    parts = [acting_on(el, e, prompts) for e in stacks.elements(edit)]
    axis = stacks.stack_axis(edit)
    fits = [i for i, p in enumerate(parts) if any(acts_here(leaf, prompts) for leaf in stacks.leaves(p))]
    if len(fits) == 1 and len(parts) > 1:
        return parts[fits[0]]
    return stacks.stack(el.graph, axis.name, axis.labels, parts, axis.kind, axis.origin)


def acts_here(edit: Node, prompts: Node) -> bool:
    """Whether an edit acts on tokens of these prompts, or names none."""
    owners = [owner for tokens in tokens_of(edit) for owner in prompts_under(tokens)]
    return not owners or any(o.key in (prompts.key, underlying(prompts).key) for o in owners)


def tokens_of(edit: Node) -> list[Node]:
    """The tokens that an edit names: of its place, its own, or both ends of the edges that it cuts."""
    place = edit.input("place")
    named = [edit.input(name) for name in ("tokens", "at", "from", "to")]
    found = [node for node in named if node is not None and issubclass(node.kind, Tokens)]
    return [*found, place.input("tokens")] if place is not None else found


def model_in_force(el: Elaborator, env: Env, span: Span) -> Node:
    """The model that an expression reads here; reading marks its scope as used. None in force is an error."""
    env.model_scope.used = True
    el.reads.append(env.model_scope)
    if env.model is None:
        return el.report(errors.model_open(span, [m.removeprefix(env.module) for m in models_of(el, env.module)]))
    return env.model


def acts_on(el: Elaborator, edit: Node, prompts: Node, span: Span) -> bool:
    """Whether an edit acts in this run: one at tokens of some prompts acts only in runs on these."""
    base = underlying(prompts)
    for owner in (owner for tokens in tokens_of(edit) for owner in prompts_under(tokens)):
        if owner.key not in (prompts.key, base.key):
            acts, runs = (el.names.get(n.key, str(n.param("name") or "other prompts")) for n in (owner, prompts))
            if without_side(acts) != without_side(runs):
                acts, runs = without_side(acts), without_side(runs)
            el.report(errors.not_in_prompts(span, acts, runs))
            return False
    return True


def underlying(prompts: Node) -> Node:
    """The prompts as they were written, below the texts that a model wrote behind them."""
    while prompts.op in ("generate", "keep", "keep_pairs") and (
        inner := prompts_of_run(prompts) or prompts.input("items")
    ):
        prompts = inner
    return prompts
