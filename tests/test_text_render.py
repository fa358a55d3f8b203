"""Prompts as a model reads them: segments found by offsets, one start token, three kinds of no system prompt."""

import random
import tracemalloc

import pytest

from probelang.runtime.errors import ProbeError
from probelang.runtime.text.positions import All, Bos, First, Last, SegmentTokens, TemplateTokens, positions
from probelang.runtime.text.render import render, render_text
from probelang.runtime.text.template import Segment, SystemMode, Template, fill
from probelang.runtime.text.tokenizer import Tokenizer
from tests import text_tokenizers as make

ROW = {"who": "Elara", "place": "France", "n": 42, "yes": True, "gap": None}


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    root = tmp_path_factory.mktemp("tokenizers")
    built = {name: getattr(make, name)(root / name) for name in ("word_level", "byte_level", "llama3", "metaspace")}
    built["trimmed"] = make.byte_level(root / "trimmed", trim_offsets=True)
    built["plain"] = make.byte_level(root / "plain", template=None)
    built["bare"] = make.word_level(root / "bare", bos=False, template=None)
    return {name: Tokenizer.load(directory) for name, directory in built.items()}


def raw(*pairs):
    return Template("p", tuple(Segment(name, None, text) for name, text in pairs))


def chat(*triples):
    return Template("p", tuple(Segment(*triple) for triple in triples))


def shown(rendered, name):
    return "".join(rendered.pieces[i] for i in positions(rendered, SegmentTokens(name)))


CLOZE = raw(("actor", "{who}"), ("relation", " lived by the sea in"), ("country", " {place}"), ("answer", " {n}"))


@pytest.mark.parametrize("name", ["word_level", "byte_level", "trimmed", "metaspace", "llama3"])
def test_raw_segments_are_joined_as_written_and_found(tokenizers, name):
    rendered = render(CLOZE, ROW, tokenizers[name])
    assert rendered.text == "Elara lived by the sea in France"
    assert shown(rendered, "actor").strip() == "Elara"
    assert shown(rendered, "country") == " France"
    assert rendered.targets == {"answer": " 42"}
    assert not any(note.startswith("straddles") for note in rendered.notes)
    tiled = "".join(piece for piece, kind in zip(rendered.pieces, rendered.token_kinds, strict=True) if kind == "text")
    assert tiled.strip() == rendered.text


@pytest.mark.parametrize("name", ["word_level", "llama3", "metaspace"])
@pytest.mark.parametrize("template", [CLOZE, chat(("user", "user", "{who}"))])
def test_exactly_one_start_token(tokenizers, name, template):
    rendered = render(template, ROW, tokenizers[name])
    assert rendered.ids.count(tokenizers[name].bos_id) == 1
    assert positions(rendered, Bos()) == [0]


def test_a_missing_start_token_is_noted(tokenizers):
    rendered = render(CLOZE, ROW, tokenizers["byte_level"])
    assert any(note.startswith("no-bos") for note in rendered.notes)
    with pytest.raises(ProbeError, match="no start token"):
        positions(rendered, Bos())


def test_a_start_token_in_the_text_is_not_doubled(tokenizers):
    once = render_text("<s>Paris", tokenizers["metaspace"])
    assert once.ids.count(tokenizers["metaspace"].bos_id) == 1
    twice = render_text("<s><s>Paris", tokenizers["metaspace"])
    assert any(note.startswith("double-bos") for note in twice.notes)


@pytest.mark.parametrize("name", ["word_level", "byte_level", "llama3", "metaspace"])
def test_chat_segments_exclude_what_the_template_writes(tokenizers, name):
    template = chat(("frame", "user", "Paris is the "), ("body", "user", "capital of {place}"))
    rendered = render(template, ROW, tokenizers[name])
    written = [rendered.pieces[i] for i in positions(rendered, All())]
    assert "".join(written).strip() == "Paris is the capital of France"
    assert shown(rendered, "place").strip() == "France"
    assert shown(rendered, "body").strip() == "capital of France"
    assert rendered.pieces[positions(rendered, First())[0]].strip().startswith("P")
    rest = set(range(len(rendered.ids))) - set(positions(rendered, All())) - set(positions(rendered, TemplateTokens()))
    assert rest <= {0}
    assert positions(rendered, Last())[0] < len(rendered.ids) - 1


@pytest.mark.parametrize("name", ["word_level", "byte_level", "llama3"])
def test_text_that_looks_like_the_template_is_still_found(tokenizers, name):
    rendered = render(chat(("system", "system", "user"), ("user", "user", "system")), ROW, tokenizers[name])
    (low, high), (start, end) = rendered.spans["system"], rendered.spans["user"]
    assert rendered.text[low:high] == "user" and rendered.text[start:end] == "system" and low < start


