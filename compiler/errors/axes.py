"""Messages about axes, labels, lists and operands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...grammar.diagnostics import Diagnostic
from ...grammar.tree import Span
from .base import article, error, listed, near


def unknown_axis(span: Span, name: str, axes: Sequence[str], what: str = "this value") -> Diagnostic:
    found = near(name, axes)
    help_ = f"did you mean `{found}`?" if found else (f"it has {listed(axes)}" if axes else "it has no axes")
    return error("unknown-axis", span, f"{what} has no axis `{name}`", "not an axis of it", help_)


def unknown_label(span: Span, axis: str, label: str, labels: Sequence[str]) -> Diagnostic:
    found = near(label, labels)
    help_ = f"did you mean `{found}`?" if found else f"it has {listed(labels)}"
    return error("unknown-label", span, f"axis `{axis}` has no label {label}", "not on the axis", help_)


def uneven_list(span: Span, axis: str, what: str, outer: str, having: Sequence[object], inner: str) -> Diagnostic:
    few = listed(f"`{label}`" for label in having)
    message = f"of the elements of `{outer}` only {few} ha{'s' if len(having) == 1 else 've'} the axis `{inner}`"
    select = f"select first: `x[{outer}={having[0]}]`"
    return error("uneven-list", span, message, f"cannot {what} `{axis}`", select)


def too_many_cells(span: Span, sizes: Mapping[str, int]) -> Diagnostic:
    shown = " x ".join(f"{size:,} {name}" for name, size in sizes.items())
    return error(
        "too-many-cells",
        span,
        f"this would need {math.prod(sizes.values()):,} cells: {shown}",
        "",
        "walk fewer labels, or sweep them in several statements",
    )


def too_many_labels(span: Span, count: float, most: int) -> Diagnostic:
    size = f"{int(count):,}" if math.isfinite(count) else "infinitely many"
    return error("too-many-cells", span, f"this range has {size} numbers, and at most {most:,} can be walked", "")


def axes_differ(
    span: Span, name: str, left: str, right: str, second: tuple[Span | None, str] | None = None
) -> Diagnostic:
    return error(
        "axes-differ",
        span,
        f"two values are joined over `{name}`, but over different labels: {left} and {right}",
        "do not fit",
        "select one side, or use one list for both",
        second,
    )


def text_behind_a_text(span: Span) -> Diagnostic:
    return error(
        "text-behind-a-text",
        span,
        "a text is written behind a prompt, and behind these one was written already",
        "a text behind a text",
        "make prompts of them, `prompts more from texts { … {response} }`, or write longer ones: `max_tokens=…`",
    )


def samples_of_samples(span: Span) -> Diagnostic:
    return error(
        "samples-of-samples",
        span,
        "these prompts are made from samples, and would have samples of samples",
        "several texts for each sample",
        "write one text for each: leave `samples` out",
    )


def unpaired(span: Span, left: str, right: str) -> Diagnostic:
    return error(
        "unpaired",
        span,
        f"items of `{left}` and of `{right}` are different items and cannot be paired",
        "unpaired",
        "reduce each side first (`mean(a) - mean(b)`), or read both from one dataset",
    )


def no_items(span: Span, operation: str) -> Diagnostic:
    return error(
        "no-items", span, f"`{operation}` reduces items, and this value has none", "no items", "name an axis: `over=…`"
    )


def condition_over_items(span: Span, axis: str, instead: str) -> Diagnostic:
    what = "items" if axis == "item" else f"axis `{axis}`"
    return error(
        "condition-over-items",
        span,
        f"this condition is about single {axis}s, and the value has no {what}",
        f"tells {axis}s apart",
        f"leave {axis}s out before they are reduced: `{instead}`",
    )


def no_side(span: Span, operation: str) -> Diagnostic:
    return error(
        "no-side",
        span,
        f"`{operation}` compares the two sides of a contrast, and this value has no sides",
        "no `side` axis",
        "read it at tokens of a contrast, both sides",
    )


def side_left(span: Span, name: str) -> Diagnostic:
    return error(
        "side-left",
        span,
        f"`{name}` still has both sides of a contrast",
        "two sides",
        "select one, `[side=positive]`, or compare them with `mean_diff`",
    )


def nothing_to_choose(span: Span) -> Diagnostic:
    return error("bad-range", span, "this range is empty", "start is after the end")


def empty_list(span: Span) -> Diagnostic:
    return error("bad-range", span, "this list is empty", "nothing in it")


def doubled_label(span: Span, label: str) -> Diagnostic:
    message = f"`{label}` stands in this list twice, so its cells would count twice"
    return error("doubled-label", span, message, "the same label", "leave one out")


def mixed_list(span: Span, first: str, other: str) -> Diagnostic:
    return error(
        "mixed-list",
        span,
        f"a list holds values of one kind, not {article(first)} and {article(other)}",
        "of another kind",
    )


def not_a_list(span: Span, found: str) -> Diagnostic:
    return error(
        "not-a-list",
        span,
        f"`for … in` walks a list, a range or tokens, not {article(found)}",
        "cannot be walked",
        "put it into brackets: `[…]`",
    )


def bad_operands(span: Span, operator: str, left: str, right: str, help: str | None = None) -> Diagnostic:
    return error("bad-operands", span, f"`{operator}` cannot join {article(left)} and {article(right)}", "", help)


def unknown_attribute(span: Span, kind: str, name: str, known: Sequence[str]) -> Diagnostic:
    found = near(name, known)
    help_ = f"did you mean `.{found}`?" if found else (f"it has {listed(known)}" if known else None)
    return error("unknown-attribute", span, f"{article(kind)} has no `.{name}`", "not found", help_)


def attribute_of_record(span: Span, name: str, second: str) -> Diagnostic:
    return error(
        "wrong-kind",
        span,
        f"`{name}` is a test and has several numbers",
        "which of them?",
        f"write `{name}.p`, `{name}.adjusted`, `{name}.value` or another of {second}",
    )


def column_of_others(span: Span, dataset: str, column: str, drawn: str | None) -> Diagnostic:
    found = f"items of `{drawn}`" if drawn else "no items"
    help_ = f"write `{drawn}.{column}`" if drawn and drawn.isidentifier() else "name an axis of what is drawn"
    return error(
        "unpaired",
        span,
        f"`{dataset}.{column}` belongs to the items of `{dataset}`, and this has {found}",
        "of other items",
        help_,
    )


def no_element(span: Span, count: int, at: int) -> Diagnostic:
    return error(
        "unknown-label",
        span,
        f"the list has {count} elements, and no element {at}",
        "",
        "elements count from 0, or from -1 at the end",
    )


def not_a_position(span: Span) -> Diagnostic:
    return error(
        "wrong-kind",
        span,
        "an element of a list or of a set is asked for by its number",
        "",
        "write `set[0]`, or `set[-1]` for the last",
    )


def division_by_zero(span: Span) -> Diagnostic:
    return error("division-by-zero", span, "this divides by zero")


def number_too_large(span: Span) -> Diagnostic:
    return error("number-too-large", span, "this number is too large")


def null_axes(span: Span, axis: str) -> Diagnostic:
    return error(
        "null-axes",
        span,
        f"the null has an axis `{axis}` that the value does not have",
        "more than a null",
        f"select one: `[{axis}=…]`",
    )


def value_has_null_axis(span: Span, over: str) -> Diagnostic:
    return error(
        "null-axes",
        span,
        f"the value itself varies over `{over}`, the axis of the null",
        "not one value",
        "select the cells that are no null",
    )
