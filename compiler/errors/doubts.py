"""Messages about what can be computed and means nothing, or not what it seems to."""

from __future__ import annotations

from collections.abc import Sequence

from ...grammar.diagnostics import Diagnostic
from ...grammar.tree import Span
from .base import article, error, listed, warning


def claim_not_boolean(span: Span, found: str) -> Diagnostic:
    return error(
        "claim-not-boolean", span, f"a claim is true or false; this is {article(found)}", "", "compare it: `… > 0.05`"
    )


def claim_has_items(span: Span) -> Diagnostic:
    return error(
        "claim-has-items", span, "a claim is one verdict, and this still has items", "", "reduce it first: `mean(…)`"
    )


def z_from_few(span: Span, count: int) -> Diagnostic:
    return warning(
        "z-from-few-seeds",
        span,
        f"a z score from {count} null draw{'s' if count > 1 else ''} says nothing of the tail",
        f"{count} draws",
        "use at least 5 seeds, and report the empirical p, which cannot be below " + f"{1 / (count + 1):.2g} here",
    )


def test_of_booleans(span: Span, popmean: float) -> Diagnostic:
    return warning(
        "test-of-booleans",
        span,
        f"this tests values that are 0 or 1 against {popmean:g}: the p-value says nothing about them",
        "",
        "use `binomial(x, p=0.5)`, or test the difference itself with `sign_flip`",
    )


def chosen_in_sample(span: Span, name: str) -> Diagnostic:
    return warning(
        "in-sample",
        span,
        f"this is read at a label that was chosen on the rows of `{name}` that it is read on",
        "the rows it was chosen on",
        "the best of several is too good on the rows that chose it: choose on one part of a `split`, read on the other",
    )


def in_sample(span: Span, dataset: str) -> Diagnostic:
    return warning(
        "in-sample",
        span,
        f"this is evaluated on the rows of `{dataset}` that it was fitted on",
        "the rows it was fitted on",
        "split the items (`dataset fit, test = split(…)`), fit on one part and read on the other",
    )


def never_significant(span: Span, smallest: float, cells: int) -> Diagnostic:
    return warning(
        "never-significant",
        span,
        f"no cell can pass: the smallest p this can give is {smallest:.2g} after correction over {cells} cells",
        "",
        "use more permutations or items, or a smaller family",
    )


def claim_out_of_reach(span: Span, smallest: float, asked: float, draws: int, cells: int) -> Diagnostic:
    family = f" over a family of {cells} cells" if cells > 1 else ""
    return warning(
        "claim-out-of-reach",
        span,
        f"no data can make this true: with {draws} draws of the null{family} the smallest p is {smallest:.2g},"
        f" and this asks for {asked:g}",
        "",
        "draw more seeds or permutations, or test fewer cells together",
    )


def nonlinear_over_items(span: Span, name: str) -> Diagnostic:
    return warning(
        "nonlinear-over-items",
        span,
        f"`{name}` of a value that still has items is taken item by item",
        "",
        "reduce the items first if one number is meant",
    )


def claim_many_verdicts(span: Span, axes: Sequence[str]) -> Diagnostic:
    shown = listed(f"`{a}`" for a in axes)
    return warning(
        "claim-many-verdicts",
        span,
        f"this claim has a verdict for each {shown}",
        "not one verdict",
        f"select one (`[{axes[0]}=…]`), join them with `all(…)` or `any(…)`, or say `for {axes[0]} in …`",
    )


def nothing_to_permute(span: Span) -> Diagnostic:
    return error(
        "nothing-to-permute",
        span,
        "swapping the sides of a contrast changes nothing here: no mean of one side is in it",
        "no `mean_diff` in it",
        "permute a statistic that compares the sides with `mean_diff`",
    )


def nothing_to_resample(span: Span) -> Diagnostic:
    return error(
        "nothing-to-resample",
        span,
        "no items went into this value, so there is nothing to draw again",
        "no items in it",
        "the interval of a single run comes from seeds or samples",
    )


def same_operands(span: Span, operator: str) -> Diagnostic:
    return warning(
        "same-operands",
        span,
        f"both sides of `{operator}` are the same value",
        "twice the same",
        "one of them was meant to be another",
    )


def one_side_filtered(span: Span, filtered: Span) -> Diagnostic:
    return warning(
        "one-side-filtered",
        span,
        "the condition in brackets holds for one side only",
        "are both sides meant?",
        "write parentheses around both, `(a - b)[…]`",
        (filtered, "only this side is restricted"),
    )


