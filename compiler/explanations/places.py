"""Explanations: sites, tokens, segments and columns."""

from __future__ import annotations

from .entry import Explanation

PLACES: dict[str, Explanation] = {
    "site-without-tokens": Explanation(
        "a site stands alone where an activation is needed",
        "An activation is a site `at` tokens: papers differ in the token more often than in anything else.",
        "statistic s = resid_post[3]",
        "statistic s = resid_post[3] at p.last",
    ),
    "at-turned-around": Explanation(
        "the tokens stand before `at` and the site behind it",
        "The order is always `site at tokens`.",
        "statistic s = norm(p.last at resid_post[3])",
        "statistic s = norm(resid_post[3] at p.last)",
    ),
    "site-index": Explanation(
        "a site has too few or too many indices",
        "`resid_post[layer]`, `head[layer, h]`; `embed`, `final_norm` and `logits` have none.",
        "statistic s = norm(resid_post at p.last)",
        "statistic s = norm(resid_post[layer] at p.last) for layer",
    ),
    "layer-out-of-range": Explanation(
        "a model has no such layer",
        "Layers are 0-based blocks: `resid_post[0]` is behind the first, and what enters it is `resid_pre[0]`. A "
        "Hugging Face "
        "`hidden_states[l]` is `resid_pre[l]`.",
        "statistic s = norm(resid_post[-1] at p.last)",
        "statistic s = norm(resid_post[layers(1.0)] at p.last)",
    ),
    "unknown-segment": Explanation(
        "the prompts have no segment or column of this name",
        "Tokens are found by the segment or placeholder they were written in, and not by counting.",
        "statistic s = norm(resid_post[3] at p.bdy.last)",
        "statistic s = norm(resid_post[3] at p.body.last)",
    ),
    "target-as-tokens": Explanation(
        "tokens are asked of `answer:` or `wrong:`",
        "These are what measures look for; they are not part of the prompt, so there is nothing to read.",
        "statistic s = norm(resid_post[3] at p.answer)",
        "statistic s = norm(resid_post[3] at p.last)",
    ),
    "no-answer": Explanation(
        "a measure looks for an answer that the prompts do not have",
        'Give the prompts an `answer:` (and `wrong:`), or name a text: `prob(p, " Yes")`.',
        'prompts r from d { body: "{q}" }\nstatistic s = mean(prob(r))',
        'prompts r from d { body: "{q}" }\nstatistic s = mean(prob(r, " Yes"))',
    ),
    "tokens-not-pooled": Explanation(
        "vectors of several tokens are averaged by the way",
        "Pooling over tokens and averaging over items are two things, and which tokens count changes the result.",
        "statistic s = norm(mean_diff(resid_post[3] at c.all))",
        "statistic s = norm(mean_diff(resid_post[3] at c.all.mean))",
    ),
    "pool-in-edit": Explanation(
        "an edit acts at a pool of tokens",
        "Reading can pool; an edit writes each token.",
        'statistic s = mean(prob(p) under ablate(mlp[3] at p.all.mean, "zero"))',
        'statistic s = mean(prob(p) under ablate(mlp[3] at p.all, "zero"))',
    ),
    "reserved-segment": Explanation(
        "a segment has a name that means something else behind the dot",
        "`p.last` is the last token that was written, whatever segments there are.",
        'prompts r { first: "One" }',
        'prompts r { opening: "One" }',
    ),
    "mixed-segments": Explanation(
        "raw segments and chat messages stand in one prompt",
        "Raw segments are joined as written, messages go through the chat template.",
        'prompts r { user: "Hello" tail: " there" }',
        'prompts r { user.body: "Hello" user.tail: " there" }',
    ),
    "segment-twice": Explanation(
        "two segments of one prompt have the same name",
        "Their tokens could not be told apart.",
        'prompts r { user: "Hello" assistant: "Hi" user: "Who?" }',
        'prompts r { user.one: "Hello" assistant: "Hi" user.two: "Who?" }',
    ),
    "unknown-role": Explanation(
        "what stands before the dot of a segment is no role",
        "Roles are system, user, assistant and tool.",
        'prompts r { human.body: "Hello" }',
        'prompts r { user.body: "Hello" }',
    ),
    "like-a-role": Explanation(
        "a raw segment is called nearly like a role, or like what measures look for",
        "`uesr:` is raw text without the chat template, and `anwser:` would be part of the prompt.",
        'prompts r { uesr: "Hello" }',
        'prompts r { user: "Hello" }',
    ),
    "wrong-sides": Explanation(
        "a contrast has other sides than `positive` and `negative`",
        "Their names give every difference its sign: positive minus negative.",
        'contrast e { before: { body: "a" } after: { body: "b" } }',
        'contrast e { negative: { body: "a" } positive: { body: "b" } }',
    ),
    "sides-differ": Explanation(
        "the two sides of a contrast have different segments",
        "Tokens of one side need their counterpart on the other.",
        'contrast e { positive: { frame: "a" body: "b" } negative: { body: "b" } }',
        'contrast e { positive: { frame: "a" body: "b" } negative: { frame: "c" body: "b" } }',
    ),
    "same-sides": Explanation(
        "both sides of a contrast have the same text",
        "Their difference is zero.",
        'contrast e from d { positive: { body: "{q}" } negative: { body: "{q}" } }',
        'contrast e from d { positive: { body: "{q}" } negative: { body: "not {q}" } }',
    ),
    "empty-prompts": Explanation(
        "prompts have no text to run on",
        "`answer:` alone is not part of the prompt.",
        'prompts r from d { answer: "{a}" }',
        'prompts r from d { body: "{q}" answer: "{a}" }',
    ),
    "unknown-column": Explanation(
        "a dataset has no column of this name",
        "`columns=[…]` promises columns, so that a spec can be checked where the file is not; the promise is checked "
        "when it "
        "is read.",
        'prompts r from d { body: "{query}" }',
        'prompts r from d { body: "{q}" }',
    ),
    "column-without-source": Explanation(
        "a text has a placeholder, and the prompts come from no dataset",
        "Doubled braces are plain ones.",
        'prompts r { body: "{q}" }',
        'prompts r from d { body: "{q}" }',
    ),
    "bare-column": Explanation(
        "a text is just the name of a column, without braces",
        "Every item would have this word in its prompt.",
        'prompts r from d { body: "kind" tail: " {q}" }',
        'prompts r from d { body: "{kind}" tail: " {q}" }',
    ),
    "unused-source": Explanation(
        "prompts come from a dataset, and no text of them uses a column",
        "All items give the same prompt: n is not what it seems.",
        'prompts r from d { body: "Hello" answer: "{a}" }',
        'prompts r from d { body: "Hello {q}" answer: "{a}" }',
    ),
    "direction-has-items": Explanation(
        "a direction still has items or tokens",
        "It would be one vector for each, and applied to others it means nothing.",
        "direction v = resid_post[3] at p.last",
        "direction v = mean(resid_post[3] at p.last)",
    ),
}
