"""Expressions as text, for labels and messages: as a spec would write them. Knows nothing of spans or line breaks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from . import ir

LEVELS = {"or": 0, "and": 1, "not": 2, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "**": 8}
COMPARISON, RANGE, SIGN, APPLY, PRIMARY = 3, 4, 7, 9, 10
NOTHING: Mapping[str, str] = MappingProxyType({})


def text_of(e: ir.Expr, labels: Mapping[str, str] = NOTHING) -> str:
    """An expression as text; a name of a `for` in `labels` reads as its label. A list is one label, `0+1`."""
    if isinstance(e, ir.ListOf):
        return "+".join(text_of(i, labels) for i in e.items)
    return _inside(e, labels, 0)


def _inside(e: ir.Expr, labels: Mapping[str, str], least: int) -> str:
    """An expression as an operand that must bind at least so tightly."""
    level = level_of(e)
    text = _written(e, labels, level)
    return text if level >= least else f"({text})"


def level_of(e: ir.Expr) -> int:
    """How tightly an expression binds: what stands inside one that binds tighter needs parentheses."""
    match e:
        case ir.BinaryOf():
            return LEVELS.get(e.operator, COMPARISON)
        case ir.UnaryOf():
            return LEVELS["not"] if e.operator == "not" else SIGN
        case ir.RangeOf():
            return RANGE
        case ir.ApplyOf():
            return APPLY
    return PRIMARY


def _written(e: ir.Expr, labels: Mapping[str, str], level: int) -> str:
    match e:
        case ir.Literal_():
            return str(e.value)
        case ir.Ref(to="binder"):
            return labels.get(e.name, e.name)
        case ir.Ref() | ir.AxisRef():
            return e.name
        case ir.ListOf():
            return f"[{', '.join(_inside(i, labels, 0) for i in e.items)}]"
        case ir.RangeOf():
            step = "" if e.step is None else f" by {_inside(e.step, labels, level + 1)}"
            return f"{_inside(e.start, labels, level + 1)}..{_inside(e.stop, labels, level + 1)}{step}"
        case ir.CallOf():
            # the IR names all arguments; the first is what the operation is of, and reads without
            given = [_argument(a, labels, named=i > 0) for i, a in enumerate(e.arguments)]
            return f"{e.operation}({', '.join(given)})"
        case ir.Instance():
            return f"{e.name}({', '.join(_inside(a, labels, 0) for a in e.arguments)})"
        case ir.Method():
            given = [_argument(a, labels) for a in e.arguments]
            return f"{_inside(e.base, labels, PRIMARY)}.{e.name}({', '.join(given)})"
        case ir.AttributeOf():
            return f"{_inside(e.base, labels, PRIMARY)}.{e.name}"
        case ir.SelectOf():
            given = [_argument(a, labels) for a in e.arguments]
            return f"{_inside(e.base, labels, PRIMARY)}[{', '.join(given)}]"
        case ir.ApplyOf():
            return f"{_inside(e.left, labels, level)} {e.operator} {_inside(e.right, labels, PRIMARY)}"
        case ir.UnaryOf():
            gap = " " if e.operator == "not" else ""
            return f"{e.operator}{gap}{_inside(e.operand, labels, level)}"
        case ir.BinaryOf():
            first, second = level, level + 1
            if e.operator == "**":
                first, second = APPLY, SIGN
            elif level == COMPARISON:
                first = RANGE
            return f"{_inside(e.left, labels, first)} {e.operator} {_inside(e.right, labels, second)}"
    raise AssertionError(e)


def _argument(a: ir.Argument, labels: Mapping[str, str], named: bool = True) -> str:
    text = _inside(a.value, labels, 0)
    return f"{a.name}={text}" if a.name and named else text