def sides_averaged(span: Span, name: str) -> Diagnostic:
    return warning(
        "sides-averaged",
        span,
        f"`{name}` averages both sides of the contrast",
        "two sides",
        "select one, `[side=positive]`, compare them with `mean_diff`, or say `over=side`",
    )


def self_judged(span: Span, model: str) -> Diagnostic:
    return warning(
        "self-judged",
        span,
        f"`{model}` judges the text that it wrote itself",
        "judge and writer are one model",
        "say who wrote it, and who judges: `judge(r.response on m, …) on grader`",
    )


def score_without_reply(span: Span, prompts: str) -> Diagnostic:
    return warning(
        "score-without-reply",
        span,
        f"a reward model scores a dialogue, and `{prompts}` ends without an answer",
        "",
        "add an `assistant:` message",
    )


def rewrites_mixed_up(span: Span, name: str, wanted: int, found: int) -> Diagnostic:
    return error(
        "rewrites-mixed-up",
        span,
        f"`{name}` of `rate` holds texts after {wanted} rewrite{'s' if wanted != 1 else ''}, and these have {found}",
        "",
        "`original`, `once` and `twice` are the text, its rewrite, and the rewrite of that",
    )


def teacher_prompt_kept(span: Span, prompts: str) -> Diagnostic:
    return warning(
        "teacher-prompt-kept",
        span,
        f"the student is trained on `{prompts}`, with the system prompt its teacher answered under",
        "the teacher's own prompts",
        "train on prompts without it, so that the trait is not in the data as text",
    )


def raw_scale(span: Span, what: str, axis: str) -> Diagnostic:
    return warning(
        "raw-scale",
        span,
        f"{what} across `{axis}` compares lengths that grow and shrink with the model's activations",
        "a raw length",
        'divide by `mean(norm(…))` of the activations, or steer with `unit="residual_norm"`',
    )


def null_of_another_norm(span: Span) -> Diagnostic:
    return warning(
        "null-of-another-norm",
        span,
        "one scale is for directions of norm one and for others that are as long as they came",
        "pushed unequally far",
        'write `unit="unit"` here, `unit(d)` in the list, or a null as long: `norm(d) * random_unit(like=d, …)`',
    )


def written_and_read_under(span: Span) -> Diagnostic:
    return warning(
        "written-and-read-under",
        span,
        "one `under` edits both the writing of this text and its reading",
        "read under the intervention, too",
        "for a clean reading put `under` around the text alone: `cross_entropy(reply under steer(…)) on m`; where both"
        " are meant, say `reread=true`",
    )


def direction_of_another_model(span: Span, there: str, here: str) -> Diagnostic:
    return warning(
        "direction-of-another-model",
        span,
        f"a direction that was read in `{there}` is added to `{here}`, with the length that it had in the other",
        f"edits `{here}`",
        'say with `on` which model is meant; `unit="residual_norm"` gives a transfer that is meant a length here',
    )


def graft_of_itself(span: Span, model: str) -> Diagnostic:
    return warning(
        "graft-of-itself",
        span,
        f"this graft takes weights of `{model}`, and it is `{model}` that runs: nothing changes",
        "",
        "run another model: `… under graft(a, …) on b`",
    )


def samples_alike(span: Span, samples: int) -> Diagnostic:
    return warning(
        "samples-alike",
        span,
        f"{samples} samples at temperature 0 are {samples} times the same text",
        "nothing is drawn",
        "write `temperature=1.0`, or `samples=1`",
    )


def rubric_not_filled(span: Span, name: str) -> Diagnostic:
    return warning(
        "rubric-not-filled",
        span,
        f"the judge reads `{{{name}}}` as it stands: a rubric is filled in only where it has `{{text}}`",
        "",
        "write `{text}` where the text stands; columns are filled in beside it",
    )


def rubric_of_another_scale(span: Span, written: str, scale: str) -> Diagnostic:
    return warning(
        "rubric-of-another-scale",
        span,
        f"the rubric asks for a number from {written}, and the score is taken on {scale}",
        "two scales",
        "name one range in both",
    )


def keeps_all_or_none(span: Span) -> Diagnostic:
    return warning(
        "keeps-all-or-none",
        span,
        "this condition is the same for every item: `keep` takes all of them, or none",
        "one value, and not one per item",
        "compare a value of each item: a column, or a measure that is not reduced",
    )


def constant_attribute(span: Span, value: object) -> Diagnostic:
    return error(
        "constant-attribute",
        span,
        f"every item has the same attribute here ({str(value).lower()}): there is nothing to compare",
        "constant",
        "name a column, or a condition over one",
    )
