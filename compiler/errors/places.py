"""Messages about sites, tokens, segments and the columns that fill them."""

from __future__ import annotations

from collections.abc import Sequence

from ...grammar.diagnostics import Diagnostic
from ...grammar.tree import Span
from .base import error, listed, near, warning


def site_without_tokens(span: Span, name: str) -> Diagnostic:
    return error(
        "site-without-tokens",
        span,
        f"`{name}` is a site; an activation is a site `at` tokens",
        "at which tokens?",
        f"write `{name} at p.last`, with your prompts for `p`",
    )


def tokens_left_of_at(span: Span) -> Diagnostic:
    return error(
        "at-turned-around",
        span,
        "the site stands before `at`, the tokens behind it",
        "these are tokens",
        "turn them around: `site at tokens`",
    )


def site_needs_index(span: Span, name: str, indices: Sequence[str]) -> Diagnostic:
    return error(
        "site-index", span, f"`{name}` needs {' and '.join(indices)}", "", f"write `{name}[{', '.join(indices)}]`"
    )


def site_index_count(span: Span, name: str, indices: Sequence[str], found: int) -> Diagnostic:
    wants = f"takes [{', '.join(indices)}]" if indices else "takes no index"
    return error("site-index", span, f"`{name}` {wants}, not {found} ind{'ices' if found != 1 else 'ex'}")


def unknown_segment(
    span: Span, prompts: str, name: str, segments: Sequence[str], dataset: str | None = None
) -> Diagnostic:
    found = near(name, [*segments, "first", "last", "all"])
    has = f"it has {listed(segments) or 'no segments'}, and first, last, bos, template, all, tokens"
    has += f"; a column of the dataset is written `{dataset}.{name}`" if dataset is not None else ""
    help_ = f"did you mean `{prompts}.{found}`?" if found else has
    return error("unknown-segment", span, f"`{prompts}` has no segment `{name}`", "not found", help_)


def target_as_tokens(span: Span, prompts: str, name: str) -> Diagnostic:
    return error(
        "target-as-tokens",
        span,
        f"`{name}:` of `{prompts}` is what measures look for; it is not part of the prompt",
        "has no tokens here",
        "name a segment of the prompt, or `last`",
    )


def no_target(span: Span, operation: str, prompts: str, target: str, declared: Span | None) -> Diagnostic:
    return error(
        "no-answer",
        span,
        f"`{operation}` looks for `{target}:`, which `{prompts}` does not have",
        "",
        f'add `{target}: "…"` to the prompts, or name a text: `{operation}(p, "…")`',
        (declared, "declared here"),
    )


def tokens_not_pooled(span: Span, what: str) -> Diagnostic:
    return error(
        "tokens-not-pooled",
        span,
        f"{what} reads many tokens, and they are not pooled",
        "several tokens",
        "add `.mean`, or name one token, as in `.last`",
    )


def pool_in_edit(span: Span) -> Diagnostic:
    return error(
        "pool-in-edit",
        span,
        "an edit acts at tokens, not at a pool of them",
        "pooled",
        "drop the `.mean`: every token of them is edited",
    )


def reserved_segment(span: Span, name: str) -> Diagnostic:
    return error(
        "reserved-segment",
        span,
        f"a segment cannot be called `{name}`",
        "has a meaning of its own",
        "choose another name",
    )


def mixed_segments(span: Span, first: Span | None, meant: str | None) -> Diagnostic:
    return error(
        "mixed-segments",
        span,
        "raw segments and chat messages cannot be mixed in one prompt",
        "",
        f"did you mean `{meant}:`?" if meant else "make all of them messages (`user.name: …`), or none",
        (first, "the other kind"),
    )


def segment_twice(span: Span, name: str, first: Span | None) -> Diagnostic:
    return error(
        "segment-twice",
        span,
        f"there are two segments `{name}`",
        "second",
        "rename one: `user.question`, `user.frame`",
        (first, "first here"),
    )


def unknown_role(span: Span, role: str, roles: Sequence[str]) -> Diagnostic:
    return error("unknown-role", span, f"`{role}` is no role of a chat message", "", f"roles are {listed(roles)}")


def wrong_sides(span: Span, found: Sequence[str]) -> Diagnostic:
    return error("wrong-sides", span, "a contrast has the sides `positive` and `negative`", f"found {listed(found)}")


def sides_differ(span: Span, name: str, side: str) -> Diagnostic:
    return error(
        "sides-differ",
        span,
        f"only one side of the contrast has a segment `{name}`",
        f"the {side} side has none",
        "both sides need the same segments in the same order",
    )


def same_sides(span: Span, name: str) -> Diagnostic:
    return error("same-sides", span, f"both sides of `{name}` have the same text", "no contrast")


def empty_prompts(span: Span, name: str) -> Diagnostic:
    return error(
        "empty-prompts", span, f"`{name}` has no text to run on", "", 'add a segment such as `text: "…"` or `user: "…"`'
    )


def unknown_column(span: Span, column: str, dataset: str, columns: Sequence[str]) -> Diagnostic:
    found = near(column, columns)
    help_ = f"did you mean `{found}`?" if found else f"it has {listed(columns)}"
    return error("unknown-column", span, f"`{dataset}` has no column `{column}`", "not found", help_)


def column_without_source(span: Span, column: str, prompts: str) -> Diagnostic:
    return error(
        "column-without-source",
        span,
        f"`{{{column}}}` is filled from a dataset, and `{prompts}` has none",
        "",
        f"write `prompts {prompts} from …`, or {{{{ and }}}} for plain braces",
    )


def unused_source(span: Span, prompts: str) -> Diagnostic:
    return warning(
        "unused-source",
        span,
        f"no text of `{prompts}` uses a column of its dataset: every item gives the same prompt",
        "",
        "write `{column}` in a segment, or drop `from`",
    )


def bare_column(span: Span, prompts: str, column: str) -> Diagnostic:
    return warning(
        "bare-column",
        span,
        f'this text of `{prompts}` is the word "{column}", not the column of that name',
        "a plain word",
        f"write `{{{column}}}` for the column",
    )


def like_a_role(span: Span, name: str, role: str) -> Diagnostic:
    what = "what measures look for" if role in ("answer", "wrong") else "a chat message"
    return warning(
        "like-a-role",
        span,
        f"`{name}:` is a raw segment; `{role}:` would be {what}",
        f"did you mean `{role}`?",
        f"write `{role}: …`, or call the segment something else",
    )


def direction_has_items(span: Span, name: str, what: str) -> Diagnostic:
    return error(
        "direction-has-items",
        span,
        f"direction `{name}` still has {what}: it would be one vector for each",
        "",
        "reduce them: `mean(…)`, `mean_diff(…)`, or a pool such as `.mean`",
    )


def layer_below_zero(span: Span, key: str, found: int) -> Diagnostic:
    return error(
        "layer-out-of-range",
        span,
        f"{key} {found} is below 0",
        "out of range",
        "they count from 0; `layers(1.0)` is the last layer of any model",
    )
