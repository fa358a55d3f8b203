"""Tiny random models for random specs: how a spec names them, their sizes, and a chat template for some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.helpers_models import build, write_tokenizer

CHAT = (
    "{% if messages[0].role != 'system' %}system : write a short story . {% endif %}"
    "{% for m in messages %}{{ m.role }} : {{ m.content }} {% endfor %}"
    "{% if add_generation_prompt %}assistant :{% endif %}"
)


@dataclass(frozen=True)
class Subject:
    """A model that specs may name, how it is written, and its sizes."""

    written: str
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    parallel: bool = False


def build_subjects(folder: Path, architectures: Sequence[str]) -> list[Subject]:
    """Save a tiny random model of each architecture under `folder`; every other one has a chat template."""
    made = []
    for number, arch in enumerate(architectures):
        build(arch, folder / arch, seed=number)
        if number % 2:
            write_tokenizer(folder / arch, bos=number % 4 == 1, chat_template=CHAT)
        one_to_one = arch in ("gpt2", "gpt_neox")
        made.append(Subject(f'path("{arch}")', kv_heads=4 if one_to_one else 2, parallel=arch == "gpt_neox"))
    return made
