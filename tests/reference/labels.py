"""An expression as the text that labels it on an axis."""

from __future__ import annotations

from probelang.compiler import ir

# Loosest first; what binds more loosely than its place allows stands in parentheses.
TIGHTNESS = ["or", "and", "not", "==", "..", "+", "*", "-x", "**", "at", "word"]
SAME = {"-": "+", "/": "*", "%": "*", "on": "at", "under": "at", "!=": "==", "<": "==", "<=": "==", ">": "==",
        ">=": "=="}  # fmt: skip
# The loosest operands an operator takes on its left and on its right.
OPERANDS = {"or": ("or", "and"), "and": ("and", "not"), "==": ("..", ".."), "..": ("+", "+"), "+": ("+", "*"),
            "*": ("*", "-x"), "**": ("at", "-x"), "at": ("at", "word")}  # fmt: skip


def text_of(e: ir.Expr) -> str:
    """How an author would say an element of a list."""
    return "+".join(map(text_of, e.items)) if isinstance(e, ir.ListOf) else part(e, "or")


def kind(e: ir.Expr) -> str:
    if isinstance(e, (ir.ApplyOf, ir.BinaryOf)):
        return SAME.get(e.operator, e.operator)
    if isinstance(e, ir.UnaryOf):
        return "not" if e.operator == "not" else "-x"
    return ".." if isinstance(e, ir.RangeOf) else "word"


def part(e: ir.Expr, loosest: str) -> str:
    """An expression where nothing looser than `loosest` may stand bare."""
    bare = TIGHTNESS.index(kind(e)) >= TIGHTNESS.index(loosest)
    return alone(e) if bare else f"({alone(e)})"


def alone(e: ir.Expr) -> str:
    match e:
        case ir.Literal_():
            return str(e.value)
        case ir.Ref() | ir.AxisRef():
            return e.name
        case ir.ListOf():
            return "[" + ", ".join(part(i, "or") for i in e.items) + "]"
        case ir.CallOf():
            first, *rest = e.arguments or (None,)
            of = [part(first.value, "or")] if first is not None else []
            return f"{e.operation}({', '.join([*of, *map(given, rest)])})"
        case ir.Instance():
            return f"{e.name}({', '.join(part(a, 'or') for a in e.arguments)})"
        case ir.Method():
            return f"{part(e.base, 'word')}.{e.name}({', '.join(map(given, e.arguments))})"
        case ir.AttributeOf():
            return f"{part(e.base, 'word')}.{e.name}"
        case ir.SelectOf():
            return f"{part(e.base, 'word')}[{', '.join(map(given, e.arguments))}]"
        case ir.UnaryOf():
            return ("not " if e.operator == "not" else e.operator) + part(e.operand, kind(e))
        case ir.RangeOf():
            ends = "..".join(part(x, "+") for x in (e.start, e.stop))
            return ends if e.step is None else f"{ends} by {part(e.step, '+')}"
        case ir.ApplyOf() | ir.BinaryOf():
            left, right = OPERANDS[kind(e)]
            return f"{part(e.left, left)} {e.operator} {part(e.right, right)}"
    raise AssertionError(e)


def given(a: ir.Argument) -> str:
    return f"{a.name}={part(a.value, 'or')}" if a.name else part(a.value, "or")
