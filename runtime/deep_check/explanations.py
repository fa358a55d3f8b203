"""What the codes of the second tier mean: what tokenizers, configs and files tell, why it matters, and an example."""

from __future__ import annotations

from ...compiler.explanations.entry import Explanation

_ITEMS = 'model base = zoo("base")\ndataset items = file("zoo/agreement.jsonl", limit=6)\n'
_ONE = 'model base = zoo("base")\nprompts p { text: "The key near the cabinet" }\n'
_TWO = 'model base = zoo("base")\nmodel other = zoo("sft")\nprompts p { text: "The key near the cabinet" }\n'
_PROMPTS = _ITEMS + 'prompts p from items { body: "{singular}" answer: "{is}" wrong: "{are}" }\n'
_GAP = "statistic gap = mean(logit_diff(p))"
_JUDGED = 'model g = zoo("judge")\ndataset d = file("zoo/agreement.jsonl", limit=6)\nstatistic s = judge(d.singular, '


def _entry(what: str, why: str, wrong: str = "", right: str = "") -> Explanation:
    return Explanation(what, why, wrong, right, alone=True)


EXPLANATIONS: dict[str, Explanation] = {
    "unchecked": _entry(
        "a model or dataset is not on this machine, so what depends on it was not looked at",
        "Checking never downloads. Once the files are here (`hf download ID`, or a first run), the same command looks"
        " at layers, prompts, positions and answers too. Of large datasets a sample of the items is looked at.",
        _ONE.replace('zoo("base")', 'hub("nobody/nothing")') + "statistic far = norm(resid_post[1] at p.last)",
        _ONE + "statistic far = norm(resid_post[1] at p.last)",
    ),
    "file-not-found": _entry(
        "a file that the spec names is not there",
        "Paths are relative to the spec. `columns=[…]` promises a file's columns, so that a spec can be checked where"
        " the file is not; `zoo/…` names data that ships.",
        _PROMPTS.replace("zoo/agreement.jsonl", "agreement.jsonl") + _GAP,
        _PROMPTS + _GAP,
    ),
    "file-not-readable": _entry(
        "a file that the spec names is there, and may not be read",
        "A run reads files as the user who started it. `chmod u+r FILE` lets its owner read it.",
    ),
    "path-outside": _entry(
        "a path leaves the folder of the spec",
        "A spec may come from anybody, so it reads below its own folder only. `--allow-outside` lifts that for one "
        "command.",
        _PROMPTS.replace("zoo/agreement.jsonl", "../agreement.jsonl") + _GAP,
        _PROMPTS + _GAP,
    ),
    "unknown-zoo-model": _entry(
        "there is no model of this name in the zoo",
        "`probe zoo` lists the models that ship, and those that were built on this machine.",
        _ONE.replace('zoo("base")', 'zoo("bass")') + "statistic far = norm(resid_post[1] at p.last)",
        _ONE + "statistic far = norm(resid_post[1] at p.last)",
    ),
    "unknown-zoo-data": _entry(
        "there is no data file of this name in the zoo",
        "`probe zoo` lists them.",
        _PROMPTS.replace("agreement.jsonl", "agreements.jsonl") + _GAP,
        _PROMPTS + _GAP,
    ),
    "unknown-architecture": _entry(
        "it is not known where models of this type keep their sites",
        "A site means the same in every architecture, so each needs one entry in `runtime/sites/architectures.py`.",
    ),
    "bad-model-config": _entry(
        "the config.json of a model is broken, or lacks the sizes that are needed",
        "The folder must be one that transformers can load.",
    ),
    "empty-dataset": _entry(
        "a data file names its columns and has no rows",
        "Nothing could be computed from it.",
    ),
    "not-a-condition": _entry(
        "`keep` was given texts, which are neither true nor false",
        'Compare them: `keep(items, answer == "yes")`.',
    ),
    "not-numbers": _entry(
        "texts of a column meet an operator that takes numbers",
        "A column whose cells are not all numbers is read as text. Compare it with a text, or mend the file.",
        _ITEMS + "statistic s = mean(items.singular > 3)",
        _ITEMS + "statistic s = mean(word_count(items.singular) > 3)",
    ),
    "kinds-differ": _entry(
        "texts are compared with numbers or with truth values, which are never equal",
        "Columns are read as what they hold: numbers where every cell is one, truth values where every cell is true or"
        " false, texts otherwise. The comparison would hold for no item, or for all.",
        _ITEMS + "statistic s = mean(items.singular == 3)",
        _ITEMS + 'statistic s = mean(items.singular == "The cat")',
    ),
    "empty-split": _entry(
        "a part of a split gets no items",
        "The share of a part, times the number of items, is less than one.",
    ),
    "duplicate-key": _entry(
        "the key column has one value in several rows",
        "Items are told apart, paired and split by their keys. Without `key=`, a hash of the row's content is the key.",
        _PROMPTS.replace("limit=6", "limit=6, key=other_number") + _GAP,
        _PROMPTS + _GAP,
    ),
    "missing-key": _entry("the key column is empty in some rows", "An item without a key cannot be paired or split."),
    "constant-labels": _entry(
        "the labels that a classifier is fitted to, or a split is stratified by, are all the same",
        "There is nothing to tell apart: any accuracy would be that of the constant.",
    ),
    "head-out-of-range": _entry(
        "a head that the model does not have",
        "Heads count from 0. `k` and `v` are indexed by key-value heads, of which there may be fewer; `probe sites` "
        "tells.",
        _ONE + "statistic far = norm(v[1, 2] at p.last)",
        _ONE + "statistic far = norm(v[1, 1] at p.last)",
    ),
    "not-a-part": _entry(
        "a graft or gate is given a part of the weights that it cannot exchange",
        "Parts are `attn`, `mlp`, their pieces (`attn.q`, …), `norms` and `embed`. The unembedding is grafted by"
        " `head=`, which says for which tokens.",
        _TWO + "statistic far = entropy(p) under graft(other, parts=[unembed], at=p.all) on base",
        _TWO + "statistic far = entropy(p) under graft(other, parts=[mlp], at=p.all) on base",
    ),
    "no-edge-to-cut": _entry(
        "a knockout hides tokens from others that stand before them",
        "A token sees what stands before it, and itself. Where there is no edge to cut, nothing is changed, and the"
        " effect is 0 whatever the model does.",
        _ONE + "statistic far = entropy(p) under knockout(from=p.last, to=p.first)",
        _ONE + "statistic far = entropy(p) under knockout(from=p.first, to=p.last)",
    ),
    "site-not-in-model": _entry(
        "a site that this architecture does not have",
        "With a parallel residual, attention and MLP read the same input, so there is no `resid_mid`. `probe sites` "
        "lists what a model has.",
    ),
    "sides-of-unequal-length": _entry(
        "the two sides of a contrast differ in their number of tokens",
        "Length is then part of what the contrast measures, and a position on one side is not the same place on the "
        "other: patching between them moves other words. Matched prompts have equal length for every model that reads"
        " them.",
        _ITEMS
        + 'contrast c from items { positive: { body: "{singular}" } negative: { body: "{plural} and the map" } }\n'
        "statistic far = norm(mean_diff(resid_post[1] at c.last))",
        _ITEMS + 'contrast c from items { positive: { body: "{singular}" } negative: { body: "{plural}" } }\n'
        "statistic far = norm(mean_diff(resid_post[1] at c.last))",
    ),
    "unknown-words": _entry(
        "the vocabulary of a model lacks words of a prompt",
        "Word-level tokenizers, as those of the zoo, read every such word as the same unknown token.",
        _ONE.replace("key", "xylophone") + "statistic far = norm(resid_post[1] at p.last)",
        _ONE + "statistic far = norm(resid_post[1] at p.last)",
    ),
    "special-in-text": _entry(
        "a prompt itself writes a special token",
        "Text that comes from data can break out of its message so. Chat templates write their special tokens by "
        "themselves.",
        _ONE.replace("The key", "<|user|>The key") + "statistic far = norm(resid_post[1] at p.last)",
        _ONE + "statistic far = norm(resid_post[1] at p.last)",
    ),
    "double-bos": _entry(
        "a prompt starts with two start tokens",
        "The tokenizer or the chat template adds one, and the text has another. Models read the second as an odd word.",
        _ONE.replace("The key", "<bos><bos>The key") + "statistic far = norm(resid_post[1] at p.last)",
        _ONE + "statistic far = norm(resid_post[1] at p.last)",
    ),
    "no-bos": _entry(
        "a prompt has no start token although the model has one",
        "Its tokenizer does not add it. Models that were trained with a start token park attention there, and the "
        "first token of the text takes over that part.",
    ),
    "no-chat-template": _entry(
        "the prompts are messages, and the model has no chat template",
        "It reads the messages joined by newlines. A base model beside its chat sibling is the usual case, and fine; "
        "`probe tokens` shows what each of them reads.",
    ),
    "chat-template-error": _entry(
        "the model's chat template refuses these messages",
        "Some templates know no system role, or want turns to alternate. Put the system text into the first user "
        "message.",
    ),
    "too-long": _entry(
        "a prompt has more tokens than the model can read",
        "Prompts are never cut, as the cut would be different for each model. Leave such items out with `keep(…)`.",
    ),
    "position-not-found": _entry(
        "a token expression finds nothing in some item",
        "The item's prompt does not have this text, its segment is empty, or its characters all belong to a token "
        "that starts before it.",
        _PROMPTS + 'statistic far = norm(resid_post[1] at tokens(p, "harbor").mean)',
        _PROMPTS + 'statistic far = norm(resid_post[1] at tokens(p, "near").mean)',
    ),
    "answer-of-several-tokens": _entry(
        "what a measure looks for is more than one token behind the prompt",
        "The probability of a next token is that of one token. Mind the leading space: most tokenizers have ` is` as "
        "one token, and `is` as another.",
        _PROMPTS.replace('"{is}"', '"{is} the"') + _GAP,
        _PROMPTS + _GAP,
    ),
    "answer-unknown": _entry(
        "an answer is not in the model's vocabulary",
        "Its token would be the unknown one, whose probability says nothing of the word.",
        _PROMPTS.replace('"{is}"', '" xylophone"') + _GAP,
        _PROMPTS + _GAP,
    ),
    "answers-equal": _entry(
        "the right and the wrong answer are the same token",
        "Their difference is then 0, whatever the model does.",
        _PROMPTS.replace('"{are}"', '"{is}"') + _GAP,
        _PROMPTS + _GAP,
    ),
    "empty-rubric": _entry(
        "a judge is given a rubric without words",
        "It would see the text and nothing that it is asked.",
        _JUDGED + 'rubric=" ", scale="0..10")',
        _JUDGED + 'rubric="Is it kind?", scale="0..10")',
    ),
    "rubric-ends-with-text": _entry(
        "a rubric with `{text}` in it ends with a placeholder",
        "The judge would go on with the text instead of grading it. What is asked for stands at the end.",
        _JUDGED + 'rubric="Rate {text}", scale="0..10")',
        _JUDGED + 'rubric="Rate {text}. Score:", scale="0..10")',
    ),
    "bad-placeholder": _entry(
        "a brace stands alone in a text with placeholders",
        "Placeholders are `{column}`; a literal brace is written twice. A rubric without `{text}` is taken as it is.",
        _JUDGED + 'rubric="Rate {text} as {1}.", scale="0..10")',
        _JUDGED + 'rubric="Rate {text} as {{1}}.", scale="0..10")',
    ),
    "endpoint-not-set-up": _entry(
        "a spec judges with an endpoint that this machine's configuration does not have",
        "A spec has the alias alone; what it means stands in the user's configuration file. A run goes on without it,"
        " and its cells say so.",
        _JUDGED.replace('zoo("judge")', 'endpoint("nobody")') + 'rubric="Is it kind?", scale="0..10")',
        _JUDGED + 'rubric="Is it kind?", scale="0..10")',
    ),
    "bad-config": _entry(
        "the configuration of an endpoint is broken",
        "The file is TOML, with a table `[endpoint.ALIAS]` that has `url` and `model`; `key_env` names the"
        " variable with the key.",
    ),
    "scale-unknown": _entry(
        "the judge's tokenizer cannot write an integer of the scale",
        "Its probability would be that of an unknown word. A smaller scale asks for fewer integers.",
    ),
    "scale-varies": _entry(
        "a judge writes the integers of a scale in other tokens behind one prompt than behind another",
        "The tokens of a score follow from the end of what is asked. Rubrics that end alike give the same ones.",
    ),
    "width-differs": _entry(
        "vectors or weights of two models meet, and have different shapes",
        "A direction of one model means nothing in another of a different width.",
    ),
    "vocabulary-differs": _entry(
        "values of two models meet that cut texts into different tokens",
        "Distributions over different vocabularies cannot be compared (an error). Probabilities, ranks and positions "
        "item by item can be, with care (a warning): one model's token may be two of the other's.",
    ),
    "planned": _entry(
        "an operation is part of the language, and does not run yet",
        "Specs that use it can be written, checked and planned. `probe operations` says which operations run.",
    ),
}
