"""What can be known of a program's models from the files that are on this machine: sizes and the tokenizer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ...compiler.graph import Node
from ...compiler.kinds import Model
from ..errors import ProbeError
from ..facts import ModelFacts, model_facts
from ..sources import ModelSource
from ..text.tokenizer import Tokenizer
from .hub_cache import cached_snapshot

SOURCES = {"hub": "id", "path": "directory", "zoo": "name"}


@dataclass(frozen=True)
class AtHand:
    """A model as far as its files tell; `tokenizer` is None where the folder has none."""

    source: ModelSource
    facts: ModelFacts
    tokenizer: Tokenizer | None

    @property
    def name(self) -> str:
        return str(self.source)


@dataclass(frozen=True)
class Missing:
    """A model whose files are not here, or not readable; `problem` says why where that is a mistake."""

    source: ModelSource
    problem: ProbeError | None = None

    @property
    def name(self) -> str:
        return str(self.source)


def base_of(model: Node) -> Node | None:
    """The node of the model that a derived one (trained, merged, adapted) has its sizes and tokenizer from."""
    while model.op not in SOURCES:
        inner = model.input("model") or model.input("first") or model.input("base") or model.input("models")
        if inner is not None and inner.op == "list":
            inner = next((n for _, n in inner.inputs), None)
        if inner is None or not issubclass(inner.kind, Model):
            return None
        model = inner
    return model


def source_of(model: Node) -> ModelSource | None:
    """Read a `hub`, `path` or `zoo` node; None where its arguments are not known before a run."""
    name, revision = model.input(SOURCES[model.op]), model.input("revision")
    if name is None or name.op != "const" or (revision is not None and revision.op != "const"):
        return None
    return ModelSource(model.op, name.param("value"), revision.param("value") if revision is not None else None)


def look_up(source: ModelSource, root: Path, *, allow_outside: bool) -> AtHand | Missing:
    """Find the files of a model and read them; never downloads and never builds."""
    try:
        folder = _folder(source, root, allow_outside)
        if folder is None:
            return Missing(source)
        facts = model_facts(_config(folder))
        tokenizer = Tokenizer.load(folder) if (folder / "tokenizer.json").is_file() else None
    except ProbeError as problem:
        return Missing(source, problem)
    return AtHand(source, facts, tokenizer)


def _folder(source: ModelSource, root: Path, allow_outside: bool) -> Path | None:
    if source.kind == "hub":
        return cached_snapshot(source.name, source.revision)
    if source.kind == "zoo":
        return _zoo(source)
    folder = (root / source.name).resolve()
    if not allow_outside and not folder.is_relative_to(root.resolve()):
        help_ = "move the model there, link to it with hub(…), or allow it with --allow-outside"
        raise ProbeError("path-outside", f"{source.name!r} is outside the folder of the spec", help_)
    return folder if (folder / "config.json").is_file() else None


def _zoo(source: ModelSource) -> Path | None:
    from ..zoo import cache_dir, zoo_path
    from ..zoo.exact import EXACT, folder_of

    short = source.name.removeprefix("exact/")
    if short != source.name and short in EXACT and source.revision in (None, "main"):
        written = folder_of(short, cache_dir() / "exact")
        # asking the zoo for one that was never used would write it, which takes torch
        return written if (written / "tokenizer.json").is_file() else None
    return zoo_path(source.name, source.revision)


def _config(folder: Path) -> dict:
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ProbeError("bad-model-config", f"config.json in {folder.name} is not JSON: {error}") from None
