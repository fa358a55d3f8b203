"""Why a value is not stored: what differs between what it is made of and the stored value that is most like it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..cube import Axis
from .index import rows as index_rows
from .spelling import axis_back
from .store import Store

LOOKED_AT = 400  # stored values, the newest first, among which the most similar is looked for
MODELS, DATASETS = ("hub", "path", "zoo"), ("file", "rows", "part", "split", "keep", "derive")
FURTHER = 3  # parts that another reading, or other models, count for
OTHERS = {"dataset": "rows", "vector": "vectors", "generate": "texts", "judge": "scores"}
EDITS = re.compile(r"i\d+")


@dataclass(frozen=True)
class Relative:
    """A stored value that is like one that is not: the spec that made it, when, and what differs, in words."""

    spec: str
    written: float
    differs: tuple[str, ...]


def relative_of(store: Store, about: Mapping, inputs: Mapping, items: Axis | None) -> Relative | None:
    """The stored value of the same operation with the fewest differences; None where there is none.

    `about` is what the index would say of the value.
    """
    found: list[tuple[int, str, float, dict]] = []
    stored = store.asked(lambda index: index_rows(index, "kind = 'value'")) or []
    for row in sorted(stored, key=lambda row: -row.written):
        told = row.told
        if told.get("op") != about["op"] or len(found) >= LOOKED_AT:
            continue
        record = store.record(row.key.hex())
        if record is not None:
            # What reads the same is meant, whatever has changed in it.
            apart = sum(told[name] != about[name] for name in ("says", "models"))
            apart = parts_apart(record.header["inputs"], inputs) + FURTHER * apart
            found.append((apart, told["spec"], row.written, record.header))
    if not found:
        return None
    _, spec, written, header = min(found, key=lambda f: f[0])
    differs = differences(header["inputs"], inputs)
    if items is not None and any(d.startswith("dataset ") for d in differs):
        differs += rows(old_items(store, header), items)
    return Relative(spec, written, tuple(differs))


def parts_apart(old: Mapping, new: Mapping) -> int:
    """How many parts of two values differ: of their expressions, of what these read, and of the settings."""
    return sum(
        old[kind].get(name) != new[kind].get(name)
        for kind in ("expression", "contents", "settings")
        for name in old[kind].keys() | new[kind].keys()
    )


def differences(old: Mapping, new: Mapping) -> list[str]:
    """What differs between the inputs of two values, a line each."""
    lines = [f"{subject}: {a} -> {b}" for subject, a, b in written_differences(old["expression"], new["expression"])]
    for name, value in new["contents"].items():
        before = old["contents"].get(name)
        if before is not None and before != value:
            what = OTHERS.get(name.split()[0], "weights, config or tokenizer")
            lines.append(f"{name}: other {what}")
    for name in sorted(old["settings"].keys() | new["settings"].keys()):
        a, b = (s["settings"].get(name, "not set") for s in (old, new))
        if a != b:
            lines.append("the code of probelang has changed" if name == "code" else f"{name}: {a} -> {b}")
    return lines


def written_differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What differs in two expressions, as (what it is, before, now); below a part that differs nothing is looked at."""
    found: list[tuple[str, str, str]] = []
    apart: list[str] = []
    for path in sorted(old.keys() | new.keys(), key=lambda p: (p.count("."), p)):
        a, b = old.get(path, "nothing"), new.get(path, "nothing")
        if a == b or any(path == p or path.startswith(f"{p}.") for p in apart):
            continue
        apart.append(path)
        line = subject(path, new if path in new else old), named(a), named(b)
        if line not in found:
            found.append(line)
    return found


def named(text: str) -> str:
    """The text of a node; of prompts, their name alone."""
    return text.split("'")[1] if text.startswith("prompts '") else text


def subject(path: str, expression: Mapping[str, str]) -> str:
    """What a part of an expression is to a reader: the innermost prompts, model, dataset or intervention around it."""
    if path == "axes":
        return "labels"
    names, found = path.split("."), None
    for depth in range(len(names) + 1):
        at, name = ".".join(names[:depth]), names[depth - 1] if depth else ""
        words = expression.get(at, "").split(" ", 2)
        if words[0] == "prompts":
            found = f"prompts {words[1].strip(chr(39))}" if len(words) > 1 else "prompts"
        elif words[0] in MODELS and name == "model":
            found = "model"
        elif words[0] in DATASETS:
            found = "dataset"
        elif words[0] == "site":
            found = f"{names[depth]} of {words[1].strip(chr(39))}" if depth < len(names) else "site"
        elif words[0] in ("tokens", "token-at", "pool"):
            found = "tokens"
        elif EDITS.fullmatch(name) and expression.get(".".join(names[: depth - 1]), "") == "run":
            found = f"intervention {words[0]}"
    return found or f"argument {names[0]}"


def rows(old: Axis | None, new: Axis) -> list[str]:
    """How the rows of a dataset differ, by their keys."""
    if old is None:
        return []
    before, now = dict.fromkeys(old.labels), dict.fromkeys(new.labels)
    changed = [k for k in before if k in now and content(old, k) != content(new, k)]
    counts = ((len(now.keys() - before.keys()), "more"), (len(before.keys() - now.keys()), "fewer"),
              (len(changed), "changed"))  # fmt: skip
    return [f"rows: {', '.join(f'{n:,} {word}' for n, word in counts if n)}"] if any(n for n, _ in counts) else []


def content(axis: Axis, label: object) -> Sequence:
    at = axis.labels.index(label)
    return [(name, values[at]) for name, values in sorted(axis.coords.items())]


def old_items(store: Store, header: Mapping) -> Axis | None:
    """The item axis of a stored value."""
    for told in header["axes"]:
        if isinstance(told, str):
            record = store.record(told)
            told = None if record is None else json.loads(bytes(record.payload))
        if told is not None and told["name"] == "item":
            return axis_back(told)
    return None
