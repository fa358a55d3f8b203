"""Messages about names, and about specs that are used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from ...grammar.diagnostics import Diagnostic
from ...grammar.tree import NOWHERE, Span
from ..builtins import SITES
from ..signature import Catalogue, Signature
from .arguments import usage
from .base import article, error, listed, near, warning

# What operations are called elsewhere.
SYNONYMS = {
    "average": "mean", "avg": "mean", "std": "sd", "stdev": "sd", "ttest": "t_test", "correlation": "pearson",
    "cos": "cosine", "cosine_similarity": "cosine", "perplexity": "cross_entropy", "loss": "cross_entropy",
    "logprob": "log_prob", "probability": "prob", "softmax": "prob", "diff_of_means": "mean_diff", "normalize": "unit",
    "csv": "file", "jsonl": "file", "huggingface": "hub", "hf": "hub", "permutation_test": "label_permutation",
    "random": "random_unit", "noise": "random_gaussian", "zero_ablate": "ablate", "probe": "classifier", "len": "size",
    "contains": "mentions", "includes": "mentions", "equals": "exact_match", "ppl": "cross_entropy",
}  # fmt: skip


def unknown_version(span: Span, raw: str) -> Diagnostic:
    return error(
        "unknown-version", span, f"this is language version {raw}; only version 1 exists", help="write `probe 1`"
    )


def unknown_name(span: Span, name: str, visible: Iterable[str]) -> Diagnostic:
    found = near(name, visible)
    help_ = f"did you mean `{found}`?" if found else f'declare it, or write "{name}" if it is a text'
    return error("unknown-name", span, f"`{name}` is not declared", "not found", help_, replacement=found)


def axis_not_walked(span: Span, name: str) -> Diagnostic:
    message = f"`{name}` is an axis, and this statement does not walk it"
    return error("unknown-name", span, message, "not walked", f"add `for {name}`")


def unknown_operation(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    found = SYNONYMS.get(name.lower()) or near(name, known, 0.7)
    help_ = f"did you mean `{found}`?" if found else "`probe operations` lists the operations"
    return error("unknown-operation", span, f"there is no operation `{name}`", "not found", help_, replacement=found)


def likely_operations(name: str, known: Catalogue, most: int = 3) -> list[str]:
    """Operations that a name may mean: what another field calls so, what begins or is spelled alike, else by pages."""
    name = name.lower()
    found = [SYNONYMS[name]] if name in SYNONYMS else []
    found += [n for n in known if n.startswith(name)]
    found += get_close_matches(name, known, most, 0.7)
    return list(dict.fromkeys(found or speak_of(name, known)))[:most]


def speak_of(name: str, known: Catalogue) -> list[str]:
    """Operations whose pages have a word of a name, those first that say it in their first line."""
    stems = [re.escape(word[: max(5, len(word) - 3)]) for word in name.split("_") if len(word) > 3]
    if not stems:
        return []
    said = re.compile(rf"\b({'|'.join(stems)})", re.IGNORECASE)
    return [n for page in ("summary", "doc") for n, s in known.items() if said.search(getattr(s, page))]


def unknown_member(span: Span, alias: str, name: str, members: Sequence[str]) -> Diagnostic:
    found = near(name, members)
    help_ = f"did you mean `{alias}.{found}`?" if found else f"it has {listed(members)}"
    return error("unknown-member", span, f"`{alias}` declares no `{name}`", "not found", help_, replacement=found)


def declared_twice(span: Span, name: str, first: Span | None) -> Diagnostic:
    return error(
        "declared-twice", span, f"`{name}` is declared twice", "second", "rename one of them", (first, "first here")
    )


def reserved_name(span: Span, name: str) -> Diagnostic:
    return error("reserved-name", span, f"`{name}` is a keyword and cannot be a name", help="choose another name")


def shadows_builtin(span: Span, name: str) -> Diagnostic:
    message = f"`{name}` already means something in the language"
    return error("reserved-name", span, message, "cannot be a name", "choose another name")


def shadows_operation(span: Span, name: str) -> Diagnostic:
    message = f"`{name}(…)` is an operation, so a declaration with parameters cannot have its name"
    return error("reserved-name", span, message, "", "choose another name; without parameters it could stay")


def binder_without_axis(span: Span, name: str, axes: Sequence[str], models: Sequence[str] = ()) -> Diagnostic:
    """`models` are those that the clause names where it should name an axis of them."""
    found = near(name, axes)
    help_ = f"did you mean `{found}`?" if found else f"write `{name} in …`, or declare `axis {name} = …`"
    if models:
        every = f"[{', '.join(models)}]"
        help_ = f"`for` walks an axis, and this is a model: write `for m in {every}`, or declare `axis stage = {every}`"
    return error("binder-without-axis", span, f"`for {name}` needs an axis of that name", "no such axis", help_)


def namespace_as_value(span: Span, name: str, members: Sequence[str]) -> Diagnostic:
    return error(
        "namespace-as-value",
        span,
        f"`{name}` is a used spec, not a value",
        help=f"write `{name}.` and one of {listed(members)}",
    )


def operation_as_value(span: Span, signature: Signature) -> Diagnostic:
    return error(
        "operation-as-value",
        span,
        f"`{signature.name}` is an operation and needs its arguments",
        help=f"write `{usage(signature)}`",
    )


def not_callable(span: Span, name: str = "this") -> Diagnostic:
    return error(
        "not-callable",
        span,
        f"`{name}` takes no arguments in parentheses",
        help="a selection is written with brackets, `x[axis=label]`",
    )


def use_not_found(span: Span, path: str, known: Sequence[str]) -> Diagnostic:
    found = near(path, known)
    help_ = (
        f'did you mean "{found}"?'
        if found
        else f"the library has {listed(known)}; a file is named relative to this one"
    )
    return error("use-not-found", span, f'there is no spec "{path}"', "not found", help_)


def use_has_errors(span: Span, path: str, count: int, first: Diagnostic) -> Diagnostic:
    return error(
        "use-has-errors",
        span,
        f'"{path}" has {count} error{"s" if count > 1 else ""} of its own',
        "",
        f"line {first.primary.span.line}: {first.message}",
    )


def use_cycle(span: Span, path: str) -> Diagnostic:
    return error("use-cycle", span, f'"{path}" uses this file in turn', "a cycle")


def cycle(span: Span, names: Sequence[str]) -> Diagnostic:
    message = f"`{names[0]}` depends on itself: {' -> '.join(names)}"
    return error("cycle", span, message, "part of the cycle", hidden_site(names[0]) if len(names) == 2 else None)


def hidden_site(name: str) -> str | None:
    """What to say where a declaration has the name of a site and the site was meant."""
    return f"the site `{name}` is hidden by the declaration of that name: rename it" if name in SITES else None


def column_as_site(name: str) -> str:
    """What to say where a column was meant, and nothing tells that there is one of that name."""
    return f'`{name}` is a site; a column of that name is promised where the file is read: `columns=["{name}", …]`'


def unused(span: Span, keyword: str, name: str) -> Diagnostic:
    return warning("unused", span, f"{keyword} `{name}` is never used", "declared here", "use it, or remove it")


def unused_binder(span: Span, name: str, axis: str | None = None) -> Diagnostic:
    """`axis` is the declared axis that the binder was to walk, which walks under its own name."""
    return warning(
        "unused-binder",
        span,
        f"`for {name}` changes nothing: the expression does not depend on `{name}`",
        "not used",
        f"`{axis}` is an axis already: write `for {axis}`" if axis else "every row of this axis would be the same",
    )


def unknown_param(span: Span, name: str, params: Sequence[str]) -> Diagnostic:
    found = near(name, params)
    help_ = f"did you mean `{found}`?" if found else (f"it has {listed(params)}" if params else "it has no params")
    what = f"`-p {name}=…` names no param of the spec" if span == NOWHERE else f"the spec has no param `{name}`"
    return error("unknown-param", span, what, "", help_)


def given_another_kind(span: Span, name: str, wanted: str, found: str) -> Diagnostic:
    message = f"param `{name}` must be {article(wanted)}, not {article(found)}"
    return error("wrong-kind", span, message, f"this is {article(found)}")


def param_of_another_kind(span: Span, name: str, wanted: str, found: str) -> Diagnostic:
    message = f"`-p {name}=…` gives {article(found)}, and the param is {article(wanted)}"
    return error("wrong-kind", span, message, f"{article(wanted)} here")


def unused_column(span: Span, name: str) -> Diagnostic:
    return warning(
        "unused-column",
        span,
        f"nothing uses the column `{name}`",
        "derived here",
        f"write `{{{name}}}` in a text, or remove it",
    )


def untyped(span: Span, name: str) -> Diagnostic:
    return error(
        "untyped",
        span,
        f"the checker cannot tell what `{name}` is",
        "",
        "this is a gap in the checker: please report the spec",
    )
