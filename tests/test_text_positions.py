"""Token expressions mean what the language says, on prompts whose tokens are known."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probelang.runtime.errors import ProbeError
from probelang.runtime.text.continuation import with_answer, with_ids
from probelang.runtime.text.positions import (
    All,
    Bos,
    Complement,
    Coordinate,
    First,
    Last,
    Occurrences,
    SegmentTokens,
    TemplateTokens,
    Union,
    coordinates,
    from_dict,
    positions,
    to_dict,
)
from probelang.runtime.text.preview import preview
from probelang.runtime.text.render import render, render_text
from probelang.runtime.text.template import Segment, Template
from probelang.runtime.text.tokenizer import Tokenizer
from tests import text_tokenizers as make

CHAT = Template("ask", (Segment("system", "system", "You love cats ."), Segment("user", "user", "You love {animal}")))


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return Tokenizer.load(make.word_level(tmp_path_factory.mktemp("words")))


@pytest.fixture(scope="module")
def bytes_(tmp_path_factory):
    return Tokenizer.load(make.byte_level(tmp_path_factory.mktemp("bytes")))


@pytest.fixture(scope="module")
def pieces_(tmp_path_factory):
    return Tokenizer.load(make.metaspace(tmp_path_factory.mktemp("pieces")))


@pytest.fixture(scope="module")
def ask(words):
    return render(CHAT, {"animal": "cats"}, words)


# <bos> <|system|> You | love| cats| .| <|user|> You | love| cats| <|assistant|>
EXPECTED = [
    (First(), [2]),
    (Last(), [9]),
    (Bos(), [0]),
    (TemplateTokens(), [1, 6, 10]),
    (All(), [2, 3, 4, 5, 7, 8, 9]),
    (All("every"), list(range(11))),
    (SegmentTokens("user"), [7, 8, 9]),
    (SegmentTokens("user", "first"), [7]),
    (SegmentTokens("animal", "last"), [9]),
    (Occurrences("cats"), [4, 9]),
    (Occurrences("love c"), [3, 4, 8, 9]),
    (Occurrences("system"), [1]),
    (Union((Last(), SegmentTokens("system"))), [2, 3, 4, 5, 9]),
    (Complement(SegmentTokens("system")), [7, 8, 9]),
    (Complement(SegmentTokens("system"), "every"), [0, 1, 6, 7, 8, 9, 10]),
    (Complement(All()), []),
    (Coordinate("user", 1), [8]),
]


@pytest.mark.parametrize(("expression", "expected"), EXPECTED)
def test_positions(ask, expression, expected):
    assert positions(ask, expression) == expected
    assert from_dict(json.loads(json.dumps(to_dict(expression)))) == expression


@pytest.mark.parametrize(
    ("expression", "help"),
    [
        (SegmentTokens("usr"), "'user'"),
        (Occurrences("dogs"), "user"),
        (Occurrences(""), "user"),
        (Coordinate("user", 3), "user"),
        (Coordinate("user", -1), "user"),
    ],
)
def test_what_cannot_be_found_is_an_error(ask, expression, help):
    with pytest.raises(ProbeError) as caught:
        positions(ask, expression)
    assert caught.value.code == "position-not-found" and help in caught.value.help
    assert "You love cats" in caught.value.message


def test_raw_text_has_no_template_tokens(words):
    with pytest.raises(ProbeError):
        positions(render_text("Paris", words), TemplateTokens())
    with pytest.raises(ProbeError):
        positions(render_text("", words), Last())


def test_unknown_kinds_are_refused():
    with pytest.raises(ProbeError):
        from_dict({"kind": "__import__"})


def test_coordinates_run_parallel_to_all(ask):
    labels = coordinates(ask)
    assert labels[3:6] == [("system", 3, " ."), ("user", 0, "You"), ("user", 1, " love")]
    for position, (segment, index, _) in zip(positions(ask, All()), labels, strict=True):
        assert positions(ask, Coordinate(segment, index)) == [position]


def test_occurrences_cover_split_words(bytes_):
    rendered = render_text("Zoë said Zoë", bytes_)
    found = positions(rendered, Occurrences("Zoë"))
    outside = [rendered.pieces[i] for i in range(len(rendered.ids)) if i not in found]
    assert "".join(outside) == " said"


def test_a_response_keeps_its_ids_and_its_text(bytes_, pieces_, words):
    for tokenizer in (bytes_, pieces_, words):
        prompt = render(Template("p", (Segment("user", "user", "Hi"),)), {}, tokenizer)
        text = " Paris is the capital, café 42 €"
        ids = (*tokenizer.encode(text).ids, tokenizer.eos_id)
        reply = with_ids(prompt, ids, tokenizer)
        assert reply.ids == prompt.ids + ids
        found = positions(reply, SegmentTokens("response"))
        assert found == list(range(len(prompt.ids), len(reply.ids) - 1))
        if tokenizer is not words:
            assert reply.text[len(prompt.text) :].strip() == text.strip()
        assert positions(reply, SegmentTokens("user")) == positions(prompt, SegmentTokens("user"))
        assert reply.token_kinds[-1] == "special"
        assert reply.text.startswith(prompt.text)
    with pytest.raises(ProbeError):
        with_ids(reply, [5], words)


def test_a_response_may_end_inside_a_character(bytes_):
    prompt = render_text("costs 42", bytes_)
    reply = with_ids(prompt, bytes_.encode(" 🙂").ids[:-1], bytes_)
    assert reply.text == "costs 42 \ufffd"
    assert len(positions(reply, SegmentTokens("response"))) == len(reply.ids) - len(prompt.ids)


def test_a_response_is_decoded_like_the_whole(bytes_):
    ids = bytes_.encode("a 🙂 b Zoë’s 🙂🙂").ids
    reply = with_ids(render_text("x", bytes_), ids, bytes_)
    assert reply.text == "x" + bytes_.decode(ids)
    covered = [reply.offsets[i] for i in positions(reply, SegmentTokens("response"))]
    assert covered[0][0] == 1 and covered[-1][1] == len(reply.text)


def test_an_ending_token_that_is_also_the_unknown_one_ends_a_response(tmp_path):
    directory = make.byte_level(tmp_path)
    config = json.loads((directory / "tokenizer_config.json").read_text()) | {"unk_token": "<|im_end|>"}
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer.load(directory)
    reply = with_ids(render_text("a", tokenizer), [*tokenizer.encode(" b").ids, tokenizer.eos_id], tokenizer)
    assert reply.text == "a b" and reply.token_kinds[-1] == "special"


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.text(alphabet="ab é🙂\n.", min_size=1, max_size=6), min_size=1, max_size=5))
def test_every_written_token_belongs_to_one_segment(bytes_, pieces_, parts):
    template = Template("p", tuple(Segment(f"s{i}", None, part) for i, part in enumerate(parts)))
    for tokenizer in (bytes_, pieces_):
        rendered = render(template, {}, tokenizer)
        everything = positions(rendered, All())
        found = []
        for number in range(len(parts)):
            try:
                found += positions(rendered, SegmentTokens(f"s{number}"))
            except ProbeError as error:
                assert error.code == "position-not-found"
        assert found == everything
        named = [positions(rendered, Coordinate(segment, index)) for segment, index, _ in coordinates(rendered)]
        assert named == [[position] for position in everything]


def test_an_answer_can_be_teacher_forced(words):
    prompt = render_text("Paris is the", words)
    assert with_answer(prompt, " capital of", words).text == "Paris is the capital of"


def test_preview_shows_tokens_segments_and_marks(ask):
    plain = preview(ask, {"last": Last(), "cats": Occurrences("cats")}, width=60).plain
    lines = plain.splitlines()
    assert "·cats" in lines[0] and "<|system|>" in lines[0]
    assert all(len(line) <= 60 for line in lines[:4])
    assert "a  last: 9" in lines and "b  cats: 4, 9" in lines
    assert "ab" in plain
    assert preview(ask, {}).plain.count("user") >= 1
