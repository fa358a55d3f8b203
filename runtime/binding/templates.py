"""From nodes to text: prompts as templates, token expressions, and the texts that a measure looks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...compiler.builtins import ROLES
from ...compiler.elaborate.apply import underlying
from ...compiler.graph import Node
from ..text.positions import (
    All,
    Bos,
    Complement,
    First,
    Last,
    Occurrences,
    SegmentTokens,
    TemplateTokens,
    TokenExpression,
    Union,
)
from ..text.template import TARGETS, Segment, SystemMode, Template

_WHOLE = {"first": First(), "last": Last(), "bos": Bos(), "template": TemplateTokens(), "all": All(), "tokens": All()}


@dataclass(frozen=True)
class Prompt:
    """A template, and what parameters put into its placeholders: a value, or the name of a column."""

    template: Template
    values: Mapping[str, object]
    columns: Mapping[str, str]

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A dataset's row with the parameters filled in; a column that is not there stays out."""
        taken = {name: row[column] for name, column in self.columns.items() if column in row}
        return {**row, **self.values, **taken}

    @property
    def needs(self) -> set[str]:
        """The dataset's columns that its texts name."""
        own = {c for c in self.template.columns if c not in self.values and c not in self.columns}
        return own | set(self.columns.values())


def prompt_of(prompts: Node) -> Prompt | None:
    """Read a prompts node; None where a text is only known when something has run."""
    segments, values, columns = [], {}, {}
    for name, node in prompts.inputs:
        if name.startswith("v_"):
            if node.op == "const":
                values[name[2:]] = node.param("value")
            elif node.op == "column":
                columns[name[2:]] = node.param("name")
            else:
                return None
    for i, full in enumerate(prompts.param("segments") or ()):
        text = _text(prompts.input(f"s{i}"))
        if text is None:
            return None
        role, _, part = full.partition(".")
        chat = role in ROLES and full not in TARGETS
        segments.append(Segment(part or role if chat else full, role if chat else None, text))
    return Prompt(Template(str(prompts.param("name")), tuple(segments)), values, columns)


def _text(node: Node | None) -> str | SystemMode | None:
    if node is None:
        return None
    match node.op:
        case "const":
            value = node.param("value")
            return value if isinstance(value, str) else str(value)
        case "column":
            return "{" + str(node.param("name")) + "}"
        case "mode":
            return SystemMode(node.param("mode"))
        case "none":
            return SystemMode.NONE
    return None


def expression_of(tokens: Node) -> TokenExpression | None:
    """Read a token node; None for tokens that only a run knows, and for single ones of an axis."""
    match tokens.op:
        case "tokens":
            return _path(tokens)
        case "occurrences":
            text = tokens.input("text")
            return Occurrences(text.param("value")) if text is not None and text.op == "const" else None
        case "union":
            parts = [expression_of(n) for _, n in tokens.inputs]
            return None if None in parts else Union(tuple(parts))
        case "complement":
            inner = expression_of(tokens.input("tokens"))
            return None if inner is None else Complement(inner)
        case "pool":
            return expression_of(tokens.input("tokens"))
    return None


def _path(tokens: Node) -> TokenExpression | None:
    name, *which = tokens.param("path")
    prompts = underlying(tokens.input("prompts"))
    names = [s.partition(".") for s in prompts.param("segments") or ()]
    if name in _WHOLE and not any(name == (part or role) for role, _, part in names):
        return _WHOLE[name]
    of_role = [part for role, _, part in names if role == name and part]
    if of_role and name not in [part or role for role, _, part in names]:
        if which:  # the first token of the first part, the last of the last
            return SegmentTokens(of_role[0 if which[0] == "first" else -1], which[0])
        return Union(tuple(SegmentTokens(part) for part in of_role))
    return SegmentTokens(name, which[0] if which else "all")


def constants(node: Node | None) -> list[object] | None:
    """The values that a node can have as far as the text tells: a constant, a list, the labels of an axis."""
    if node is None:
        return None
    match node.op:
        case "const":
            return [node.param("value")]
        case "list":
            parts = [constants(n) for _, n in sorted(node.inputs, key=lambda pair: int(pair[0][1:]))]
            return None if None in parts else [v for part in parts for v in part]
        case "label":
            labels = node.axes[0].labels if node.axes else None
            return list(labels) if labels is not None else constants(node.input("values"))
        case "label-item":
            return constants(node.input("label"))
        case "choose":
            return constants(node.input("items"))
    return None
