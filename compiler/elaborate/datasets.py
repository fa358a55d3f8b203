"""Datasets: their columns as far as the text tells, and the parts of a split."""

from __future__ import annotations

from ...grammar.tree import NOWHERE
from .. import errors, ir
from ..expression_text import text_of
from ..graph import Node
from ..kinds import Column, Dataset, Generated, Site, Unknown
from . import stacks
from .core import Elaborator
from .env import Env
from .prompts import data_axes, source_columns


def dataset(el: Elaborator, name: str, statement: ir.DatasetOf, env: Env) -> Node:
    """A dataset by one of its names; derived columns are nodes over its own columns."""
    node = el.expr(statement.value, env)
    span = statement.value.span or NOWHERE
    if node.kind is Unknown:
        return node
    if not issubclass(node.kind, (Dataset, Generated)):
        return el.report(errors.wrong_kind(span, f"dataset `{name}`", "dataset", el.spoken(node)))
    for column in statement.columns:
        base = node
        value = el.expr(column.value, env.with_(columns_of=base))
        if value.kind is Unknown:
            return el.unknown
        if issubclass(value.kind, Site):
            at, help_ = column.value.span or NOWHERE, errors.column_as_site(text_of(column.value))
            return el.report(errors.wrong_kind(at, f"column `{column.name}`", "text, number or boolean", "site", help_))
        node = el.graph.node("derive", {"dataset": base, "value": value}, {"name": column.name}, kind=Dataset)
    if len(statement.names) > 1:
        short = name.rsplit(".", 1)[-1]
        node = part_of(el, node, statement, short, span)
    el.dataset_names[node.key] = name
    for axis in stacks.visible_axes(node).values():
        el.dataset_names.setdefault(axis.origin, name)  # texts that were kept are items of their own
    el.program.datasets[name] = node
    return node


def part_of(el: Elaborator, node: Node, statement: ir.DatasetOf, short: str, span) -> Node:
    if node.op != "split" or len(statement.names) != 2:
        return el.report(errors.wrong_kind(span, "what gives several datasets", "`split(…)` into two", el.spoken(node)))
    return el.graph.node("part", {"split": node}, {"index": statement.names.index(short)}, kind=Dataset)


def columns_of(node: Node) -> list[str] | None:
    """The columns a dataset is known to have, or None when only the file tells."""
    match node.op:
        case "derive":
            base = columns_of(node.input("dataset"))
            return None if base is None else [*base, node.param("name")]
        case "part":
            return columns_of(node.input("split"))
        case "split" | "keep" | "shuffle":
            return source_columns(node.input("items")) if node.input("items") is not None else None
        case "file" | "hub-dataset" | "rows":
            given = node.input("columns")
            if given is None:
                return None
            return [n.param("value") for _, n in given.inputs] if given.op == "list" else [given.param("value")]
    return None


def column(el: Elaborator, node: Node, name: str) -> Node:
    """A column as a value per item, and per sample where the items were written several times."""

    def make(n: Node) -> Node:
        return el.graph.node("column", {"dataset": n}, {"name": name}, kind=Column, axes=data_axes(el, n))

    return stacks.restack(el.graph, node, make)