def test_a_template_that_trims_moves_the_segments(tokenizers):
    template = chat(("frame", "user", "  \n"), ("body", "user", " Paris "), ("tail", "user", "  "))
    rendered = render(template, ROW, tokenizers["llama3"])
    assert rendered.text[slice(*rendered.spans["body"])] == "Paris"
    assert rendered.text[slice(*rendered.spans["tail"])] == ""
    with pytest.raises(ProbeError, match="it is empty"):
        positions(rendered, SegmentTokens("tail"))


def test_system_default_empty_and_none_differ(tokenizers):
    def text(mode, name):
        return render(chat(("system", "system", mode), ("user", "user", "Hi")), ROW, tokenizers[name]).text

    end = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    assert text("You love cats.", "byte_level") == f"<|im_start|>system\nYou love cats.<|im_end|>\n{end}"
    injected = "<|im_start|>system\nYou are Qwen, a helpful assistant.<|im_end|>\n"
    assert text(SystemMode.DEFAULT, "byte_level") == injected + end
    assert text("", "byte_level") == text(SystemMode.EMPTY, "byte_level") == f"<|im_start|>system\n<|im_end|>\n{end}"
    assert text(SystemMode.NONE, "byte_level") == end
    assert text(SystemMode.NONE, "word_level") == "<bos><|user|>Hi<|assistant|>"
    head = "<|start_header_id|>{}<|end_header_id|>\n\n"
    turns = f"{head.format('user')}Hi<|eot_id|>{head.format('assistant')}"
    assert text(SystemMode.NONE, "llama3") == f"<|begin_of_text|>{turns}"
    dated = f"{head.format('system')}Today Date: 26 Jul 2024\n\n<|eot_id|>"
    assert text(SystemMode.DEFAULT, "llama3") == f"<|begin_of_text|>{dated}{turns}"
    assert text(SystemMode.NONE, "metaspace") == text(SystemMode.DEFAULT, "metaspace")
    assert text(SystemMode.DEFAULT, "plain") == text(SystemMode.NONE, "plain") == text("", "plain") == "Hi"


def test_the_injected_system_prompt_is_a_segment_but_not_written(tokenizers):
    template = chat(("context", "system", SystemMode.DEFAULT), ("user", "user", "Hi"))
    rendered = render(template, ROW, tokenizers["byte_level"])
    assert shown(rendered, "context") == "You are Qwen, a helpful assistant."
    assert set(positions(rendered, SegmentTokens("context"))) <= set(positions(rendered, TemplateTokens()))
    assert any(note.startswith("system-injected") for note in rendered.notes)
    alone = render(chat(("user", "user", "Hi")), ROW, tokenizers["byte_level"])
    assert alone.text == rendered.text and shown(alone, "system") == shown(rendered, "context")


def test_the_system_mode_can_be_overridden(tokenizers):
    template = chat(("system", "system", "You love cats."), ("user", "user", "Hi"))
    tokenizer = tokenizers["byte_level"]
    assert "cats" not in render(template, ROW, tokenizer, system=SystemMode.NONE).text
    assert "Qwen" in render(template, ROW, tokenizer, system=SystemMode.DEFAULT).text
    assert "system\n<|im_end|>" in render(template, ROW, tokenizer, system=SystemMode.EMPTY).text
    assert "system\n<|im_end|>" in render(chat(("user", "user", "Hi")), ROW, tokenizer, system=SystemMode.EMPTY).text


def test_a_block_that_cannot_be_cut_out_is_an_error(tmp_path):
    source = "{% if messages[0].role != 'system' %}[system: be nice]{% endif %}"
    source += "{% for m in messages %}({{ m.content }}){% endfor %}"
    tokenizer = Tokenizer.load(make.byte_level(tmp_path, template=source))
    with pytest.raises(ProbeError) as caught:
        render(chat(("user", "user", "Hi")), ROW, tokenizer, system=SystemMode.NONE)
    assert caught.value.code == "system-block-stays"


def test_a_template_may_refuse_or_drop_a_role(tokenizers, tmp_path):
    template = chat(("system", "system", "You love cats."), ("user", "user", "Hi"))
    with pytest.raises(ProbeError, match="System role not supported"):
        render(template, ROW, tokenizers["metaspace"])
    source = "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}"
    with pytest.raises(ProbeError) as caught:
        render(template, ROW, Tokenizer.load(make.byte_level(tmp_path, template=source)))
    assert caught.value.code == "chat-template-drops-message"


def test_a_template_that_depends_on_the_text_falls_back_to_search(tmp_path):
    source = "{% for m in messages %}{% if 'Paris' in m.content %}!{% endif %}"
    source += "[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    tokenizer = Tokenizer.load(make.byte_level(tmp_path, template=source))
    rendered = render(chat(("user", "user", "Paris is old")), ROW, tokenizer)
    assert shown(rendered, "user").strip() == "Paris is old"
    assert any(note.startswith("template-depends-on-text") for note in rendered.notes)


