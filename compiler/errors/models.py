"""Messages about what a model, an `on` or an `under` reaches."""

from __future__ import annotations

from collections.abc import Sequence

from ...grammar.diagnostics import Diagnostic
from ...grammar.tree import Span
from .base import error, warning


def model_open(span: Span, models: Sequence[str]) -> Diagnostic:
    if not models:
        return error(
            "model-open",
            span,
            "this reads a model, and the file declares none",
            "on which model?",
            'declare one: `model m = zoo("base")`',
        )
    return error(
        "model-open",
        span,
        "this reads a model, but not which",
        "on which model?",
        f"write `… on {models[0]}`, or `for m in [{', '.join(models)}]`",
    )


def nothing_open(span: Span, operator: str, what: Span | None, whole: bool = False) -> Diagnostic:
    """`whole`: what is bound is a bare number or text, so a wider scope was meant."""
    if whole:
        message = f"`{operator}` binds what stands just before it, and that reads no model"
        help_ = f"write parentheses around the whole: `(…) {operator} …`"
        return error("nothing-to-bind", span, message, "binds nothing", help_, (what, "this"))
    if operator == "on":
        return error(
            "nothing-to-bind",
            span,
            "`on` binds nothing: this expression reads no model that is still open",
            "binds nothing",
            "remove it, or write it directly behind the expression that reads the model",
            (what, "already bound, or reads no model"),
        )
    return error(
        "nothing-to-bind",
        span,
        "`under` changes nothing: this expression reads no model that is still open",
        "changes nothing",
        "`under` stands before `on`: `f under i on m`",
        (what, "already bound, or reads no model"),
    )


def one_side_bound(span: Span, bound: Span, open_: Span) -> Diagnostic:
    return warning(
        "one-side-bound",
        span,
        "one side of this is bound by its own `on`, the other by the statement",
        "are both meant?",
        "write `on` behind both, or parentheses around the whole",
        (bound, "bound here"),
    )


def not_in_prompts(span: Span, acts: str, reads: str) -> Diagnostic:
    message = f"the intervention acts on tokens of `{acts}`, but the expression runs on `{reads}`"
    return error("intervention-elsewhere", span, message, f"runs on `{reads}`", f"name tokens of `{reads}` in the edit")


def edits_collide(span: Span, place: str) -> Diagnostic:
    return error(
        "edits-collide", span, f"two interventions write {place}", "second", "give them different places, or choose one"
    )


def tokens_and_during(span: Span, name: str, scope: str) -> Diagnostic:
    return error(
        "tokens-and-during",
        span,
        f'`{name}` names tokens, and acts during "{scope}", which names others',
        "which of them?",
        'name all tokens (`p.all`), or say "prompt" or "all"',
    )


def no_vector_for_response(span: Span, name: str) -> Diagnostic:
    return error(
        "no-vector-for-response",
        span,
        f"`{name}` has a vector for each token of a prompt, and none for tokens that are written",
        "no vector there",
        'say `during="prompt"`, or put in one vector for all: name one token, or pool them (`.mean`)',
    )


def endpoint_is_closed(span: Span, name: str) -> Diagnostic:
    return error(
        "endpoint-is-closed",
        span,
        f"`{name}` is an endpoint: it answers questions, and what happens inside it cannot be read",
        "needs a model that runs here",
        "use it for `judge(…)`, and a `hub(…)`, `path(…)` or `zoo(…)` model here",
    )
