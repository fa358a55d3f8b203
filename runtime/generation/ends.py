"""The tokens that end a text. Reads configs; loads nothing."""

from __future__ import annotations

import json
from pathlib import Path

from ..text.tokenizer import Tokenizer


def end_ids(directory: Path, tokenizer: Tokenizer) -> frozenset[int]:
    """The tokens that end a text: those of the model's configs, and the tokenizer's."""
    found = {tokenizer.eos_id}
    for name in ("generation_config.json", "config.json"):
        path = directory / name
        given = json.loads(path.read_text("utf-8")).get("eos_token_id") if path.is_file() else None
        found |= set(given) if isinstance(given, list) else {given}
    return frozenset(i for i in found if i is not None)