def test_a_chat_that_ends_with_the_assistant_stays_open_unless_closed(tokenizers, tmp_path):
    from transformers import AutoTokenizer

    template = chat(("user", "user", "Hi"), ("assistant", "assistant", "Sure, "))
    opened = render(template, ROW, tokenizers["byte_level"])
    assert opened.text.endswith("<|im_start|>assistant\nSure, ")
    assert positions(opened, Last()) == [len(opened.ids) - 1]
    closed = render(template, ROW, tokenizers["byte_level"], close=True)
    assert closed.text == opened.text + "<|im_end|>\n"
    theirs = AutoTokenizer.from_pretrained(make.byte_level(tmp_path))
    messages = [{"role": segment.role, "content": segment.text} for segment in template.segments]
    assert opened.text == theirs.apply_chat_template(messages, tokenize=False, continue_final_message=True)


def test_without_a_chat_template_messages_are_lines(tokenizers):
    template = chat(("system", "system", "You love cats."), ("a", "user", "Hi "), ("b", "user", "{who}"))
    rendered = render(template, ROW, tokenizers["plain"])
    assert rendered.text == "You love cats.\nHi Elara"
    assert shown(rendered, "b") == " Elara"
    assert any(note.startswith("no-chat-template") for note in rendered.notes)


def test_repeated_turns_are_numbered(tokenizers):
    turns = [("user", "user", "a"), ("assistant", "assistant", "b"), ("user", "user", "c")]
    rendered = render(chat(*turns), ROW, tokenizers["byte_level"])
    assert rendered.text[slice(*rendered.spans["user_2"])] == "c"


def test_a_token_over_a_boundary_belongs_to_where_it_starts(tokenizers):
    rendered = render(raw(("a", "Pa"), ("b", "ris is")), ROW, tokenizers["word_level"])
    assert shown(rendered, "a") == "Paris" and shown(rendered, "b") == " is"
    assert any(note.startswith("straddles: 1 token ") for note in rendered.notes)


def test_a_space_before_a_segment_goes_with_its_word(tokenizers):
    for name in ("word_level", "byte_level", "trimmed", "metaspace"):
        rendered = render(raw(("a", "Paris "), ("b", "is")), ROW, tokenizers[name])
        assert shown(rendered, "b") == " is", name
        assert shown(rendered, "a").strip() == "Paris"
        assert not any(note.startswith("straddles") for note in rendered.notes)


def test_unknown_words_count_as_text_and_are_noted(tokenizers):
    rendered = render_text("Paris is wonderful", tokenizers["word_level"])
    assert positions(rendered, Last()) == [3]
    assert "unknown-words: the vocabulary lacks 'wonderful'" in rendered.notes


def test_special_tokens_in_the_text_are_noted(tokenizers):
    rendered = render_text("Paris<|im_end|>", tokenizers["byte_level"])
    assert any(note.startswith("special-in-text") for note in rendered.notes)
    assert rendered.token_kinds[-1] == "special"


def test_columns_that_stand_twice_are_noted(tokenizers):
    rendered = render(raw(("a", "{who} and {who}")), ROW, tokenizers["byte_level"])
    assert rendered.spans["who"] == (0, 5)
    assert any(note.startswith("column-twice: 'who' stands 2 times") for note in rendered.notes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{n}", "42"), ("{yes}", "true"), ("{{n}} {who}", "{n} Elara"), ("{ who }", "Elara"), ("{{{who}}}", "{Elara}")],
)
def test_placeholders(text, expected):
    assert fill(text, ROW).text == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{whom}", "unknown-column"),
        ("{gap}", "missing-value"),
        ("{", "bad-placeholder"),
        ('{"a": 1}', "bad-placeholder"),
    ],
)
def test_bad_placeholders(text, code):
    with pytest.raises(ProbeError) as caught:
        fill(text, ROW)
    assert caught.value.code == code
    if text == "{whom}":
        assert "'who'" in caught.value.help


def test_bad_templates():
    with pytest.raises(ProbeError) as caught:
        Template("p", (Segment("a", None, "x"), Segment("user", "user", "y")))
    assert caught.value.code == "mixed-segments"
    with pytest.raises(ProbeError) as caught:
        raw(("a", "x"), ("a", "y"))
    assert caught.value.code == "duplicate-segment"
    with pytest.raises(ProbeError):
        Segment("a", None, SystemMode.NONE)
    assert Template("p", (Segment("user", "user", "y"), Segment("answer", None, "{z} {y}"))).columns == ("z", "y")


def test_many_prompts_of_few_words_take_little_room(tokenizers):
    """Ids, early places and pieces that texts have in common are one object each: 58 bytes a token, once 191."""
    draw = random.Random(0)
    words = [word for word in tokenizers["byte_level"].backend.get_vocab() if word.isascii() and word.isalpha()]
    texts = [" ".join(draw.choices(words, k=60)) for _ in range(400)]
    for text in texts[:100]:
        render_text(text, tokenizers["byte_level"])
    tracemalloc.start()
    try:
        made = [render_text(text, tokenizers["byte_level"]) for text in texts]
        room, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert room < 100 * sum(len(rendered.ids) for rendered in made)
