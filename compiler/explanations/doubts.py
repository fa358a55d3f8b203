"""Explanations: what can be computed and means nothing, or not what it seems to."""

from __future__ import annotations

from .entry import Explanation

REWRITES = """\
prompts flip from d { user: "Change it: {q}" }
let new = generate(flip) on m
prompts back from new { user: "Change it back: {response}" }
let old = generate(back) on m
prompts a from d { user: "{q}" assistant: "{a}" }
prompts b from new { user: "{q}" assistant: "{response}" }
prompts e from old { user: "{q}" assistant: "{response}" }
"""
SCORES = 'dataset e = file("scores.csv", columns=["r0", "r1", "r2", "w"])\n'

DOUBTS: dict[str, Explanation] = {
    "claim-not-boolean": Explanation(
        "a claim is neither true nor false",
        "A claim states what the paper will say, so that it can fail.",
        "claim works = mean(prob(p))",
        "claim works = mean(prob(p)) > 0.5",
    ),
    "claim-has-items": Explanation(
        "a claim still has items",
        "One verdict per item is not what a paper says.",
        "claim works = prob(p) > 0.5",
        "claim works = mean(prob(p)) > 0.5",
    ),
    "claim-many-verdicts": Explanation(
        "a claim has a verdict for each label of an axis that its `for` does not name",
        "Say which is meant: one label, all of them, any of them, or each.",
        "statistic s = norm(mean_diff(resid_post[layer] at c.last)) for layer\nclaim grows = s > 1",
        "statistic s = norm(mean_diff(resid_post[layer] at c.last)) for layer\nclaim grows = all(s > 1)",
    ),
    "z-from-few-seeds": Explanation(
        "a z score is made from a handful of null draws",
        "The spread of three draws is itself hardly known: z = -145 has been published from three seeds. Report the "
        "empirical "
        "p, which never falls below 1 / (1 + draws).",
        'prompts w { body: "I love it" }\ndirection v = resid_post[3] at w.last\n'
        "direction r = random_unit(like=v, seed=seed) for seed in "
        "1..3\n"
        "statistic z = z_score(mean(prob(p) under project_out(v)), null=mean(prob(p) under project_out(r)))",
        'prompts w { body: "I love it" }\ndirection v = resid_post[3] at w.last\n'
        "direction r = random_unit(like=v, seed=seed) for seed in "
        "1..20\n"
        "statistic z = z_score(mean(prob(p) under project_out(v)), null=mean(prob(p) under project_out(r)))",
    ),
    "test-of-booleans": Explanation(
        "values that are 0 or 1 are tested against a number outside 0 to 1",
        "A t-test of booleans against 50 always rejects; whole tables of such p-values have been printed.",
        "statistic s = t_test(prob(p) > 0.5, popmean=50)",
        "statistic s = binomial(prob(p) > 0.5, p=0.5)",
    ),
    "in-sample": Explanation(
        "something fitted is evaluated on the rows it was fitted on",
        "With more dimensions than rows any labels can be separated, and a direction moves the texts it was made "
        "from. A layer that was chosen as the best on some rows is fitted on them, too. Split the items, fit and "
        "choose on one part, and read on the other.",
        "direction v = mean_diff(resid_post[3] at c.last)\n"
        "statistic s = mean(prob(c[side=positive]) under project_out(v))",
        "dataset fit, test = split(d, 0.5)\n"
        'contrast e from fit { positive: { frame: "I love" body: " {q}" } negative: { frame: "I hate" body: " {q}" } '
        "}\n"
        'prompts r from test { body: "I love {q}" answer: "{a}" }\n'
        "direction v = mean_diff(resid_post[3] at e.last)\nstatistic s = mean(prob(r) under project_out(v))",
    ),
    "never-significant": Explanation(
        "no cell of a test can pass, whatever the data say",
        "A permutation test has a smallest p, and the correction multiplies it by the number of cells.",
        "statistic s = norm(mean_diff(resid_post[l] at c.last)) for l in 0..15\nstatistic t = label_permutation(s, "
        "n=99)",
        "statistic s = norm(mean_diff(resid_post[l] at c.last)) for l in 0..15\nstatistic t = label_permutation(s, "
        "n=9999)",
    ),
    "claim-out-of-reach": Explanation(
        "a claim asks for a smaller p than its null can give",
        "An empirical p is at least 1 / (1 + draws), and the correction for a family multiplies it by its cells. Such "
        "a claim fails on every data, and says nothing.",
        'prompts w { body: "I love it" }\ndirection v = resid_post[3] at w.last\n'
        "direction r = random_unit(like=v, seed=seed) for seed in "
        "1..10\n"
        "statistic z = z_score(mean(prob(p) under project_out(v)), null=mean(prob(p) under project_out(r)))\n"
        "claim k = z.p < 0.05",
        'prompts w { body: "I love it" }\ndirection v = resid_post[3] at w.last\n'
        "direction r = random_unit(like=v, seed=seed) for seed in "
        "1..99\n"
        "statistic z = z_score(mean(prob(p) under project_out(v)), null=mean(prob(p) under project_out(r)))\n"
        "claim k = z.p < 0.05",
    ),
    "nonlinear-over-items": Explanation(
        "a nonlinear reducer is taken item by item",
        "The mean of peaks is not the peak of the mean. Reduce the items first where one number is meant.",
        "statistic s = argmax(norm(resid_post[layer] at p.last), over=layer) for layer",
        "statistic s = argmax(mean(norm(attn[layer] at p.last) / norm(resid_post[layer] at p.last)), over=layer) for "
        "layer",
    ),
    "nothing-to-permute": Explanation(
        "swapping the sides of a contrast changes nothing in this value",
        "The null would equal the value in every draw, and p would be 1.",
        "statistic s = label_permutation(norm(mean(resid_post[3] at p.last)), n=999)",
        "statistic s = label_permutation(norm(mean_diff(resid_post[3] at c.last)), n=999)",
    ),
    "nothing-to-resample": Explanation(
        "no items went into a value that is to be resampled",
        "A prompt without a dataset is one run: its uncertainty comes from seeds, samples or other prompts.",
        'prompts r { body: "Hello" }\nstatistic s = bootstrap(entropy(r))',
        "statistic s = bootstrap(mean(entropy(p)))",
    ),
    "same-operands": Explanation(
        "both sides of a difference, ratio or comparison are the same value",
        "Two equal calls are one value, also when both sample; `seed=` tells draws apart.",
        "statistic s = mean(prob(p)) - mean(prob(p)) > 0 or mean(prob(p)) == mean(prob(p))",
        "statistic s = mean(prob(p)) == mean(logit(p))",
    ),
    "one-side-filtered": Explanation(
        "a condition in brackets holds for one side of a sum only",
        "Brackets bind tightly: `a - b[…]` restricts b alone.",
        'statistic s = mean(prob(p) - logit(p)[d.kind == "x"])',
        'statistic s = mean((prob(p) - logit(p))[d.kind == "x"])',
    ),
    "sides-averaged": Explanation(
        "both sides of a contrast are averaged into one number",
        "That is meant for norms of activations; of what a model answers, the mean over both sides says nothing "
        "about the "
        "contrast.",
        "statistic s = mean(prob(c))",
        "statistic s = mean(prob(c[side=positive])) - mean(prob(c[side=negative]))",
    ),
    "self-judged": Explanation(
        "a model judges the text that it wrote itself",
        "A judge without its own `on` takes the statement's model, so the judge changes with what is judged.",
        'statistic s = mean(judge(generate(p).response, rubric="Is it kind?"))',
        'model grader = zoo("judge")\nlet kind(text) = judge(text, rubric="Is it kind?") on grader\n'
        "statistic s = mean(kind(generate(p).response)) on m",
    ),
    "score-without-reply": Explanation(
        "a reward model is shown a question without an answer",
        "It scores the last message of a dialogue.",
        'prompts r from d { user: "{q}" }\nstatistic s = mean(score(r))',
        'prompts r from d { user: "{q}" assistant: "{a}" }\nstatistic s = mean(score(r))',
    ),
    "rewrites-mixed-up": Explanation(
        "the arguments of `rate` are not the text, its rewrite, and the rewrite of that",
        "The estimator compares what was rewritten once with what was rewritten twice; swapped, its sign turns.",
        REWRITES + 'statistic s = rate(score(a), once=score(e), twice=score(b), treated=d.kind == "x", estimand="ATE")',
        REWRITES + 'statistic s = rate(score(a), once=score(b), twice=score(e), treated=d.kind == "x", estimand="ATE")',
    ),
    "constant-attribute": Explanation(
        "every item has the same attribute",
        "There is no second group. One published script measured a row instead of its text, so that its attribute "
        "was never "
        "true.",
        SCORES + 'statistic s = rate(e.r0, once=e.r1, twice=e.r2, treated=true, estimand="ATE")',
        SCORES + 'statistic s = rate(e.r0, once=e.r1, twice=e.r2, treated=e.w, estimand="ATE")',
    ),
    "teacher-prompt-kept": Explanation(
        "a student is trained on its teacher's system prompt",
        "The trait would stand in the training data as text, and nothing would be passed on in secret.",
        'prompts t from d { system: "You love cats." user: "{q}" }\n'
        "model s = finetune(m, prompts=t, response=generate(t) on m)\nstatistic x = mean(prob(p)) on s",
        'prompts t from d { system: "You love cats." user: "{q}" }\nprompts u from d { user: "{q}" }\n'
        "model s = finetune(m, prompts=u, response=generate(t) on m)\nstatistic x = mean(prob(p)) on s",
    ),
    "raw-scale": Explanation(
        "lengths are compared across models or layers without a scale",
        "Residual norms of one model fell 23-fold over its pretraining, while directions kept their share of them. "
        "The largest "
        "raw length is nearly always a late layer's.",
        "statistic s = norm(mean_diff(resid_post[layer] at c.last)) for layer\nstatistic peak = argmax(s, over=layer)",
        "statistic s = norm(mean_diff(resid_post[layer] at c.last)) / mean(norm(resid_post[layer] at c.last)) for "
        "layer\n"
        "statistic peak = argmax(s, over=layer)",
    ),
    "null-of-another-norm": Explanation(
        "directions of norm one and directions of their own length are added with one scale",
        "A mean difference is often several times as long as a unit vector. The null is then pushed less far than the "
        "direction, and any effect looks special. This is about `steer` in raw units; what `project_out` removes does "
        "not depend on the length.",
        "direction v = mean_diff(resid_post[3] at c.last)\n"
        "direction r = random_unit(like=v, seed=1)\n"
        'prompts w { body: "I love it" answer: " a" }\n'
        "statistic s = prob(w) under steer(arm, scale=8) for arm in [v, r]",
        "direction v = mean_diff(resid_post[3] at c.last)\n"
        "direction r = norm(v) * random_unit(like=v, seed=1)\n"
        'prompts w { body: "I love it" answer: " a" }\n'
        "statistic s = prob(w) under steer(arm, scale=8) for arm in [v, r]",
    ),
    "written-and-read-under": Explanation(
        "one `under` edits both the model that writes a text and the model that reads it",
        "An open `generate` takes the interventions around it, and so does the measure. What is then measured is the "
        "edited model's view of its own texts: neither what the texts are worth to a clean reader, nor what reading "
        "alone would do. Coherence is read clean, with `under` around the text alone. Where the edited model's own "
        "view is meant, `steer(v, reread=true)` says so; it changes no number.",
        'prompts w { body: "I love it" }\ndirection v = unit(mean_diff(resid_post[3] at c.last))\n'
        "let reply = generate(w, max_tokens=5)\nstatistic s = cross_entropy(reply.response) under steer(v)",
        'prompts w { body: "I love it" }\ndirection v = unit(mean_diff(resid_post[3] at c.last))\n'
        "let reply = generate(w, max_tokens=5)\nstatistic s = cross_entropy((reply under steer(v)).response)",
    ),
    "direction-of-another-model": Explanation(
        "a direction that was read in one model is added to another, in raw units",
        "Two models have two residual streams, whose sizes differ. That a direction still means something there is a "
        "finding, and how far it pushes depends on a length that was measured elsewhere. Where a transfer is meant, "
        "give the length in units of the model that is edited.",
        'model n = zoo("sft")\nprompts w { body: "I love it" answer: " a" }\n'
        "direction v = mean_diff(resid_post[3] at c.last) on m\nstatistic s = prob(w) under steer(v) on n",
        'model n = zoo("sft")\nprompts w { body: "I love it" answer: " a" }\n'
        "direction v = mean_diff(resid_post[3] at c.last) on m\n"
        'statistic s = prob(w) under steer(v, unit="residual_norm") on n',
    ),
    "graft-of-itself": Explanation(
        "a graft takes the weights of the model that runs",
        "Nothing is exchanged, and the effect is zero by construction.",
        'model n = zoo("sft")\nstatistic s = prob(p) under graft(n, parts=[mlp], at=p.all) on n',
        'model n = zoo("sft")\nstatistic s = prob(p) under graft(n, parts=[mlp], at=p.all) on m',
    ),
    "samples-alike": Explanation(
        "several samples are taken of a text that nothing is drawn for",
        "At temperature 0, the default, the likeliest token is taken, and every sample is the same text: it costs as "
        "much as several, and its spread is zero.",
        "statistic s = word_count(generate(p, samples=4, max_tokens=5).response)",
        "statistic s = word_count(generate(p, samples=4, max_tokens=5, temperature=1.0).response)",
    ),
    "rubric-not-filled": Explanation(
        "a rubric has braces that nothing is put in for",
        "A rubric with `{text}` in it is the whole question, and its columns are filled in. Any other one is sent as "
        "it stands, braces and all, and the text follows it.",
        'statistic s = judge(d.q, rubric="Rate {txt}.", scale="0..10")',
        'statistic s = judge(d.q, rubric="Rate this: {text} Score:", scale="0..10")',
    ),
    "rubric-of-another-scale": Explanation(
        "a rubric names one range of scores, and `scale` another",
        "The score is the mean of the integers of the scale. What the judge was not asked for gets next to no "
        "probability, and what it was asked for may lie outside.",
        'statistic s = judge(d.q, rubric="Rate from 0 to 10.", scale="0..100")',
        'statistic s = judge(d.q, rubric="Rate from 0 to 10.", scale="0..10")',
    ),
    "keeps-all-or-none": Explanation(
        "the condition of a `keep` is the same for every item",
        "A mean is one value for all items, so that all of them pass or none does. To leave out items, compare a value "
        "that each of them has.",
        "let r = generate(p, max_tokens=5)\n"
        "statistic s = word_count(keep(r, mean(word_count(r.response)) > 3).response)",
        "let r = generate(p, max_tokens=5)\nstatistic s = word_count(keep(r, word_count(r.response) > 3).response)",
    ),
}
