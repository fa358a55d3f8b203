"""Prompts as models read them: lengths, words, templates, tokens, answers and labels of tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers_deep import GAP, HEAD, model, only, place
from tests.text_tokenizers import byte_level, llama3, metaspace


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
