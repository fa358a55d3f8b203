"""What a tokenizer's directory says beside `tokenizer.json`: named special tokens, added tokens, the chat template.

Knows the file layouts of the hub. Does not tokenise.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import ProbeError

NAMED_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_FLAGS = ("special", "normalized", "lstrip", "rstrip", "single_word")


@dataclass(frozen=True)
class AddedTokenSpec:
    """A token that the configuration adds to the vocabulary unless it is there."""

    content: str
    special: bool = True
    normalized: bool = False
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False


@dataclass(frozen=True)
class TokenizerFiles:
    """The parsed contents of a tokenizer's directory."""

    tokenizer_json: str
    named_tokens: dict[str, str]
    added_tokens: tuple[AddedTokenSpec, ...]
    chat_template: str | None
    fingerprint: str


def read_tokenizer_files(directory: Path) -> TokenizerFiles:
    """Read a directory in hub layout; raises ProbeError when there is no usable `tokenizer.json`."""
    path = directory / "tokenizer.json"
    if not path.is_file():
        raise ProbeError(
            "tokenizer-not-found",
            f"{directory.name!r} has no tokenizer.json.",
            "Save it once in the fast format: AutoTokenizer.from_pretrained(...).save_pretrained(...).",
        )
    tokenizer_json = path.read_text(encoding="utf-8")
    config = _read_json(directory / "tokenizer_config.json")
    legacy = {} if "added_tokens_decoder" in config else _read_json(directory / "special_tokens_map.json")
    tokens = {**config, **legacy}
    named = {name: _content(tokens[name]) for name in NAMED_TOKENS if tokens.get(name) is not None}
    added = _added_tokens(config, tokens)
    template = _chat_template(directory, config)
    parts = [tokenizer_json, json.dumps(named, sort_keys=True), repr(added), template or ""]
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
    return TokenizerFiles(tokenizer_json, named, added, template, digest)


def _read_json(path: Path) -> dict:
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ProbeError("tokenizer-broken", f"{path.name} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise ProbeError("tokenizer-broken", f"{path.name} should hold an object.")
    return value


def _content(token: str | dict) -> str:
    return token["content"] if isinstance(token, dict) else token


def _added_tokens(config: dict, tokens: dict) -> tuple[AddedTokenSpec, ...]:
    decoder = config.get("added_tokens_decoder", {})
    specs = [_spec(decoder[index]) for index in sorted(decoder, key=int)]
    specs += [_spec(tokens[name]) for name in NAMED_TOKENS if tokens.get(name) is not None]
    extra = tokens.get("extra_special_tokens") or tokens.get("additional_special_tokens") or []
    if isinstance(extra, dict):
        extra = list(extra.values())
    return tuple(specs + [_spec(token) for token in extra])


def _spec(token: str | dict) -> AddedTokenSpec:
    if isinstance(token, str):
        return AddedTokenSpec(token)
    flags = {name: bool(token[name]) for name in _FLAGS if name in token}
    return AddedTokenSpec(token["content"], **flags)


def _chat_template(directory: Path, config: dict) -> str | None:
    beside = directory / "chat_template.jinja"
    if beside.is_file():
        return beside.read_text(encoding="utf-8")
    template = config.get("chat_template")
    if isinstance(template, list):
        template = {entry["name"]: entry["template"] for entry in template}
    if isinstance(template, dict):
        template = template.get("default")
    return template
