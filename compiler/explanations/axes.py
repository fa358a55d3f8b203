"""Explanations: axes, labels, items and operands."""

from __future__ import annotations

from .entry import Explanation

AXES: dict[str, Explanation] = {
    "uneven-list": Explanation(
        "some elements of a list bring an axis of their own, and this would need all of them to have it",
        "`[v, r]`, where `r` has `seed`, is one column for the list and one for the seeds, empty beside `v`. There is "
        "no one mean over `seed`, and no label of the list at which a whole table stands.",
        "direction v = mean(resid_post[3] at p.last)\ndirection r = random_unit(like=v, seed=seed) for seed in 1..5\n"
        "statistic s = norm(arm) for arm in [v, r]\nstatistic t = mean(s, over=seed)",
        "direction v = mean(resid_post[3] at p.last)\ndirection r = random_unit(like=v, seed=seed) for seed in 1..5\n"
        "statistic s = norm(arm) for arm in [v, r]\nstatistic t = mean(s[arm=r], over=seed)",
    ),
    "too-many-cells": Explanation(
        "the axes of a statement multiply to more cells than could be computed",
        "Every model, prompt, direction or intervention that is swept is a run of its own, up to 20,000 in a "
        "statement; numbers and layers may have 200,000,000 cells. Nothing is computed before this is said.",
        "statistic s = mean(prob(p)) * a * b * c for a in 1..1000, b in 1..1000, c in 1..1000",
        "statistic s = mean(prob(p)) * a * b * c for a in 1..10, b in 1..10, c in 1..10",
    ),
    "text-behind-a-text": Explanation(
        "a text would be written behind a text",
        "`generate(p)` is `p` with a response. What answers a text is a prompt of its own, made from the text.",
        "let first = generate(p) on m\nstatistic s = generate(first).response",
        'let first = generate(p) on m\nprompts more from first { body: "{response}" }\n'
        "statistic s = generate(more).response",
    ),
    "samples-of-samples": Explanation(
        "prompts that are made from samples would get samples of their own",
        "There is one axis `sample`: each sample of the first text is answered once.",
        'let first = generate(p, samples=3) on m\nprompts more from first { body: "{response}" }\n'
        "statistic s = generate(more, samples=2).response",
        "let first = generate(p, samples=3, temperature=1.0) on m\n"
        'prompts more from first { body: "{response}" }\n'
        "statistic s = generate(more).response",
    ),
    "unknown-axis": Explanation(
        "a value has no axis of this name",
        "Its axes are those of its `for`, and those of what it is made of.",
        "statistic s = norm(mean_diff(resid_post[layer] at c.last)) for layer\nplot l = line(s, x=depth)",
        "statistic s = norm(mean_diff(resid_post[layer] at c.last)) for layer\nplot l = line(s, x=layer)",
    ),
    "unknown-label": Explanation(
        "an axis has no such label",
        "A selection that finds nothing would leave nothing to average.",
        'statistic s = mean(prob(p, w)) for w in [" yes", " no"]\nstatistic t = s[w=" maybe"]',
        'statistic s = mean(prob(p, w)) for w in [" yes", " no"]\nstatistic t = s[w=" yes"]',
    ),
    "axes-differ": Explanation(
        "two values are joined over one axis with different labels",
        "Cells are matched by label; those without a partner would vanish.",
        "statistic a = mean(prob(p)) * k for k in [1, 2]\nstatistic b = mean(prob(p)) * k for k in [1, 2, 3]\n"
        "statistic s = a - b",
        "statistic a = mean(prob(p)) * k for k in [1, 2]\nstatistic b = mean(logit(p)) * k for k in [1, 2]\n"
        "statistic s = a - b",
    ),
    "unpaired": Explanation(
        "values of different items are joined item by item",
        "Items belong to a dataset: those of another, or of the other part of a split, are not the same ones.",
        'dataset e = file("other.csv", columns=["q"])\nprompts r from e { body: "{q}" answer: " x" }\n'
        "statistic s = mean(prob(p) - prob(r))",
        'dataset e = file("other.csv", columns=["q"])\nprompts r from e { body: "{q}" answer: " x" }\n'
        "statistic s = mean(prob(p)) - mean(prob(r))",
    ),
    "no-items": Explanation(
        "an operation reduces items, or prompts run on them, and there are none",
        "They may have been reduced already. To reduce another axis, name it with `over=`. A `keep` that leaves "
        "nothing gives the same.",
        "statistic s = mean(mean(prob(p)))",
        "statistic s = mean(prob(p))",
    ),
    "condition-over-items": Explanation(
        "a condition tells items apart, and the value has none, or has been reduced over them",
        "One number for all items would be repeated for each item that the condition leaves in, with an interval of no "
        "width. Put the condition on the values per item, inside the mean.",
        "statistic s = mean(prob(p))[rank(p) == 1]",
        "statistic s = mean(prob(p)[rank(p) == 1])",
    ),
    "no-side": Explanation(
        "an operation compares the sides of a contrast, and the value has none",
        "Sides are those of a `contrast`; they are gone after a selection or a mean.",
        "statistic s = norm(mean_diff(resid_post[3] at p.last))",
        "statistic s = norm(mean_diff(resid_post[3] at c.last))",
    ),
    "side-left": Explanation(
        "a direction still has both sides of a contrast",
        "It would be two directions.",
        "direction v = mean(resid_post[3] at c.last, over=item)",
        "direction v = mean_diff(resid_post[3] at c.last)",
    ),
    "bad-range": Explanation(
        "a range or a list to walk is empty",
        "Both ends belong to a range, and the start comes first.",
        "statistic s = mean(prob(p)) * k for k in 5..1",
        "statistic s = mean(prob(p)) * k for k in 1..5",
    ),
    "doubled-label": Explanation(
        "a list to walk has the same label twice",
        "A label names one row: with two of them a mean along the axis counts one twice, and so does a correction.",
        "statistic s = mean(prob(p)) * k for k in [1, 2, 2]",
        "statistic s = mean(prob(p)) * k for k in [1, 2]",
    ),
    "mixed-list": Explanation(
        "a list holds values of different kinds",
        "Its elements become rows of one table.",
        "statistic s = norm(v) for v in [mean_diff(resid_post[3] at c.last), m]",
        "statistic s = norm(v) for v in [mean_diff(resid_post[3] at c.last), mean_diff(mlp[3] at c.last)]",
    ),
    "not-a-list": Explanation(
        "`for … in` walks something that is no list",
        "It walks lists, ranges, tokens, `all_layers`, `choose(…)` and columns.",
        'statistic s = mean(prob(p, w)) for w in " yes"',
        'statistic s = mean(prob(p, w)) for w in [" yes"]',
    ),
    "bad-operands": Explanation(
        "an operator cannot join these two kinds",
        "Numbers with numbers, vectors with vectors of one site's width, tokens with tokens of the same prompts.",
        "statistic s = mean(prob(p)) + mean(resid_post[3] at p.last)",
        "statistic s = mean(prob(p)) + norm(mean(resid_post[3] at p.last))",
    ),
    "unknown-attribute": Explanation(
        "a value has nothing of this name behind the dot",
        "Tests have `.p`, `.adjusted`, `.value`, `.stat`, `.n`; tokens have `.first`, `.last` and pools.",
        "statistic s = sign_test(logit(p)).pvalue",
        "statistic s = sign_test(logit(p)).p",
    ),
    "division-by-zero": Explanation(
        "a written number is divided by zero",
        "Zero that only comes up while computing makes a missing cell with its reason.",
        "statistic s = mean(prob(p)) + 1 / 0",
        "statistic s = mean(prob(p)) + 1 / 2",
    ),
    "number-too-large": Explanation(
        "a written number is too large to compute with",
        "Numbers are 64-bit floats.",
        "statistic s = mean(prob(p)) + 10.0 ** 999",
        "statistic s = mean(prob(p)) + 10.0 ** 9",
    ),
    "null-axes": Explanation(
        "a value and the null that it is compared with do not have the same axes",
        "The null has one more axis, that of its draws; all others must be those of the value.",
        'prompts w { body: "I love it" }\ndirection v = resid_post[3] at w.last\n'
        "direction r = random_unit(like=v, seed=seed) for seed in "
        "1..9\n"
        "statistic s = mean(prob(p) under project_out(x)) for x in [v, r]\nstatistic z = z_score(s, null=s[x=r])",
        'prompts w { body: "I love it" }\ndirection v = resid_post[3] at w.last\n'
        "direction r = random_unit(like=v, seed=seed) for seed in "
        "1..9\n"
        "statistic s = mean(prob(p) under project_out(x)) for x in [v, r]\nstatistic z = z_score(s[x=v], null=s[x=r])",
    ),
}
