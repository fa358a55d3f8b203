"""Declarations of data: datasets, prompts and contrasts; and where the statements of a spec and its uses are found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from probelang.compiler import ir
from probelang.compiler.builtins import SIDES
from probelang.runtime.data import derive
from probelang.runtime.text.template import SystemMode

from .relation import Missing, Relation, Row, joined, lift, one, spread
from .texts import template
from .values import Listed, Prompts, Written

if TYPE_CHECKING:
    from .environment import Env
    from .interpreter import Interpreter

PLACEHOLDER = re.compile(r"(?<!\{)\{\s*(\w+)\s*\}(?!\})")


def collected(spec: ir.Spec, overrides: dict[str, object], prefix: str = "") -> dict[str, ir.Statement]:
    """Every statement by its dotted name; notes in `overrides` the params that a `use` sets."""
    found: dict[str, ir.Statement] = {}
    for use in spec.uses:
        for column in getattr(use, "overrides", ()):
            overrides.setdefault(f"{prefix}{use.alias}.{column.name}", column.value)
        found |= collected(use.spec, overrides, f"{prefix}{use.alias}.")
    for s in spec.statements:
        found |= {prefix + name: s for name in (s.names if isinstance(s, ir.DatasetOf) else (s.name,))}
    return found


def literal(value: object) -> ir.Expr:
    """A plain value as an expression."""
    if isinstance(value, (list, tuple)):
        return ir.ListOf(items=tuple(literal(v) for v in value))
    return ir.Literal_(value=value) if isinstance(value, (bool, int, float, str)) else value


def dataset(it: Interpreter, name: str, s: ir.DatasetOf, env: Env) -> Relation:
    """A dataset with its derived columns; of `fit, test = split(…)` the part of that name."""
    tables = it.expr(s.value, env)
    for column in s.columns:
        values = it.expr(column.value, env.with_(columns_of=tables))

        def derived(table, values=values, column=column):
            found = {r.at.get("item"): r.value for r in values.rows}
            return derive.derive(table, column.name, [found.get(key, found.get(None)) for key in table.keys])

        tables = tables.map(derived)
    if len(s.names) > 1:
        tables = tables.map(lambda parts: parts[s.names.index(name)])
    return tables


def prompts(it: Interpreter, name: str, s: ir.PromptsOf | ir.ContrastOf, env: Env) -> Relation:
    """Prompts, or the two sides of a contrast under the axis `side`."""
    source = it.expr(s.source, env) if s.source is not None else one(None)
    if isinstance(s, ir.PromptsOf):
        return one_side(it, name, s.segments, source, env)
    by_name = {side.name: side.segments for side in s.sides}
    return spread("side", [(side, one_side(it, f"{name}.{side}", by_name[side], source, env)) for side in SIDES])


def one_side(it: Interpreter, name: str, segments: tuple[ir.Segment, ...], source: Relation, env: Env) -> Relation:
    """Prompts whose segments may be swept, by parameters; a segment that is a column has a text per item."""
    parts, columns = [], []
    for number, segment in enumerate(segments):
        value = it.expr(segment.value, env)
        if "item" in value.data:
            columns.append((f"segment{number}", {r.at["item"]: r.value for r in value.rows}))
            value = one(f"{{segment{number}}}")
        parts.append(value)
    texts = [r.value for part in parts for r in part.rows if isinstance(r.value, str)]
    used = [p for p in env.params if any(p in PLACEHOLDER.findall(text) for text in texts)]
    given = [env.params[p] for p in used]
    assert not any(isinstance(g, Listed) for g in given)
    shape, filled = joined(*parts), joined(*given)

    def made(table, texts: tuple, values: tuple) -> Prompts:
        written = [(segment.name, mode(text)) for segment, text in zip(segments, texts, strict=True)]
        extra = {**dict(columns), **dict(zip(used, values, strict=True))}
        if isinstance(table, tuple):  # a text, with what it was written behind
            return Prompts(name, template(name, written), None, {**table[1], **extra}, table[0].writers)
        return Prompts(name, template(name, written), table, extra)

    rows = (Row(r.at, (r.value, r.value.row(r.at)) if isinstance(r.value, Written) else r.value) for r in source.rows)
    return lift(made, Relation(tuple(rows), source.data), shape, filled)


def mode(value: object) -> str | SystemMode:
    """The text of a segment; none stands for no system prompt."""
    if value is None:
        return SystemMode.NONE
    return value if isinstance(value, (str, SystemMode)) else str(value)


def kept(tables: Relation, holds: Relation, at_most: int | None) -> Relation:
    """`keep`: the items for which a condition holds, for every label that the condition depends on."""
    rest = Relation(
        tuple(Row({k: v for k, v in r.at.items() if k != "item"}, (r.at.get("item"), r.value)) for r in holds.rows)
    )
    found: dict[frozenset, tuple[dict, dict]] = {}
    for r in rest.rows:
        found.setdefault(frozenset(r.at.items()), (r.at, {}))[1][r.value[0]] = r.value[1]
    conditions = Relation(tuple(Row(at, flags) for at, flags in found.values()))

    def rows(table, flags: dict):
        holds = [flags.get(key, flags.get(None)) for key in table.keys]
        made = derive.keep(table, [bool(h) and not isinstance(h, Missing) for h in holds])
        return made if at_most is None else made.take(range(min(at_most, len(made))))

    return lift(rows, tables, conditions)
