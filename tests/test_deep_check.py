"""The second tier of checks: each finding on a small spec, its place, and silence where nothing is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from probelang import RunOptions, check
from probelang.compiler.explanations import EXPLANATIONS as FIRST_TIER
from probelang.grammar.diagnostics import Diagnostic
from probelang.runtime import deep_check as deep_check_package
from probelang.runtime.deep_check import deep_check
from probelang.runtime.deep_check.explanations import EXPLANATIONS
from probelang.runtime.deep_check.hub_cache import cached_snapshot
from tests.text_tokenizers import byte_level, llama3, metaspace

HEAD = """probe 1
model base = zoo("base")
dataset items = file("zoo/agreement.jsonl", limit=6)
contrast noun from items {
  positive: { body: "{singular}" answer: "{is}" wrong: "{are}" }
  negative: { body: "{plural}"   answer: "{is}" wrong: "{are}" }
}
"""
GAP = "statistic gap = mean(logit_diff(noun.positive))\n"
SIZES = {"num_hidden_layers": 4, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 64}


@pytest.fixture
def deep(tmp_path: Path):
    """Check a text in a folder of its own, and give the findings of the second tier, which is all there are."""

    def findings(text: str, **options) -> list[Diagnostic]:
        (tmp_path / "mine.probe").write_text(text)
        checked = check(tmp_path / "mine.probe", deep=False)
        assert not checked.errors, [d.message for d in checked.errors]
        return deep_check(checked, tmp_path, RunOptions(**options))

    return findings


def model(folder: Path, make=byte_level, **config) -> Path:
    """A model directory with a config and a tokenizer, and no weights."""
    folder.mkdir(exist_ok=True)
    if make is not None:
        make(folder)
    sizes = {"model_type": "llama", "vocab_size": 300, "max_position_embeddings": 64}
    (folder / "config.json").write_text(json.dumps(sizes | SIZES | config))
    return folder


def only(found: list[Diagnostic], code: str, severity: str = "error") -> Diagnostic:
    assert [(d.code, d.severity) for d in found] == [(code, severity)], [(d.code, d.message) for d in found]
    return found[0]


def place(text: str, d: Diagnostic) -> str:
    return text[d.primary.span.start : d.primary.span.end]


def test_a_good_spec_is_silent(deep) -> None:
    text = HEAD + GAP + "statistic far = norm(mean_diff(resid_post[5] at noun.last))\n"
    text += "statistic near = norm(resid_mid[layer] at noun.body.first) for layer in 0..5\n"
    assert deep(text) == []


# **** what is at hand ****


def test_absent_models_and_rows_are_notes(deep) -> None:
    text = HEAD.replace('zoo("base")', 'hub("nobody/nothing", revision=["a", "b"])')
    text = text.replace(
        'file("zoo/agreement.jsonl", limit=6)', 'file("mine.csv", columns=["singular", "plural", "is", "are"])'
    )
    found = deep(text + GAP)
    assert [(d.code, d.severity) for d in found] == [("unchecked", "note")] * 2
    assert "hub(nobody/nothing) in 2 revisions" in found[0].message and place(text, found[0]).startswith("hub(")
    assert place(text, found[1]).startswith('file("mine.csv"')


def test_a_model_of_the_hub_is_found_in_the_cache(deep, tmp_path, monkeypatch) -> None:
    repo = tmp_path / "cache" / "models--some--thing"
    model((repo / "snapshots").mkdir(parents=True) or repo / "snapshots" / "abc")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    assert cached_snapshot("some/thing") == cached_snapshot("some/thing", "abc") == repo / "snapshots" / "abc"
    assert cached_snapshot("some/thing", "v2") is cached_snapshot("some/other") is None
    assert cached_snapshot("some/thing", "../../../x") is None
    text = 'model m = hub("some/thing")\nprompts p { text: "a b" }\nstatistic s = norm(resid_post[4] at p.last)\n'
    assert "layers 0..3" in only(deep(text), "layer-out-of-range").message


def test_unknown_zoo_models_are_errors(deep) -> None:
    text = HEAD.replace('"base"', '"bose"') + GAP
    assert "base" in (only(deep(text), "unknown-zoo-model").help or "")


def test_a_folder_without_a_model(deep, tmp_path) -> None:
    text = HEAD.replace('zoo("base")', 'path("checkpoints/mine")') + GAP
    only(deep(text), "unchecked", "warning")
    (tmp_path.parent / "elsewhere").mkdir(exist_ok=True)
    text = HEAD.replace('zoo("base")', 'path("../elsewhere")') + GAP
    only(deep(text), "path-outside")
    only(deep(text, allow_outside=True), "unchecked", "warning")


def test_missing_and_outside_files(deep, tmp_path) -> None:
    (tmp_path / "nouns.csv").write_text("singular,plural\na,b\n")
    text = HEAD.replace("zoo/agreement.jsonl", "noun.csv") + GAP
    assert "nouns.csv" in (only(deep(text), "file-not-found").help or "")
    only(deep(HEAD.replace("zoo/agreement.jsonl", "../noun.csv") + GAP), "path-outside")
    only(deep(HEAD.replace("zoo/agreement.jsonl", "zoo/noun.csv") + GAP), "unknown-zoo-data")


def test_a_sample_is_said_to_be_one(deep, tmp_path) -> None:
    rows = "".join(f"The key,The keys, is, are{n}\n" for n in range(300))
    (tmp_path / "many.csv").write_text("singular,plural,is,other\n" + rows)
    text = HEAD.replace('"zoo/agreement.jsonl", limit=6', '"many.csv"').replace("{are}", " are") + GAP
    assert "200 of 300 items" in only(deep(text), "unchecked", "note").message


# **** columns and labels ****


def test_columns_that_are_not_there(deep) -> None:
    text = HEAD.replace("{are}", "{ar}", 1) + GAP
    found = only(deep(text), "unknown-column")
    assert found.help == "did you mean `are`?" and place(text, found) == '"{ar}"'


def test_promised_columns_are_held(deep) -> None:
    text = HEAD.replace("limit=6", 'limit=6, columns=["singular", "plural", "is", "are", "were"]') + GAP
    assert "`were`" in only(deep(text), "unknown-column").message


def test_keys_are_unique(deep) -> None:
    text = HEAD.replace("limit=6", "limit=6, key=other_number") + GAP
    only(deep(text), "duplicate-key")


def test_labels_that_are_all_the_same(deep, tmp_path) -> None:
    (tmp_path / "rows.csv").write_text("word,kind\na,x\nb,x\nc,x\n")
    text = 'model base = zoo("base")\ndataset d = file("rows.csv")\nprompts p from d { text: "The {word}" }\n'
    text += 'let c = classifier("logistic", x=resid_post[1] at p.last, y=d.kind, folds=2)\n'
    text += "statistic s = c.accuracy()\n"
    assert "'x' in all 3 rows" in next(d for d in deep(text) if d.code == "constant-labels").message


# **** sites ****


@pytest.mark.parametrize(
    ("statistic", "code"),
    [
        ("norm(resid_post[6] at noun.last)", "layer-out-of-range"),
        ("norm(resid_post[layer] at noun.last) for layer in 2..9", "layer-out-of-range"),
        ("norm(resid_post[layer] at noun.last) for layer in [1, 7]", "layer-out-of-range"),
        ("norm(v[1, 2] at noun.last)", "head-out-of-range"),
        ("mean(logit_diff(noun.positive) under scale(mlp[8] at noun.positive.last, 0))", "layer-out-of-range"),
    ],
)
def test_sites_out_of_range(deep, statistic: str, code: str) -> None:
    text = HEAD + f"statistic s = {statistic}\n"
    found = only(deep(text), code)
    assert place(text, found).split("[")[0] in ("resid_post", "v", "mlp")


def test_sites_that_an_architecture_lacks(deep, tmp_path) -> None:
    model(tmp_path / "neox", model_type="gpt_neox")
    text = 'model m = path("neox")\nprompts p { text: "a b" }\nstatistic s = norm(resid_mid[1] at p.last)\n'
    assert "resid_pre" in (only(deep(text), "site-not-in-model").help or "")
    model(tmp_path / "neox", model_type="mamba")
    only(deep(text), "unknown-architecture")


# **** prompts ****


def test_sides_of_unequal_length(deep) -> None:
    text = (
        HEAD.replace('"{plural}"', '"{plural} and the cabinet"')
        + "statistic s = norm(mean_diff(resid_post[1] at noun.last))\n"
    )
    found = only(deep(text), "sides-of-unequal-length", "warning")
    assert "in 6 of 6 items: item 1 has 6 and 9 tokens" in found.message and place(text, found) == "noun"


def test_unknown_words(deep) -> None:
    found = only(deep(HEAD.replace('"{singular}"', '"{singular} xyzzy"') + GAP), "unknown-words", "warning")
    assert "'xyzzy'" in found.message


def test_start_tokens_twice_and_missing(deep, tmp_path) -> None:
    model(tmp_path / "llama3", llama3)
    text = 'model m = path("llama3")\nprompts p { text: "<|begin_of_text|><|begin_of_text|>a b" }\n'
    text += "statistic s = norm(resid_post[1] at p.last)\n"
    assert "double-bos" in [d.code for d in deep(text)]
    model(tmp_path / "llama3", lambda folder: _without_start(llama3(folder)))
    text = text.replace("<|begin_of_text|>", "")
    only(deep(text), "no-bos", "note")


def _without_start(folder: Path) -> None:
    data = json.loads((folder / "tokenizer.json").read_text())
    data["post_processor"] = None
    (folder / "tokenizer.json").write_text(json.dumps(data))


def test_chats_for_models_without_a_template(deep, tmp_path) -> None:
    model(tmp_path / "plain", lambda folder: metaspace(folder, template=None))
    text = 'model m = path("plain")\nprompts p { user: "a b" }\nstatistic s = norm(resid_post[1] at p.last)\n'
    only(deep(text), "no-chat-template", "note")


def test_prompts_that_do_not_fit(deep, tmp_path) -> None:
    model(tmp_path / "small", max_position_embeddings=4)
    text = 'model m = path("small")\nprompts p { text: "one two three four five" }\n'
    text += "statistic s = norm(resid_post[1] at p.last)\n"
    assert "4 tokens" in only(deep(text), "too-long").message


def test_prompts_that_a_template_refuses(deep, tmp_path) -> None:
    model(tmp_path / "strict", lambda folder: byte_level(folder, template="{{ raise_exception('no system role') }}"))
    text = 'model m = path("strict")\nprompts p { user: "a" }\nstatistic s = norm(resid_post[1] at p.last)\n'
    assert "no system role" in only(deep(text), "chat-template-error").message


# **** tokens and answers ****


def test_token_expressions_that_find_nothing(deep) -> None:
    text = HEAD + 'statistic s = norm(resid_post[1] at tokens(noun, "cabinets").last)\n'.replace(".last", ".mean")
    found = only(deep(text), "position-not-found")
    assert "of 6 items" in found.message and place(text, found) == 'tokens(noun, "cabinets")'


def test_answers_of_several_tokens(deep) -> None:
    text = (
        HEAD.replace(
            'positive: { body: "{singular}" answer: "{is}"', 'positive: { body: "{singular}" answer: "{is} the"'
        )
        + GAP
    )
    found = only(deep(text), "answer-of-several-tokens")
    assert "' is' + ' the'" in found.message and place(text, found) == '"{is} the"'


def test_given_answers(deep) -> None:
    text = HEAD + 'statistic s = mean(choice(noun.positive, [" is"], [" elephantine"]))\n'
    found = only(deep(text), "answer-unknown")
    assert place(text, found).startswith("choice(")
    text = (
        HEAD
        + 'statistic s = mean(prob(lens(resid_post[2] at noun.positive.last), word)) for word in [" is", " are is"]\n'
    )
    only(deep(text), "answer-of-several-tokens")


def test_answers_that_are_equal(deep) -> None:
    only(deep(HEAD.replace('wrong: "{are}"', 'wrong: "{is}"') + GAP), "answers-equal", "warning")


# **** two models ****

TWO = """model a = zoo("base")
model b = path("other")
prompts p { text: "The key" }
"""


def test_models_that_do_not_fit_together(deep, tmp_path) -> None:
    model(tmp_path / "other")
    text = TWO + "statistic s = norm(resid_post[1] at p.last on a - resid_post[1] at p.last on b)\n"
    assert "80 numbers and 32" in only(deep(text), "width-differs").message
    text = TWO + "statistic s = kl(p on a, p on b)\n"
    only(deep(text), "vocabulary-differs")
    text = TWO + "statistic s = norm(weights[mlp.up] on a - weights[mlp.up] on b)\n"
    only(deep(text), "width-differs")
    text = (
        TWO + "direction d = unit(resid_post[1] at p.last) on a\nstatistic s = entropy(p) under project_out(d) on b\n"
    )
    only(deep(text), "width-differs")


def test_models_that_fit_are_silent(deep) -> None:
    text = TWO.replace('path("other")', 'zoo("sft")')
    text += "statistic s = kl(p on a, p on b)\n"
    text += "statistic t = norm(resid_post[1] at p.last on a - resid_post[1] at p.last on b)\n"
    assert deep(text) == []


# **** files that are used ****


def test_findings_in_a_used_file_point_at_the_use(deep, tmp_path) -> None:
    used = 'dataset d = file("zoo/agreement.jsonl", limit=3)\n# a comment\n'
    used += 'prompts p from d { text: "{singular} {verb}" }\n'
    (tmp_path / "parts.probe").write_text(used)
    text = 'model m = zoo("base")\nuse "parts" as parts\nstatistic s = norm(resid_post[9] at parts.p.last)\n'
    found = deep(text)
    assert {d.code for d in found} == {"unknown-column", "layer-out-of-range"}
    inside = next(d for d in found if d.code == "unknown-column")
    assert place(text, inside) == 'use "parts" as parts' and "line 3" in inside.primary.text


def test_the_library_is_clean(tmp_path) -> None:
    library = Path(__file__).parent.parent / "specs"
    for path in sorted(library.rglob("*.probe")):
        assert not check(path).errors, path


# **** explanations ****


@pytest.mark.parametrize("code", [c for c, e in EXPLANATIONS.items() if e.wrong])
def test_examples_show_what_they_explain(deep, code: str) -> None:
    assert code in [d.code for d in deep(EXPLANATIONS[code].wrong + "\n")]
    assert deep(EXPLANATIONS[code].right + "\n") == []


def test_every_code_is_explained() -> None:
    """Codes are literals in the files of the second tier, or those that text, data and sites raise."""
    source = Path(deep_check_package.__file__).parent
    written = {m for f in source.glob("*.py") for m in re.findall(r'"((?:[a-z]+-)+[a-z]+)"', f.read_text())}
    operations = {"next-token", "label-item", "response-text", "keep-pairs", "all-layers", "token-at"}
    known = {*EXPLANATIONS, *FIRST_TIER}
    assert written - operations - {"config-json", "utf-8"} <= known, written - operations - known


def test_a_folder_without_a_model_says_where_it_was_looked_for(deep, tmp_path: Path) -> None:
    text = HEAD.replace('zoo("base")', 'path("models/mine")') + GAP
    for wanted in ("there is no folder `models/mine`", "`models/mine` has no config.json"):
        found = only(deep(text), "unchecked", "warning")
        assert found.message.startswith(wanted) and str(tmp_path / "models/mine/config.json") in found.help
        (tmp_path / "models" / "mine").mkdir(parents=True, exist_ok=True)
    model(tmp_path / "models" / "miné")
    assert only(deep(text), "unchecked", "warning").help == 'did you mean "models/miné"?'


# **** labels of tokens ****

WALKED = HEAD.replace('body: "{singular}"', 'det: "The" body: " {singular}"').replace(
    'body: "{plural}"', 'det: "The" body: " {plural}"'
)
WALKED += "statistic n = mean(norm(resid_post[2] at token)) for token in noun.positive.tokens\n"


def test_labels_of_tokens_that_are_there(deep) -> None:
    assert deep(WALKED + 'claim a = n[token="body[0]"] > 1\nstatistic b = n[token="det[0]"]\n') == []


@pytest.mark.parametrize(
    ("written", "help"),
    [("bdoy[0]", "did you mean `body[0]`?"), ("det[3]", "did you mean `det[0]`?"), ("The", "is `det[0]`"),
     ("singular[0]", "`singular` is a column")],
)  # fmt: skip
def test_labels_of_tokens_that_no_item_has(deep, written: str, help: str) -> None:
    for selected in (f'n[token="{written}"]', f'mean(norm(resid_post[2] at noun.positive.all)[token="{written}"])'):
        text = WALKED + f"claim a = {selected} > 1\n"
        found = only(deep(text), "unknown-label")
        assert place(text, found) == f'"{written}"' and help in found.help


def test_a_label_that_one_side_lacks_is_said(deep) -> None:
    text = WALKED.replace('positive: { det: "The" body:', 'positive: { det: "The " body:')
    text = text.replace("noun.positive.tokens", "noun.tokens") + 'claim a = all(n[token="det[1]"] > 1)\n'
    assert {d.code for d in deep(text)} >= {"unknown-label"}


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [("e.jsonl", "", "empty-file"), ("e.json", "[]", "empty-file"), ("e.csv", "", "empty-file"),
     ("e.csv", "singular,plural,is,are\n", "empty-dataset")],
)  # fmt: skip
def test_a_file_without_rows_is_one_error_at_its_place(deep, tmp_path: Path, name: str, text: str, code: str) -> None:
    (tmp_path / name).write_text(text)
    spec = HEAD.replace('file("zoo/agreement.jsonl", limit=6)', f'file("{name}")') + GAP
    assert place(spec, only(deep(spec), code)) == f'file("{name}")'


NONE = 'singular == "nothing"'
LEFT = HEAD.partition("contrast")[0] + "dataset some = keep(items, {})\n"


@pytest.mark.parametrize(
    ("condition", "end", "code", "severity"),
    [
        (NONE, 'prompts q from some { text: "{singular}" }\nstatistic s = entropy(q)', "no-items", "error"),
        (NONE, "statistic s = mean(word_count(some.singular))", "no-items", "warning"),
        ("singular", "statistic s = mean(word_count(some.singular))", "not-a-condition", "error"),
        ("singular > 3", "statistic s = mean(word_count(some.singular))", "not-numbers", "error"),
        ('singular != "nothing"', "statistic s = mean(word_count(some.singular))", None, None),
    ],
)  # fmt: skip
def test_a_keep_that_leaves_nothing_is_told_at_its_place(deep, condition: str, end: str, code, severity) -> None:
    text = LEFT.replace("{}", condition) + end
    found = deep(text)
    if code is None:
        assert not found
    else:
        assert place(text, only(found, code, severity)) == f"keep(items, {condition})"


def test_only_the_keep_that_leaves_nothing_is_told(deep) -> None:
    text = LEFT.replace("{}", NONE) + 'dataset none_of_it = keep(some, plural == "x")\n'
    text += "dataset part, rest = split(none_of_it, 0.5)\nstatistic s = mean(word_count(rest.singular))"
    assert "6 items" in only(deep(text), "no-items", "warning").message


def test_a_part_of_a_split_without_items_is_told_at_the_split(deep) -> None:
    text = HEAD.partition("contrast")[0].replace("limit=6", "limit=1")
    text += "dataset fit, test = split(items, 0.5)\nstatistic s = mean(word_count(test.singular))"
    assert place(text, only(deep(text), "empty-split")) == "split(items, 0.5)"


# **** grafts and knockouts ****


GRAFTED = HEAD + 'model other = zoo("facts")\nlet p = noun.positive\n'


@pytest.mark.parametrize(
    ("edit", "code", "said"),
    [
        (
            "graft(other, parts=[mlp], at=p.all, layers=[0, 9])",
            "layer-out-of-range",
            "`layers` of `graft` names layer 9",
        ),
        ("graft(other, parts=[unembed], at=p.all)", "not-a-part", "`unembed` is no part"),
        ("knockout(from=p.first, to=p.last, layer=[6])", "layer-out-of-range", "`layer` of `knockout` names layer 6"),
        ("knockout(from=p.first, to=p.last, head=7)", "head-out-of-range", "`head` of `knockout` names head 7"),
    ],
)
def test_layers_heads_and_parts_are_those_of_the_model(deep, edit: str, code: str, said: str) -> None:
    text = GRAFTED + f"statistic s = entropy(p) under {edit} on base\n"
    found = only(deep(text), code)
    assert said in found.message and place(text, found) == edit


@pytest.mark.parametrize("ends", ["from=p.last, to=p.first", "from=p.body, to=p.bos"])
def test_a_knockout_without_an_edge_is_a_warning(deep, ends: str) -> None:
    text = GRAFTED + f"statistic s = entropy(p) under knockout({ends}) on base\n"
    assert "cuts nothing" in only(deep(text), "no-edge-to-cut", "warning").message
    assert deep(text.replace(ends, "from=p.body, to=p.body")) == []


def test_a_rubric_that_is_not_there_is_an_error(deep) -> None:
    text = 'model g = zoo("judge")\ndataset d = file("zoo/agreement.jsonl", limit=6)\n'
    text += 'statistic s = judge(d.singular, rubric=file("kind.md"), scale="0..10")\n'
    assert place(text, only(deep(text), "file-not-found")) == 'file("kind.md")'


def test_a_model_set_by_hand_is_checked_once_it_was_used(deep, tmp_path: Path, monkeypatch) -> None:
    from probelang.runtime.zoo import zoo_path

    monkeypatch.setenv("PROBELANG_ZOO", str(tmp_path / "zoo"))
    text = 'model m = zoo("exact/and-gate")\nprompts p { text: "x" }\nstatistic s = norm(resid_post[9] at p.last)\n'
    assert "written when it is first run" in only(deep(text), "unchecked", "note").message
    zoo_path("exact/and-gate")
    assert "layer-out-of-range" in [d.code for d in deep(text)]
