"""Explanations: models, `on` and `under`."""

from __future__ import annotations

from .entry import Explanation

MODELS: dict[str, Explanation] = {
    "model-open": Explanation(
        "an expression reads a model, and nothing says which",
        "With one model in the file it is that one. With several, the statement's `for` walks them, or `on` names one.",
        'model n = zoo("sft")\nstatistic s = mean(prob(p))',
        'model n = zoo("sft")\nstatistic s = mean(prob(p)) on n',
    ),
    "nothing-to-bind": Explanation(
        "`on` or `under` stands behind an expression that reads no open model",
        "Binding reaches into open values only: a statistic, or what is already bound, keeps its own model.",
        'model n = zoo("sft")\nstatistic a = mean(prob(p)) on m\nstatistic b = a on n',
        'model n = zoo("sft")\nlet a = mean(prob(p))\nstatistic b = a on n',
    ),
    "one-side-bound": Explanation(
        "one side of a sum has its own `on`, the other takes the statement's model",
        "`on` binds tightly: `a - b on m` is `a - (b on m)`.",
        'model n = zoo("sft")\nstatistic s = mean(prob(p)) - mean(prob(p)) on n for v in [m, n]',
        'model n = zoo("sft")\nstatistic s = mean(prob(p)) on m - mean(prob(p)) on n',
    ),
    "intervention-elsewhere": Explanation(
        "an intervention acts on tokens of other prompts than the expression runs on",
        "It would change nothing: the tokens it names are not in this run.",
        'prompts r from d { body: "Say {q}" answer: "{a}" }\n'
        'statistic s = mean(prob(p) under ablate(mlp[3] at r.last, "zero"))',
        'statistic s = mean(prob(p) under ablate(mlp[3] at p.last, "zero"))',
    ),
    "edits-collide": Explanation(
        "two interventions write the same place",
        "The result would depend on their order. `in_order=true` says that it is meant. Several `steer` at one place "
        "are added up, in whatever order, and need not say so. Where two meet in some prompts or cells only, as tokens "
        "with a text or swept layers may, these cells are empty. One in the prompt and one in the response (`during=`) "
        "do not meet.",
        'statistic s = mean(prob(p) under [scale(mlp[3] at p.last, 2), ablate(mlp[3] at p.last, "zero")])',
        'statistic s = mean(prob(p) under [scale(mlp[3] at p.last, 2), ablate(mlp[4] at p.last, "zero")])',
    ),
    "tokens-and-during": Explanation(
        "an intervention names tokens, and a scope that stands for others",
        'While a text is written, `during="response"` means the tokens that are written, and "predicting" those at '
        'which tokens are chosen; tokens of the prompt have no part in that. "prompt" is the tokens that are named, '
        'and "all" these and every token that is written.',
        'statistic s = generate(p).response under scale(mlp[3] at p.last, 0, during="response")',
        'statistic s = generate(p).response under scale(mlp[3] at p.all, 0, during="response")',
    ),
    "no-vector-for-response": Explanation(
        "an intervention has a vector for each token of a prompt, and is to act at tokens that are written",
        "Tokens of two prompts correspond by their segment and their place in it; a token that is written has no such "
        "counterpart. One vector, of a single token or of a pool, can be put in everywhere.",
        'statistic s = generate(p).response under ablate(mlp[3] at p.body, "resample", during="all")',
        'statistic s = generate(p).response under ablate(mlp[3] at p.last, "resample", during="all")',
    ),
    "endpoint-is-closed": Explanation(
        "an endpoint is used as if it ran here",
        "A server gives the text of an answer and the probabilities of its first tokens. It can judge texts; its"
        " layers, its weights and its logits are not to be had.",
        'model grader = endpoint("grader")\nstatistic s = mean(prob(p)) on grader',
        'model grader = endpoint("grader")\nstatistic s = mean(judge(d.q, rubric="Is it kind?") on grader)',
    ),
}
