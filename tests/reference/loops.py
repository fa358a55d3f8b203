"""`for` clauses: what a binder walks, and the axes that lists, tokens and columns become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probelang.compiler import ir
from probelang.compiler.builtins import AXES
from probelang.runtime.errors import ProbeError
from probelang.runtime.text.positions import Coordinate

from .environment import Env
from .reading import items
from .relation import Relation, Row, along, lift, paired, spread
from .texts import find, token_label, tokens_of, written
from .values import AllOf, Listed, Site, Tokens

if TYPE_CHECKING:
    from .interpreter import Interpreter


def is_model(it: Interpreter, e: ir.Binder | ir.Expr | None, env: Env) -> bool:
    """Whether an expression, or what a binder walks, is a model."""
    match e:
        case ir.Binder():
            known = it.statements.get(env.module + e.name)
            return is_model(it, e.values if e.values is not None else known.value if known else None, env)
        case ir.Ref(to="declaration") | ir.Instance():
            s = it.statements[env.module + e.name]
            return isinstance(s, ir.Define) and (s.keyword == "model" or is_model(it, s.value, env))
        case ir.ListOf():
            return any(is_model(it, i, env) for i in e.items)
        case ir.SelectOf():
            return is_model(it, e.base, env)
    return False


def binder(it: Interpreter, name: str, env: Env) -> Relation:
    """The axis that a name of a `for` walks; layers, heads and tokens are those of the model in force here."""
    found = env.binders[name]
    binder, home = found.binder, found.home.with_(model=env.model, interventions=())
    if binder.values is not None:
        return axis(it, name, binder.values, home)
    if home.module + name in it.statements:
        value = it.named(home.module + name, home)
        return listed_axis(name, value) if isinstance(value, Listed) else value
    return along(name, range(size(name, env)))


def size(axis: str, env: Env) -> int:
    """How many layers or heads the models in force have; they have to agree."""
    if env.model is None:
        raise ProbeError("model-open", "no model is in force here")
    sizes = {r.value.layers if axis == "layer" else r.value.heads for r in env.model.rows}
    if len(sizes) > 1:
        raise ProbeError("models-differ-in-depth", f"the models joined here have {sizes} {axis}s")
    return sizes.pop()


def axis(it: Interpreter, name: str, e: ir.Expr, env: Env) -> Relation:
    """The values of `name in e`: of a list, of tokens item by item, or the distinct values of a column."""
    value = it.expr(e, env)
    if isinstance(value, Listed):
        return listed_axis(name, value)
    if isinstance(value.rows[0].value, Tokens):
        return token_axis(name, value, env)
    if "item" in value.data:
        return along(name, dict.fromkeys(r.value for r in value.rows))
    return value


def listed_axis(name: str, value: Listed) -> Relation:
    """Elements under their labels; a site of all layers is one site after the other, with a further column."""

    def each(part: Relation | Listed) -> Relation:
        if isinstance(part, Listed):
            return lift(lambda *values: values, *part.items)
        for index in AXES:
            rows = [Row({**r.at, index: n}, r.value.indexed(index, n))
                    for r in part.rows if isinstance(r.value, Site) and isinstance(getattr(r.value, index), AllOf)
                    for n in getattr(r.value, index)]  # fmt: skip
            part = Relation(tuple(rows), part.data) if rows else part
        return part

    return spread(name, [(label, each(part)) for label, part in zip(value.shown, value.items, strict=True)])


def token_axis(name: str, tokens: Relation, env: Env) -> Relation:
    """Single tokens, item by item, under coordinates: the segment and the index in it."""
    rows = []
    for at, network, (value, key) in paired(env.model, items(tokens, lambda t: t.prompts)):
        rendered = written(value.prompts, key, network)
        places = tokens_of(rendered)
        for position in (p for p in find(rendered, value.expression) if p in places):
            one_token = Tokens(value.prompts, Coordinate(*places[position]))
            rows.append(Row({**at, name: token_label(rendered, position)}, one_token))
    return Relation(tuple(rows), tokens.data | {name, "item"})
