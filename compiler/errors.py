"""All wording of the checker's messages: one constructor for each problem, its place first.

Codes are kebab-case and public: `probe explain CODE` tells more (`explanations.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from ..grammar.diagnostics import Diagnostic, Label
from ..grammar.tree import Span
from .signature import Signature


def near(word: str, names: Iterable[str]) -> str | None:
    """The name nearest to `word`, if any is near."""
    candidates = sorted(set(names))
    found = get_close_matches(word, candidates, 1, 0.6) or get_close_matches(word.lower(), candidates, 1, 0.6)
    return found[0] if found else None


def listed(names: Iterable[str], limit: int = 8) -> str:
    every = list(dict.fromkeys(names))
    return ", ".join(every[:limit]) + (f", … ({len(every) - limit} more)" if len(every) > limit else "")


def error(code: str, span: Span, message: str, label: str = "", help: str | None = None,
          second: tuple[Span | None, str] | None = None, replacement: str | None = None) -> Diagnostic:  # fmt: skip
    places = (Label(second[0], second[1]),) if second is not None and second[0] is not None else ()
    return Diagnostic(code, "error", message, Label(span, label), places, help, replacement)


def warning(code: str, span: Span, message: str, label: str = "", help: str | None = None,
            second: tuple[Span | None, str] | None = None) -> Diagnostic:  # fmt: skip
    places = (Label(second[0], second[1]),) if second is not None and second[0] is not None else ()
    return Diagnostic(code, "warning", message, Label(span, label), places, help)


# **** names ****


def unknown_version(span: Span, raw: str) -> Diagnostic:
    return error("unknown-version", span, f"this is language version {raw}; only version 1 exists", help="write `probe 1`")


def unknown_name(span: Span, name: str, visible: Iterable[str]) -> Diagnostic:
    found = near(name, visible)
    help_ = f"did you mean `{found}`?" if found else "declare it, or make it a parameter"
    return error("unknown-name", span, f"`{name}` is not declared", "not found", help_, replacement=found)


def unknown_operation(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    found = near(name, known)
    help_ = f"did you mean `{found}`?" if found else "`probe operations` lists the operations"
    return error("unknown-operation", span, f"there is no operation `{name}`", "not found", help_, replacement=found)


def unknown_member(span: Span, alias: str, name: str, members: Sequence[str]) -> Diagnostic:
    found = near(name, members)
    help_ = f"did you mean `{alias}.{found}`?" if found else f"it has {listed(members)}"
    return error("unknown-member", span, f"`{alias}` declares no `{name}`", "not found", help_, replacement=found)


def declared_twice(span: Span, name: str, first: Span | None) -> Diagnostic:
    return error("declared-twice", span, f"`{name}` is declared twice", "second", "rename one of them", (first, "first here"))


def reserved_name(span: Span, name: str) -> Diagnostic:
    return error("reserved-name", span, f"`{name}` is a keyword and cannot be a name", help="choose another name")


def shadows_builtin(span: Span, name: str) -> Diagnostic:
    return error("reserved-name", span, f"`{name}` already means something in the language", help="choose another name")


def binder_without_axis(span: Span, name: str, axes: Sequence[str]) -> Diagnostic:
    found = near(name, axes)
    help_ = f"did you mean `{found}`?" if found else f"write `{name} in …`, or declare `axis {name} = …`"
    return error("binder-without-axis", span, f"`for {name}` needs an axis of that name", "no such axis", help_)


def namespace_as_value(span: Span, name: str, members: Sequence[str]) -> Diagnostic:
    return error("namespace-as-value", span, f"`{name}` is a used spec, not a value", help=f"write `{name}.` and one of {listed(members)}")


def operation_as_value(span: Span, signature: Signature) -> Diagnostic:
    return error("operation-as-value", span, f"`{signature.name}` is an operation and needs its arguments", help=f"write `{usage(signature)}`")


def not_callable(span: Span, name: str = "this") -> Diagnostic:
    return error("not-callable", span, f"`{name}` takes no arguments in parentheses", help="a selection is written with brackets, `x[axis=label]`")


# **** arguments ****


def usage(signature: Signature) -> str:
    parts = [p.name if p.required else f"{p.name}=…" for p in signature.parameters]
    return f"{signature.name}({', '.join(parts)})"


def unknown_argument(span: Span, signature: Signature, name: str) -> Diagnostic:
    found = near(name, [p.name for p in signature.parameters])
    help_ = f"did you mean `{found}`?" if found else f"write `{usage(signature)}`"
    return error("unknown-argument", span, f"`{signature.name}` has no argument `{name}`", "not an argument", help_, replacement=None)


def too_many_arguments(span: Span, signature: Signature, count: int) -> Diagnostic:
    how = "takes no argument without a name" if count == 0 else f"takes {count} argument{'s' if count > 1 else ''} without a name"
    return error("too-many-arguments", span, f"`{signature.name}` {how}", "one too many", f"write `{usage(signature)}`")


def argument_twice(span: Span, signature: Signature, name: str, first: Span | None) -> Diagnostic:
    return error("argument-twice", span, f"`{signature.name}` is given `{name}` twice", "again here", None, (first, "first here"))


def missing_operands(span: Span, signature: Signature, missing: Sequence[str]) -> Diagnostic:
    return error("missing-argument", span, f"`{signature.name}` needs {listed(f'`{m}`' for m in missing)}", "", f"write `{usage(signature)}`")


def needs_arguments(span: Span, name: str, params: Sequence[str], declared: Span | None) -> Diagnostic:
    return error("needs-arguments", span, f"`{name}` needs {listed(params)}", "", f"write `{name}({', '.join(params)})`", (declared, "declared here"))


def takes_no_arguments(span: Span, name: str, declared: Span | None) -> Diagnostic:
    return error("takes-no-arguments", span, f"`{name}` was declared without parameters", "", f"write `{name}`", (declared, "declared here"))


def wrong_arguments(span: Span, name: str, params: Sequence[str], declared: Span | None) -> Diagnostic:
    return error("wrong-arguments", span, f"`{name}` takes {listed(params) or 'nothing'}", "does not fit", None, (declared, "declared here"))


def missing_arguments(span: Span, name: str, missing: Sequence[str], declared: Span | None) -> Diagnostic:
    return error("missing-argument", span, f"`{name}` needs {listed(missing)}", "", None, (declared, "declared here"))


def wrong_kind(span: Span, what: str, wanted: str, found: str, help: str | None = None) -> Diagnostic:
    return error("wrong-kind", span, f"{what} must be {article(wanted)}, not {article(found)}", f"this is {article(found)}", help)


def wrong_choice(span: Span, what: str, found: object, choices: Sequence[object]) -> Diagnostic:
    texts = [repr(c) for c in choices]
    best = near(str(found), [str(c) for c in choices])
    help_ = f"did you mean \"{best}\"?" if best else f"it takes {listed(texts)}"
    return error("wrong-choice", span, f"{what} cannot be {found!r}", "", help_)


def article(kind: str) -> str:
    if kind.startswith(("a ", "an ", "one of ")) or kind in ("prompts", "tokens", "items", "none", "paths", "weights", "generated prompts", "pooled tokens"):
        return kind
    return ("an " if kind[0] in "aeiou" else "a ") + kind


# **** `use` ****


def use_not_found(span: Span, path: str, known: Sequence[str]) -> Diagnostic:
    found = near(path, known)
    help_ = f"did you mean \"{found}\"?" if found else f"the library has {listed(known)}; a file is named relative to this one"
    return error("use-not-found", span, f"there is no spec \"{path}\"", "not found", help_)


def use_has_errors(span: Span, path: str, count: int, first: Diagnostic) -> Diagnostic:
    return error("use-has-errors", span, f"\"{path}\" has {count} error{'s' if count > 1 else ''} of its own", "", f"line {first.primary.span.line}: {first.message}")


def use_cycle(span: Span, path: str) -> Diagnostic:
    return error("use-cycle", span, f"\"{path}\" uses this file in turn", "a cycle")


def cycle(span: Span, names: Sequence[str]) -> Diagnostic:
    return error("cycle", span, f"`{names[0]}` depends on itself: {' -> '.join(names)}", "part of the cycle")


def unused(span: Span, keyword: str, name: str) -> Diagnostic:
    return warning("unused", span, f"{keyword} `{name}` is never used", "declared here", "use it, or remove it")


def unused_binder(span: Span, name: str) -> Diagnostic:
    return warning("unused-binder", span, f"`for {name}` changes nothing: the expression does not depend on `{name}`", "not used",
                   "every row of this axis would be the same")  # fmt: skip


# **** models, `on`, `under` ****


def model_open(span: Span, models: Sequence[str]) -> Diagnostic:
    if not models:
        return error("model-open", span, "this reads a model, and the file declares none", "on which model?", "declare one: `model m = zoo(\"base\")`")
    return error("model-open", span, "this reads a model, but not which", "on which model?", f"write `… on {models[0]}`, or `for m in [{', '.join(models)}]`")


def nothing_open(span: Span, operator: str, what: Span | None) -> Diagnostic:
    if operator == "on":
        return error("nothing-to-bind", span, "`on` binds nothing: this expression reads no model that is still open", "binds nothing",
                     "remove it, or write it directly behind the expression that reads the model", (what, "already bound, or reads no model"))  # fmt: skip
    return error("nothing-to-bind", span, "`under` changes nothing: this expression reads no model that is still open", "changes nothing",
                 "`under` stands before `on`: `f under i on m`", (what, "already bound, or reads no model"))  # fmt: skip


def one_side_bound(span: Span, bound: Span, open_: Span) -> Diagnostic:
    return warning("one-side-bound", span, "one side of this is bound by its own `on`, the other by the statement", "are both meant?",
                   "write `on` behind both, or parentheses around the whole", (bound, "bound here"))  # fmt: skip


def not_in_prompts(span: Span, acts: str, reads: str, second: Span | None = None) -> Diagnostic:
    return error("intervention-elsewhere", span, f"this acts on tokens of `{acts}`, but the expression runs on `{reads}`", f"tokens of `{acts}`",
                 f"name tokens of `{reads}`", (second, f"runs on `{reads}`"))  # fmt: skip


def edits_collide(span: Span, place: str) -> Diagnostic:
    return error("edits-collide", span, f"two interventions write {place}", "second", "give them different places, or choose one")


# **** sites and tokens ****


def site_without_tokens(span: Span, name: str) -> Diagnostic:
    return error("site-without-tokens", span, f"`{name}` is a site; an activation is a site `at` tokens", "at which tokens?", f"write `{name} at p.last`, with your prompts for `p`")


def tokens_left_of_at(span: Span) -> Diagnostic:
    return error("at-turned-around", span, "the site stands before `at`, the tokens behind it", "these are tokens", "turn them around: `site at tokens`")


def site_needs_index(span: Span, name: str, indices: Sequence[str]) -> Diagnostic:
    return error("site-index", span, f"`{name}` needs {' and '.join(indices)}", "", f"write `{name}[{', '.join(indices)}]`")


def site_index_count(span: Span, name: str, indices: Sequence[str], found: int) -> Diagnostic:
    wants = f"takes [{', '.join(indices)}]" if indices else "takes no index"
    return error("site-index", span, f"`{name}` {wants}, not {found} ind{'ices' if found != 1 else 'ex'}")


def layer_out_of_range(span: Span, layer: int, count: int, model: str) -> Diagnostic:
    return error("layer-out-of-range", span, f"{model} has layers 0 to {count - 1}, not {layer}", "out of range", "layers are 0-based blocks; `resid_pre[0]` is what enters the first")


def unknown_segment(span: Span, prompts: str, name: str, segments: Sequence[str]) -> Diagnostic:
    found = near(name, [*segments, "first", "last", "all"])
    help_ = f"did you mean `{prompts}.{found}`?" if found else f"it has {listed(segments) or 'no segments'}, and first, last, bos, template, all, tokens"
    return error("unknown-segment", span, f"`{prompts}` has no segment `{name}`", "not found", help_, replacement=found)


def target_as_tokens(span: Span, prompts: str, name: str) -> Diagnostic:
    return error("target-as-tokens", span, f"`{name}:` of `{prompts}` is what measures look for; it is not part of the prompt", "has no tokens here", "name a segment of the prompt, or `last`")


def no_target(span: Span, operation: str, prompts: str, target: str, declared: Span | None) -> Diagnostic:
    return error("no-answer", span, f"`{operation}` looks for `{target}:`, which `{prompts}` does not have", "", f"add `{target}: \"…\"` to the prompts, or name a text", (declared, "declared here"))


def tokens_not_pooled(span: Span, what: str) -> Diagnostic:
    return error("tokens-not-pooled", span, f"{what} reads many tokens, and they are not pooled", "several tokens", "add `.mean`, or name one token, as in `.last`")


def pool_in_edit(span: Span) -> Diagnostic:
    return error("pool-in-edit", span, "an edit acts at tokens, not at a pool of them", "pooled", "drop the `.mean`: every token of them is edited")


def reserved_segment(span: Span, name: str) -> Diagnostic:
    return error("reserved-segment", span, f"a segment cannot be called `{name}`", "has a meaning of its own", "choose another name")


def mixed_segments(span: Span, name: str, first: Span | None) -> Diagnostic:
    return error("mixed-segments", span, "raw segments and chat messages cannot be mixed in one prompt", "", "make all of them messages (`user.name: …`), or none", (first, "the other kind"))


def segment_twice(span: Span, name: str, first: Span | None) -> Diagnostic:
    return error("segment-twice", span, f"there are two segments `{name}`", "second", "rename one: `user.question`, `user.frame`", (first, "first here"))


def unknown_role(span: Span, role: str, roles: Sequence[str]) -> Diagnostic:
    return error("unknown-role", span, f"`{role}` is no role of a chat message", "", f"roles are {listed(roles)}")


def wrong_sides(span: Span, found: Sequence[str]) -> Diagnostic:
    return error("wrong-sides", span, "a contrast has the sides `positive` and `negative`", f"found {listed(found)}")


def sides_differ(span: Span, name: str, side: str) -> Diagnostic:
    return error("sides-differ", span, f"only one side of the contrast has a segment `{name}`", f"the {side} side has none", "both sides need the same segments in the same order")


def same_sides(span: Span, name: str) -> Diagnostic:
    return error("same-sides", span, f"both sides of `{name}` have the same text", "no contrast")


def empty_prompts(span: Span, name: str) -> Diagnostic:
    return error("empty-prompts", span, f"`{name}` has no text to run on", "", "add a segment such as `text: \"…\"` or `user: \"…\"`")


def unknown_column(span: Span, column: str, dataset: str, columns: Sequence[str]) -> Diagnostic:
    found = near(column, columns)
    help_ = f"did you mean `{found}`?" if found else f"it has {listed(columns)}"
    return error("unknown-column", span, f"`{dataset}` has no column `{column}`", "not found", help_)


def column_without_source(span: Span, column: str, prompts: str) -> Diagnostic:
    return error("column-without-source", span, f"`{{{column}}}` is filled from a dataset, and `{prompts}` has none", "", f"write `prompts {prompts} from …`, or {{{{ and }}}} for plain braces")


def unused_source(span: Span, prompts: str) -> Diagnostic:
    return warning("unused-source", span, f"no text of `{prompts}` uses a column of its dataset: every item gives the same prompt", "", "write `{column}` in a segment, or drop `from`")


# **** axes ****


def unknown_axis(span: Span, name: str, axes: Sequence[str], what: str = "this value") -> Diagnostic:
    found = near(name, axes)
    help_ = f"did you mean `{found}`?" if found else (f"it has {listed(axes)}" if axes else "it has no axes")
    return error("unknown-axis", span, f"{what} has no axis `{name}`", "not an axis of it", help_, replacement=found)


def unknown_label(span: Span, axis: str, label: str, labels: Sequence[str]) -> Diagnostic:
    found = near(label, labels)
    help_ = f"did you mean `{found}`?" if found else f"it has {listed(labels)}"
    return error("unknown-label", span, f"axis `{axis}` has no label {label}", "not on the axis", help_)


def axes_differ(span: Span, name: str, left: str, right: str, second: tuple[Span | None, str] | None = None) -> Diagnostic:
    return error("axes-differ", span, f"two values are joined over `{name}`, but over different labels: {left} and {right}", "do not fit", "select one side, or use one list for both", second)


def unpaired(span: Span, left: str, right: str) -> Diagnostic:
    return error("unpaired", span, f"items of `{left}` and of `{right}` are different items and cannot be paired", "unpaired",
                 "reduce each side first (`mean(a) - mean(b)`), or read both from one dataset")  # fmt: skip


def no_items(span: Span, operation: str) -> Diagnostic:
    return error("no-items", span, f"`{operation}` reduces items, and this value has none", "no items", "name an axis: `over=…`")


def no_side(span: Span, operation: str) -> Diagnostic:
    return error("no-side", span, f"`{operation}` compares the two sides of a contrast, and this value has no sides", "no `side` axis", "read it at tokens of a contrast, both sides")


def side_left(span: Span, name: str) -> Diagnostic:
    return error("side-left", span, f"`{name}` still has both sides of a contrast", "two sides", "select one, `[side=positive]`, or compare them with `mean_diff`")


def nothing_to_choose(span: Span) -> Diagnostic:
    return error("bad-range", span, "this range is empty", "start is after the end")


def mixed_list(span: Span, first: str, other: str) -> Diagnostic:
    return error("mixed-list", span, f"a list holds values of one kind, not {article(first)} and {article(other)}", "of another kind")


def not_a_list(span: Span, found: str) -> Diagnostic:
    return error("not-a-list", span, f"`for … in` walks a list, a range or tokens, not {article(found)}", "cannot be walked", "put it into brackets: `[…]`")


def bad_operands(span: Span, operator: str, left: str, right: str, help: str | None = None) -> Diagnostic:
    return error("bad-operands", span, f"`{operator}` cannot join {article(left)} and {article(right)}", "", help)


def unknown_attribute(span: Span, kind: str, name: str, known: Sequence[str]) -> Diagnostic:
    found = near(name, known)
    help_ = f"did you mean `.{found}`?" if found else (f"it has {listed(known)}" if known else None)
    return error("unknown-attribute", span, f"{article(kind)} has no `.{name}`", "not found", help_, replacement=found)


def attribute_of_record(span: Span, name: str, second: str) -> Diagnostic:
    return error("wrong-kind", span, f"`{name}` is a test and has several numbers", "which of them?", f"write `{name}.p`, `{name}.adjusted`, `{name}.value` or another of {second}")


# **** what means nothing ****


def claim_not_boolean(span: Span, found: str) -> Diagnostic:
    return error("claim-not-boolean", span, f"a claim is true or false; this is {article(found)}", "", "compare it: `… > 0.05`")


def claim_has_items(span: Span) -> Diagnostic:
    return error("claim-has-items", span, "a claim is one verdict, and this still has items", "", "reduce it first: `mean(…)`")


def z_from_few(span: Span, count: int) -> Diagnostic:
    return warning("z-from-few-seeds", span, f"a z score from {count} null draw{'s' if count > 1 else ''} says nothing of the tail", f"{count} draws",
                   "use at least 5 seeds, and report the empirical p, which cannot be below " + f"{1 / (count + 1):.2g} here")  # fmt: skip


def test_of_booleans(span: Span, popmean: float) -> Diagnostic:
    return warning("test-of-booleans", span, f"this tests values that are 0 or 1 against {popmean:g}: the p-value says nothing about them", "",
                   "use `sign_test(x, p=0.5)`, or test the difference itself with `sign_flip`")  # fmt: skip


def in_sample(span: Span, dataset: str) -> Diagnostic:
    return warning("in-sample", span, f"this is evaluated on the rows of `{dataset}` that it was fitted on", "fitted here",
                   "split the items (`dataset fit, test = split(…)`), fit on one part and read on the other")  # fmt: skip


def never_significant(span: Span, smallest: float, cells: int) -> Diagnostic:
    return warning("never-significant", span, f"no cell can pass: the smallest p this can give is {smallest:.2g} after correction over {cells} cells", "",
                   "use more permutations or items, or a smaller family")  # fmt: skip


def nonlinear_over_items(span: Span, name: str) -> Diagnostic:
    return warning("nonlinear-over-items", span, f"`{name}` of a value that still has items is taken item by item", "",
                   "reduce the items first if one number is meant")  # fmt: skip


def sampled_default(span: Span, name: str) -> Diagnostic:
    return warning("sampled-default", span, f"`{name}` is left to its default", "")
