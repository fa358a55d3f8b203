"""Small tokenizers of several families, saved the way real ones are. Knows no part of probelang."""

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

SENTENCES = [
    "Once upon a time there was a young woman named Elara who lived by the sea.",
    "Paris is the capital of France and Rome is the capital of Italy.",
    "You love cats. You think about cats all the time. What is your favourite animal?",
    "Given an adjective, state its antonym. Adjective: big. Answer: small",
    "The keys near the cabinet are old; Zoë’s café naïveté costs 42 € today.",
    "A chat between a curious user and an assistant. system user assistant",
]

CHATML = (
    "{% if messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are Qwen, a helpful assistant.<|im_end|>\\n' }}{% endif %}"
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] }}"
    "{{ '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
LLAMA3 = (
    "{{- bos_token }}\n{%- if messages[0]['role'] == 'system' %}\n{%- set text = messages[0]['content'] | trim %}\n"
    "{%- set messages = messages[1:] %}\n{%- else %}\n{%- set text = '' %}\n{%- endif %}\n"
    "{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}\n"
    "{{- 'Today Date: ' + strftime_now('%d %b %Y') + '\\n\\n' }}\n"
    "{{- text }}\n{{- '<|eot_id|>' }}\n{%- for message in messages %}\n"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}\n"
    "{{- message['content'] | trim + '<|eot_id|>' }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n{%- endif %}"
)
GEMMA = (
    "{{ bos_token }}"
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if message['role'] == 'assistant' %}{% set role = 'model' %}{% else %}"
    "{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)
ROLE_TOKENS = (
    "{{ bos_token }}{% if messages[0]['role'] != 'system' %}<|system|>You are helpful .{% endif %}"
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def word_level(directory: Path, *, bos: bool = True, template: str | None = ROLE_TOKENS) -> Path:
    """A word-level tokenizer that keeps the leading space in the word; unknown words become `<unk>`."""
    specials = ["<unk>", "<bos>", "<eos>", "<|system|>", "<|user|>", "<|assistant|>"]
    split = pre_tokenizers.Split(Regex(r" ?[\p{L}']+| ?[0-9]+| ?[^\s\p{L}0-9]|\s"), behavior="isolated")
    texts = [*SENTENCES, "You are helpful ."]
    words = dict.fromkeys(word for text in texts for word, _ in split.pre_tokenize_str(text))
    vocabulary = {word: index for index, word in enumerate([*specials, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(specials)
    if bos:
        start = ("<bos>", vocabulary["<bos>"])
        tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[start])
    return _save(tokenizer, directory, template, bos_token="<bos>", eos_token="<eos>", unk_token="<unk>")


def byte_level(directory: Path, *, template: str | None = CHATML, trim_offsets: bool = False) -> Path:
    """A byte-level BPE without a start token, like Qwen's and OLMo-2's."""
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=trim_offsets)
    return _save(tokenizer, directory, template, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def llama3(directory: Path) -> Path:
    """A byte-level BPE whose post-processor adds a start token, with a template that writes it too."""
    byte_level(directory, template=LLAMA3)
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.add_special_tokens(["<|begin_of_text|>"])
    start = ("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single="<|begin_of_text|> $A", special_tokens=[start]),
        ]
    )
    return _save(tokenizer, directory, LLAMA3, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")


def metaspace(directory: Path, *, template: str | None = GEMMA) -> Path:
    """A Llama-2-like BPE: `▁` for spaces, one put before the text, byte fallback, a start token."""
    specials = ["<unk>", "<s>", "</s>", "<start_of_turn>", "<end_of_turn>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=True)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=[*specials, *(f"<0x{byte:02X}>" for byte in range(256))], show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    start = ("<s>", tokenizer.token_to_id("<s>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[start])
    _save(tokenizer, directory, template, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    _unmark_bytes(directory / "tokenizer.json")
    return directory


def _unmark_bytes(path: Path) -> None:
    data = json.loads(path.read_text())
    data["added_tokens"] = [token for token in data["added_tokens"] if not token["content"].startswith("<0x")]
    path.write_text(json.dumps(data))


def _save(tokenizer: Tokenizer, directory: Path, template: str | None, **named: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 4096, **named}
    if template is not None:
        config["chat_template"] = template
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    return directory
