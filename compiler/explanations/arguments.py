"""Explanations: arguments of operations and of declarations."""

from __future__ import annotations

from .entry import Explanation

ARGUMENTS: dict[str, Explanation] = {
    "unknown-argument": Explanation(
        "the operation has no argument of this name",
        "A misspelt option would otherwise be its default in silence.",
        "statistic s = mean(reciprocal_rank(p, max=100))",
        "statistic s = mean(reciprocal_rank(p, max_rank=100))",
    ),
    "too-many-arguments": Explanation(
        "more values without a name than the operation takes",
        "Options are always named, so that a spec can be read without the manual.",
        'statistic s = reciprocal_rank(p, " x", 100)',
        'statistic s = reciprocal_rank(p, " x", max_rank=100)',
    ),
    "argument-twice": Explanation(
        "one argument is given twice",
        "Only one of the two could count.",
        "statistic s = quantile(prob(p), 0.5, q=0.9)",
        "statistic s = quantile(prob(p), 0.5)",
    ),
    "missing-argument": Explanation(
        "an argument without a default is missing",
        "Where papers and their code differ there is no silent choice.",
        "statistic s = quantile(prob(p))",
        "statistic s = quantile(prob(p), 0.5)",
    ),
    "needs-arguments": Explanation(
        "a declaration with parameters stands without arguments",
        "`f(x)` is one of many; `f` alone is none of them.",
        "let f(k) = mean(prob(p)) * k\nstatistic s = f",
        "let f(k) = mean(prob(p)) * k\nstatistic s = f(2)",
    ),
    "takes-no-arguments": Explanation(
        "a declaration without parameters is given arguments",
        "Add parameters to it, or take the arguments away.",
        "let f = mean(prob(p))\nstatistic s = f(2)",
        "let f(k) = mean(prob(p)) * k\nstatistic s = f(2)",
    ),
    "wrong-arguments": Explanation(
        "arguments do not fit a declaration's parameters",
        "They are matched by place or by name, each once.",
        "let f(k) = mean(prob(p)) * k\nstatistic s = f(2, 3)",
        "let f(k) = mean(prob(p)) * k\nstatistic s = f(2)",
    ),
    "wrong-kind": Explanation(
        "a value is of another kind than what is needed here",
        "Kinds are what keeps a site from being read as numbers and a test from being averaged. The message says "
        "what is "
        "needed and what it found.",
        "statistic s = norm(prob(p))",
        "statistic s = norm(mean(resid_post[3] at p.last))",
    ),
    "option-varies": Explanation(
        "an option is one plain value, and what is written varies over an axis",
        "An option says how something is computed, so each of its values is a computation of its own. A sweep over"
        " values that the spec writes, `for k in [2, 4]`, computes one for each; layers that only the model tells, or"
        " numbers that are computed, cannot be an option.",
        "statistic s = quantile(prob(p), layer / 10) for layer",
        "statistic s = quantile(prob(p), share) for share in [0.1, 0.5]",
    ),
    "wrong-choice": Explanation(
        "an option is none of those that there are",
        "Each is documented with the operation.",
        'statistic s = sign_flip(prob(p), alternative="bigger")',
        'statistic s = sign_flip(prob(p), alternative="greater")',
    ),
    "out-of-range": Explanation(
        "a number lies outside what the argument can be",
        "Counts start at 1, shares lie between 0 and 1; 80 % is 0.8.",
        "dataset fit, test = split(d, 80)",
        "dataset fit, test = split(d, 0.8)",
    ),
    "needs-under": Explanation(
        "an operation compares an expression with and without an intervention, and there is no `under`",
        "`shift(f under i)` is `f under i - f`.",
        "statistic s = mean(shift(prob(p)))",
        'statistic s = mean(shift(prob(p) under ablate(mlp[3] at p.last, "zero")))',
    ),
}
