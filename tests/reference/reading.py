"""Reading: from prompts, tokens and sites to the runs they stand for, one item at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from probelang.compiler import ir
from probelang.runtime.errors import ProbeError
from probelang.runtime.text.positions import Bos, Coordinate, First, Last, SegmentTokens

from .environment import Env
from .interventions import Item, edits
from .network import Network, numbers
from .relation import Missing, Relation, Row, applied, joined, lift
from .texts import find, token_label, written
from .values import Distribution, End, Listed, Place, Pool, Prompts, Site, Tokens, Vector, Written

if TYPE_CHECKING:
    from .interpreter import Interpreter

SINGLE = (First, Last, Bos, End, Coordinate)
OF_ONE_ITEM = ("position-not-found", "lengths-differ", "no-other-item", "edits-collide")
POOLS = {"mean": np.mean, "max": np.max, "sum": np.sum}


def items(x: Relation, prompts_of=lambda p: p) -> Relation:
    """Rows once for each item of their prompts, as (value, key)."""
    rows = []
    for r in x.rows:
        table = prompts_of(r.value).table
        keys = (None,) if table is None else (r.at["item"],) if "item" in r.at else table.keys
        rows += [Row(r.at if key is None else {**r.at, "item": key}, (r.value, key)) for key in keys]
    return Relation(tuple(rows), x.data | {"item"})


def runs(prompts: Relation, env: Env, *others: Relation) -> Relation:
    """Every run that prompts (as rows of `items`) stand for here: (edits, network, (value, key), others)."""
    if env.model is None:
        raise ProbeError("model-open", "no model is in force here")
    return joined(env.model, prompts, *others, *(acting(i, prompts) for i in env.interventions))


def acting(interventions: Relation, prompts: Relation) -> Relation:
    """Of interventions on several prompts (both sides of a contrast), those at tokens of the prompts that run."""
    running = [
        below(p) for value, _ in (r.value for r in prompts.rows) for p in [getattr(owner(value), "prompts", value)]
    ]

    def acts(value: object) -> bool:
        where = getattr(value, "arguments", {})
        named = [where["place"].tokens] if "place" in where else [where.get(k) for k in ("tokens", "at", "from", "to")]
        named = [tokens for tokens in named if isinstance(tokens, Tokens)]
        return not named or any(below(tokens.prompts).same(p) for tokens in named for p in running)

    rows = tuple(r for r in interventions.rows if isinstance(r.value, Missing) or acts(r.value))
    kept = Relation(rows, interventions.data)
    if not rows:
        raise ProbeError("not-in-prompts", "the intervention acts at tokens of other prompts")
    gone = [
        a
        for a in interventions.axes()
        if len(kept.labels(a)) < len(interventions.labels(a)) and a not in prompts.axes()
    ]
    return Relation(tuple(Row({k: v for k, v in r.at.items() if k not in gone}, r.value) for r in rows), kept.data)


def below(prompts: Prompts | Written) -> Prompts:
    """The prompts that a text was written behind."""
    return prompts.prompts if isinstance(prompts, Written) else prompts


def at(it: Interpreter, e: ir.ApplyOf, env: Env) -> Relation:
    """`site at tokens`: the place of an edit, or vectors read in the run that is in force."""
    site, tokens = it.expr(e.left, env.with_(place=False)), it.expr(e.right, env.with_(place=False))
    if env.place:
        return lift(Place, site, tokens)
    whole = runs(items(tokens, lambda t: owner(t).prompts), env, site)
    rows = []
    for r in whole.rows:
        network, (tokens_, key), site_, *given = r.value
        missing = next((g for g in (site_, *given) if isinstance(g, Missing)), None)
        rows += [Row(r.at, missing)] if missing is not None else read(r.at, network, tokens_, key, site_, given)
    return Relation(tuple(rows), whole.data | {"token"} & {n for row in rows for n in row.at})


def read(at, network: Network, tokens: Tokens | Pool, key, site: Site, given) -> list[Row]:
    """The vectors of one run: one for a pool or a single token, else one for each token."""
    item = Item(network, owner(tokens).prompts, key)
    positions = attempt(lambda: find(item.rendered, owner(tokens).expression))
    changes = attempt(lambda: edits(given, item))
    if isinstance(positions, Missing) or isinstance(changes, Missing):
        return [Row(at, positions if isinstance(positions, Missing) else changes)]
    layers = [numbers(network.read(item.rendered.ids, (site.name, layer, site.head), changes)) for layer in site.layers]
    if site.name == "pattern":
        most = max(len(written(item.prompts, k, network).ids) for k in item.prompts.keys)
        layers = [np.pad(rows, ((0, 0), (0, most - rows.shape[1]))) for rows in layers]
    values = np.stack(layers) if isinstance(site.layer, tuple) else layers[0]

    def vector(x: np.ndarray) -> Vector:
        return Vector(x, site, network, item.rendered)

    if isinstance(tokens, Pool):
        return [Row(at, vector(POOLS[tokens.how](values[..., positions, :], axis=-2)))]
    if single(tokens.expression):
        return [Row(at, vector(values[..., positions[0], :]))]
    return [Row({**at, "token": token_label(item.rendered, p)}, vector(values[..., p, :])) for p in positions]


def attempt(function: Callable) -> object:
    """The function's value, or why this item has none; anything else that is wrong is an error of the whole run."""
    try:
        return function()
    except ProbeError as error:
        if error.code not in OF_ONE_ITEM:
            raise
        return Missing(error.message)


def logits(x: Relation, env: Env) -> Relation:
    """Prompts as runs: (logits [tokens, vocabulary], network, rendered prompt)."""

    def run(network: Network, prompts: tuple, *given) -> tuple:
        item = Item(network, *prompts)
        changes = attempt(lambda: edits(given, item))
        if isinstance(changes, Missing):
            return changes
        return numbers(network.read(item.rendered.ids, ("logits", None, None), changes)), network, item.rendered

    whole = runs(items(x), env)
    return Relation(tuple(Row(r.at, applied(run, *r.value)) for r in whole.rows), whole.data)


def bound(x: Relation | Listed, env: Env) -> Relation | Listed:
    """Prompts `on` a model or `under` an intervention are the next-token distribution there: `kl(p, p under i)`."""
    return x if isinstance(x, Listed) else distribution(x, env)


def distribution(x: Relation, env: Env) -> Relation:
    """Prompts where a distribution is asked for: that of the next token, behind the whole prompt."""
    if not isinstance(x.rows[0].value, Prompts):
        return x  # a text too: what is written is not what comes behind it
    return logits(x, env).map(lambda run: Distribution(run[0][-1], run[1], run[2]))


def owner(tokens: Tokens | Pool) -> Tokens:
    return tokens.tokens if isinstance(tokens, Pool) else tokens


def single(expression: object) -> bool:
    """Whether a token expression means one token by its form."""
    return isinstance(expression, SINGLE) or (isinstance(expression, SegmentTokens) and expression.which != "all")
