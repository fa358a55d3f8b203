"""Explanations: syntax, names, and specs that are used."""

from __future__ import annotations

from .entry import Explanation

NAMES: dict[str, Explanation] = {
    "syntax": Explanation(
        "the text is not a statement of the language",
        "Each statement starts with a keyword. A broken statement does not hide the others: they are checked all the "
        "same.",
        "statistic s = mean(prob(p)",
        "statistic s = mean(prob(p))",
    ),
    "too-deep": Explanation(
        "a statement is nested too deeply to be worked on",
        "No experiment needs 150 levels; name parts of it with `let`.",
        "statistic s = " + "(" * 160 + "1" + ")" * 160,
        "let part = (1 + 2) * 3\nstatistic s = part + 1",
        alone=True,
    ),
    "unknown-version": Explanation(
        "the file asks for a version of the language that this program does not know",
        "A spec must mean the same for everybody, so a version is never guessed.",
        "probe 7",
        "probe 1",
        alone=True,
    ),
    "unknown-name": Explanation(
        "a name is declared nowhere that is visible here",
        "A name means a declaration of this file (in any order), a parameter of the declaration it stands in, or an "
        "axis "
        "of its own `for`. Texts are in quotes.",
        "statistic s = mean(prob(pp))",
        "statistic s = mean(prob(p))",
    ),
    "unknown-operation": Explanation(
        "there is no operation of this name",
        "`probe operations` lists them all; packages can add their own.",
        "statistic s = average(prob(p))",
        "statistic s = mean(prob(p))",
    ),
    "unknown-member": Explanation(
        "the spec that is used declares no such name",
        "Names of another spec are reached through its alias.",
        'use "contrasts/framing" as framing\nstatistic s = norm(mean_diff(resid_post[1] at framing.urgent.last))',
        'use "contrasts/framing" as framing\nstatistic s = norm(mean_diff(resid_post[1] at framing.emergency.last))',
    ),
    "unknown-param": Explanation(
        "a value is given for a param that the spec does not have",
        "Params are what may be set from outside, with `-p name=value` or `use … with name = value`.",
        'use "contrasts/framing" as framing with request = "mine.jsonl"',
        'use "contrasts/framing" as framing with requests = "mine.jsonl"',
    ),
    "declared-twice": Explanation(
        "two declarations have one name",
        "Declarations can stand in any order, so the later one cannot win.",
        "let x = 1\nlet x = 2",
        "let x = 1\nlet y = 2",
    ),
    "reserved-name": Explanation(
        "the name already means something in the language",
        "`none`, `default`, `empty`, `all_layers` and `all_heads` are values everywhere. A declaration with "
        "parameters is called, and so are operations: one name cannot be both. A declaration without parameters may "
        "have an operation's name, since `gate` and `gate(…)` are told apart.",
        "let mean(x) = x / 2\nstatistic s = mean(prob(p))",
        "let half(x) = x / 2\nstatistic mean = mean(half(prob(p)))",
    ),
    "binder-without-axis": Explanation(
        "`for x` without `in` walks an axis that is declared or built in, and there is none of this name",
        "`layer` and `head` are built in; others are declared with `axis`, or written out with `in`.",
        "statistic s = mean(prob(p)) * seed for seed",
        "statistic s = mean(prob(p)) * seed for seed in 1..3",
    ),
    "namespace-as-value": Explanation(
        "the name of a used spec stands where a value is needed",
        "A spec holds many declarations; one of them is meant.",
        'use "contrasts/framing" as framing\nstatistic s = mean(entropy(framing))',
        'use "contrasts/framing" as framing\nstatistic s = mean(entropy(framing.eval[side=positive]))',
    ),
    "operation-as-value": Explanation(
        "an operation's name stands without its arguments",
        "Operations are no values: they cannot be handed on.",
        "statistic s = mean(prob)",
        "statistic s = mean(prob(p))",
    ),
    "not-callable": Explanation(
        "something that is no operation is given arguments in parentheses",
        "A selection is written with brackets: `x[axis=label]`.",
        "statistic s = norm(mean(resid_post(3) at p.last))",
        "statistic s = norm(mean(resid_post[3] at p.last))",
    ),
    "cycle": Explanation(
        "a declaration depends on itself",
        "Nothing could be computed first.",
        "statistic a = b + 1\nstatistic b = a + 1",
        "statistic a = mean(prob(p)) + 1\nstatistic b = a + 1",
    ),
    "unused": Explanation(
        "a declaration is used nowhere",
        "Usually a name was meant to stand somewhere and another one does.",
        "let half = 0.5\nlet third = 0.33\nstatistic s = half * 2",
        "let half = 0.5\nstatistic s = half * 2",
        alone=True,
    ),
    "unused-column": Explanation(
        "a derived column is used by no text, condition or plot",
        "A placeholder may have lost its braces.",
        'dataset e = file("e.csv", columns=["q"]) with loud = q\nprompts r from e { body: "{q}, loud" }',
        'dataset e = file("e.csv", columns=["q"]) with loud = q\nprompts r from e { body: "{q}, {loud}" }',
    ),
    "unused-binder": Explanation(
        "the expression does not depend on a name of its `for`",
        "Every row of this axis would be the same; as a rule another name was meant.",
        "statistic s = mean(prob(p)) for weight in 1..3",
        "statistic s = mean(prob(p)) * weight for weight in 1..3",
    ),
    "untyped": Explanation(
        "the checker cannot tell what a result is",
        "This is a gap in the checker, not a mistake of yours: please report the spec.",
    ),
    "use-not-found": Explanation(
        "there is no spec under this path",
        "Paths are relative to the file that uses them, or name a spec of the library.",
        'use "contrasts/framin" as framing',
        'use "contrasts/framing" as framing',
    ),
    "use-has-errors": Explanation(
        "the spec that is used has errors of its own",
        "It is not checked in part: put it right first, with `probe check` on that file.",
        'use "broken" as other',
        'use "contrasts/framing" as other',
    ),
    "use-cycle": Explanation(
        "two specs use each other",
        "A spec is whole without those that use it.",
        'use "itself" as other',
        'use "contrasts/framing" as other',
    ),
}
