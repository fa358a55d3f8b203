"""Answers are tokenised after their prompt, and an answer of several tokens is never taken for one in silence."""

import pytest

from probelang.runtime.errors import ProbeError
from probelang.runtime.text.answers import answer_ids
from probelang.runtime.text.render import render, render_text
from probelang.runtime.text.template import Segment, Template
from probelang.runtime.text.tokenizer import Tokenizer
from tests import text_tokenizers as make


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    root = tmp_path_factory.mktemp("tokenizers")
    return {
        name: Tokenizer.load(getattr(make, name)(root / name)) for name in ("word_level", "byte_level", "metaspace")
    }


@pytest.mark.parametrize("name", ["word_level", "byte_level", "metaspace"])
def test_the_leading_space_decides_the_token(tokenizers, name):
    tokenizer = tokenizers[name]
    spaced = answer_ids(tokenizer, "You love", " cats", policy="first")
    assert spaced.text == " cats" and spaced.in_context
    assert answer_ids(tokenizer, "You love", "cats", leading_space="yes", policy="first") == spaced
    if name != "metaspace":
        bare = answer_ids(tokenizer, "You love", " Paris", leading_space="no", policy="first")
        assert bare.text.startswith("P") and bare.id != spaced.id


def test_the_prompt_may_be_rendered_as_a_chat(tokenizers):
    template = Template("p", (Segment("user", "user", "Where?"),))
    for name in ("byte_level", "metaspace"):
        prompt = render(template, {}, tokenizers[name])
        answer = answer_ids(tokenizers[name], prompt, "Paris", policy="joint")
        whole = tokenizers[name].encode(prompt.text + "Paris").ids
        assert answer.in_context and prompt.ids[-len(whole) + answer.n_tokens :] + answer.ids == whole


def test_several_tokens_are_an_error_unless_allowed(tokenizers):
    tokenizer = tokenizers["byte_level"]
    with pytest.raises(ProbeError) as caught:
        answer_ids(tokenizer, "It costs", " zyxq")
    assert caught.value.code == "answer-of-several-tokens" and " + " in caught.value.message
    first = answer_ids(tokenizer, "It costs", " zyxq", policy="first")
    assert first.n_tokens == len(first.ids) > 1 and first.id == first.ids[0]


def test_an_answer_that_merges_with_the_prompt_is_tokenised_alone(tokenizers):
    answer = answer_ids(tokenizers["byte_level"], "the capital of Par", "is")
    assert not answer.in_context and answer.text == "is"


def test_alone_means_without_the_space_that_opens_a_text(tokenizers):
    tokenizer = tokenizers["metaspace"]
    prompt = render_text("the", tokenizer)
    merged = answer_ids(tokenizer, prompt, "re was", policy="first")
    assert not merged.text.startswith(" ")


def test_words_outside_the_vocabulary_are_errors(tokenizers):
    with pytest.raises(ProbeError) as caught:
        answer_ids(tokenizers["word_level"], "You love", " xylophones")
    assert caught.value.code == "answer-unknown"
    with pytest.raises(ProbeError) as caught:
        answer_ids(tokenizers["word_level"], "You love", "")
    assert caught.value.code == "empty-answer"
