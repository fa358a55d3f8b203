"""Messages about the arguments of operations and of declarations with parameters."""

from __future__ import annotations

from collections.abc import Sequence

from ...grammar.diagnostics import Diagnostic
from ...grammar.tree import Span
from ..signature import Signature
from .base import article, error, listed, near


def usage(signature: Signature) -> str:
    """How a call is written: what has to be named is named."""
    named = (p.keyword_only or not p.required for p in signature.parameters)
    parts = [f"{p.name}=…" if by_name else p.name for p, by_name in zip(signature.parameters, named, strict=True)]
    return f"{signature.name}({', '.join(parts)})"


def unknown_argument(span: Span, signature: Signature, name: str) -> Diagnostic:
    found = near(name, [p.name for p in signature.parameters])
    help_ = f"did you mean `{found}`?" if found else f"write `{usage(signature)}`"
    return error(
        "unknown-argument",
        span,
        f"`{signature.name}` has no argument `{name}`",
        "not an argument",
        help_,
        replacement=None,
    )


def too_many_arguments(span: Span, signature: Signature, count: int) -> Diagnostic:
    how = (
        "takes no argument without a name"
        if count == 0
        else f"takes {count} argument{'s' if count > 1 else ''} without a name"
    )
    return error("too-many-arguments", span, f"`{signature.name}` {how}", "one too many", f"write `{usage(signature)}`")


def argument_twice(span: Span, signature: Signature, name: str, first: Span | None) -> Diagnostic:
    return error(
        "argument-twice", span, f"`{signature.name}` is given `{name}` twice", "again here", None, (first, "first here")
    )


def missing_operands(span: Span, signature: Signature, missing: Sequence[str]) -> Diagnostic:
    return error(
        "missing-argument",
        span,
        f"`{signature.name}` needs {listed(f'`{m}`' for m in missing)}",
        "",
        f"write `{usage(signature)}`",
    )


def needs_arguments(span: Span, name: str, params: Sequence[str], declared: Span | None) -> Diagnostic:
    return error(
        "needs-arguments",
        span,
        f"`{name}` needs {listed(params)}",
        "",
        f"write `{name}({', '.join(params)})`",
        (declared, "declared here"),
    )


def takes_no_arguments(span: Span, name: str, declared: Span | None) -> Diagnostic:
    return error(
        "takes-no-arguments",
        span,
        f"`{name}` was declared without parameters",
        "",
        f"write `{name}`",
        (declared, "declared here"),
    )


def wrong_arguments(span: Span, name: str, params: Sequence[str], declared: Span | None) -> Diagnostic:
    return error(
        "wrong-arguments",
        span,
        f"`{name}` takes {listed(params) or 'nothing'}",
        "does not fit",
        None,
        (declared, "declared here"),
    )


def missing_arguments(span: Span, name: str, missing: Sequence[str], declared: Span | None) -> Diagnostic:
    return error("missing-argument", span, f"`{name}` needs {listed(missing)}", "", None, (declared, "declared here"))


def wrong_kind(span: Span, what: str, wanted: str, found: str, help: str | None = None) -> Diagnostic:
    return error(
        "wrong-kind", span, f"{what} must be {article(wanted)}, not {article(found)}", f"this is {article(found)}", help
    )


def wrong_choice(span: Span, what: str, found: object, choices: Sequence[object]) -> Diagnostic:
    best = near(str(found), [str(c) for c in choices])
    help_ = f'did you mean "{best}"?' if best else f"it takes {listed(as_written(c) for c in choices)}"
    return error("wrong-choice", span, f"{what} cannot be {as_written(found)}", "", help_)


def option_varies(span: Span, what: str, axes: Sequence[str]) -> Diagnostic:
    return error(
        "option-varies",
        span,
        f"{what} is one plain value, and this varies over {listed(axes)}",
        "varies",
        "sweep over values that are written: `… for x in [1, 2]`, or a range of them",
    )


def varies_alone(span: Span, what: str, axes: Sequence[str]) -> Diagnostic:
    return error("option-varies", span, f"{what}, which does not vary over {listed(axes)}", "varies alone")


def as_written(value: object) -> str:
    """A value as a spec writes it."""
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def out_of_range(span: Span, what: str, wanted: str, found: float) -> Diagnostic:
    percent = f"{found:g} % is {found / 100:g}" if "share" in wanted and 1 < found <= 100 else None
    return error("out-of-range", span, f"{what} must be {wanted}, not {found:g}", "out of range", percent)


def needs_under(span: Span, name: str) -> Diagnostic:
    return error(
        "needs-under",
        span,
        f"`{name}` compares an expression with and without an intervention",
        "no `under` in here",
        f"write `{name}(f under i)`",
    )


def not_a_label(span: Span, found: str) -> Diagnostic:
    return error(
        "wrong-kind",
        span,
        f"`size` counts the elements of a label that is a set, and this is {article(found)}",
        "",
        "name the axis: `size(set)`, with `set in choose(…)`",
    )


def choices_differ(span: Span, first: str, other: str) -> Diagnostic:
    return error(
        "wrong-kind",
        span,
        f"`if` gives {article(first)} or {article(other)}: both must be of one kind",
        "of another kind",
    )


def missing_columns(span: Span, operation: str, missing: Sequence[str], known: Sequence[str]) -> Diagnostic:
    return error(
        "unknown-column",
        span,
        f"`{operation}` needs the column{'s' if len(missing) > 1 else ''} {listed(f'`{m}`' for m in missing)} here",
        "not in this dataset",
        f"it has {listed(known)}",
    )
