"""Ids and chats equal those of transformers, for tokenizers of several families."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from probelang import runtime
from probelang.runtime.errors import ProbeError
from probelang.runtime.text.chat import render_chat
from probelang.runtime.text.tokenizer import Tokenizer
from tests import text_tokenizers as make

BUILDERS = {
    "word-level": make.word_level,
    "word-level-no-bos": lambda directory: make.word_level(directory, bos=False),
    "byte-level": make.byte_level,
    "byte-level-trimmed": lambda directory: make.byte_level(directory, trim_offsets=True),
    "llama3": make.llama3,
    "metaspace": make.metaspace,
}
TEXTS = [
    "Paris is the capital of France.",
    " leading space, two  spaces and a tab\t.",
    "Zoë’s naïveté 🙂 costs 42 €",
    "line\n\nbreak <|im_start|>user and <bos> <s> in the text",
    "",
]
CHATS = [
    [("user", "What is your favourite animal?")],
    [("system", "You love cats."), ("user", " Tell me ")],
    [("user", "a"), ("assistant", "b"), ("user", "c")],
]


@pytest.fixture(scope="module", params=BUILDERS)
def pair(request, tmp_path_factory):
    from transformers import AutoTokenizer

    directory = BUILDERS[request.param](tmp_path_factory.mktemp(request.param))
    return Tokenizer.load(directory), AutoTokenizer.from_pretrained(directory)


def test_ids_equal_those_of_transformers(pair):
    ours, theirs = pair
    for text in TEXTS:
        assert list(ours.encode(text).ids) == theirs(text, add_special_tokens=False)["input_ids"]
        assert list(ours.prefix_ids + ours.encode(text).ids) == theirs(text)["input_ids"]


def test_facts_equal_those_of_transformers(pair):
    ours, theirs = pair
    assert ours.vocab_size == len(theirs)
    assert (ours.bos_id, ours.eos_id, ours.unk_id) == (theirs.bos_token_id, theirs.eos_token_id, theirs.unk_token_id)
    assert ours.special_ids == set(theirs.all_special_ids) | {
        index for index, token in theirs.added_tokens_decoder.items() if token.special
    }


@pytest.mark.parametrize("chat", CHATS)
@pytest.mark.parametrize("generation_prompt", [True, False])
def test_chats_equal_those_of_transformers(pair, chat, generation_prompt, monkeypatch):
    import datetime

    from probelang.runtime.text import chat as module

    ours, theirs = pair
    module._compiled.cache_clear()
    monkeypatch.setattr(module, "TODAY", datetime.datetime.now())
    messages = [{"role": role, "content": content} for role, content in chat]
    try:
        expected = theirs.apply_chat_template(messages, tokenize=False, add_generation_prompt=generation_prompt)
    except Exception:
        with pytest.raises(ProbeError, match="refuses"):
            render_chat(ours, chat, generation_prompt=generation_prompt)
        return
    assert render_chat(ours, chat, generation_prompt=generation_prompt) == expected
    module._compiled.cache_clear()


def test_offsets_tile_the_text_up_to_ends(pair):
    ours, _ = pair
    for text in TEXTS:
        covered = 0
        for start, end in ours.encode(text).offsets:
            assert start <= covered or not text[covered:start].strip()
            assert start <= end
            covered = max(covered, end)


def test_tokens_named_only_in_the_configuration_are_added(tmp_path):
    directory = make.byte_level(tmp_path)
    config = json.loads((directory / "tokenizer_config.json").read_text())
    config["bos_token"] = {"__type": "AddedToken", "content": "<new>", "special": True}
    config["additional_special_tokens"] = ["<extra>"]
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    from transformers import AutoTokenizer

    ours, theirs = Tokenizer.load(directory), AutoTokenizer.from_pretrained(directory)
    assert list(ours.encode("a<new>b<extra>c").ids) == theirs("a<new>b<extra>c")["input_ids"]
    assert ours.bos_id == theirs.bos_token_id
    assert ours.vocab_size == len(theirs)


def test_chat_template_files_win_and_lists_have_a_default(tmp_path):
    directory = make.byte_level(tmp_path)
    config = json.loads((directory / "tokenizer_config.json").read_text())
    config["chat_template"] = [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    assert Tokenizer.load(directory).chat_template == "d"
    (directory / "chat_template.jinja").write_text("beside")
    assert Tokenizer.load(directory).chat_template == "beside"


def test_fingerprints_tell_vocabulary_and_template_apart(tmp_path):
    first = Tokenizer.load(make.byte_level(tmp_path / "a"))
    same = Tokenizer.load(make.byte_level(tmp_path / "b"))
    other = Tokenizer.load(make.byte_level(tmp_path / "c", template=None))
    assert first == same and hash(first) == hash(same)
    assert first != other and first.vocabulary_fingerprint == other.vocabulary_fingerprint
    assert not other.has_chat_template


def test_broken_directories_are_errors(tmp_path):
    with pytest.raises(ProbeError, match="no tokenizer.json") as caught:
        Tokenizer.load(tmp_path)
    assert caught.value.code == "tokenizer-not-found"
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ProbeError) as caught:
        Tokenizer.load(tmp_path)
    assert caught.value.code == "tokenizer-broken"


@pytest.mark.parametrize("source", ["{{ ''.__class__.__mro__ }}", "{{ messages.append(1) }}", "{{ undefined.x }}"])
def test_templates_run_in_a_sandbox(tmp_path, source):
    tokenizer = Tokenizer.load(make.byte_level(tmp_path, template=source))
    with pytest.raises(ProbeError) as caught:
        render_chat(tokenizer, [("user", "a")], generation_prompt=True)
    assert caught.value.code == "chat-template-error"


def test_templates_may_mark_what_is_generated_and_break_loops(tmp_path):
    source = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% break %}{% endfor %}"
    tokenizer = Tokenizer.load(make.byte_level(tmp_path, template=source))
    assert render_chat(tokenizer, [("user", "a"), ("assistant", "b")], generation_prompt=False) == "a"


def test_nothing_heavy_is_imported():
    paths = [path for name in ("text", "data") for path in (Path(runtime.__file__).parent / name).glob("*.py")]
    modules = [f"probelang.runtime.{path.parent.name}.{path.stem}" for path in paths]
    heavy = ["torch", "transformers", "nnsight", "pandas", "scipy", "sklearn"]
    code = f"import importlib, sys\nfor m in {modules}: importlib.import_module(m)\n"
    code += f"print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
