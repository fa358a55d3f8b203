"""An expression as the text that labels it on an axis."""

from __future__ import annotations

from probelang.compiler import ir


def text_of(e: ir.Expr) -> str:
    """How an author would say an element of a list."""
    match e:
        case ir.Literal_():
            return str(e.value)
        case ir.Ref() | ir.AxisRef():
            return e.name
        case ir.ListOf():
            return "+".join(map(text_of, e.items))
        case ir.RangeOf():
            return f"{text_of(e.start)}..{text_of(e.stop)}"
        case ir.CallOf():
            return f"{e.operation}({', '.join(text_of(a.value) for a in e.arguments)})"
        case ir.Instance():
            return f"{e.name}({', '.join(map(text_of, e.arguments))})"
        case ir.Method():
            return f"{text_of(e.base)}.{e.name}({', '.join(text_of(a.value) for a in e.arguments)})"
        case ir.AttributeOf():
            return f"{text_of(e.base)}.{e.name}"
        case ir.SelectOf():
            inner = (f"{a.name}={text_of(a.value)}" if a.name else text_of(a.value) for a in e.arguments)
            return f"{text_of(e.base)}[{', '.join(inner)}]"
        case ir.ApplyOf() | ir.BinaryOf():
            return f"{text_of(e.left)} {e.operator} {text_of(e.right)}"
        case ir.UnaryOf():
            return f"not {text_of(e.operand)}" if e.operator == "not" else f"{e.operator}{text_of(e.operand)}"
    raise AssertionError(e)
