"""The second tier of checks in tests: a spec to change, models without weights, and what was found."""

from __future__ import annotations

import json
from pathlib import Path

from probelang import RunOptions, check
from probelang.grammar.diagnostics import Diagnostic
from probelang.runtime.deep_check import deep_check
from tests.text_tokenizers import byte_level

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


def findings(folder: Path, text: str, **options) -> list[Diagnostic]:
    """The findings of the second tier in a text that stands in `folder`, which are all there are."""
    (folder / "mine.probe").write_text(text)
    checked = check(folder / "mine.probe", deep=False)
    assert not checked.errors, [d.message for d in checked.errors]
    return deep_check(checked, folder, RunOptions(**options))


def model(folder: Path, make=byte_level, **config) -> Path:
    """A model directory with a config and a tokenizer, and no weights."""
    folder.mkdir(exist_ok=True)
    if make is not None:
        make(folder)
    sizes = {"model_type": "llama", "vocab_size": 300, "max_position_embeddings": 64}
    (folder / "config.json").write_text(json.dumps(sizes | SIZES | config))
    return folder


def only(found: list[Diagnostic], code: str, severity: str = "error") -> Diagnostic:
    """The one finding, which has this code and severity."""
    assert [(d.code, d.severity) for d in found] == [(code, severity)], [(d.code, d.message) for d in found]
    return found[0]


def place(text: str, d: Diagnostic) -> str:
    """What a finding underlines."""
    return text[d.primary.span.start : d.primary.span.end]
