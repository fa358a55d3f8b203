"""Prompts and tokens of one item: rendering, positions, answers, datasets. Uses the package's text and data layers."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable
from pathlib import Path

import numpy as np

from probelang.runtime.data import files
from probelang.runtime.data.table import Table
from probelang.runtime.errors import ProbeError
from probelang.runtime.text.answers import answer_ids
from probelang.runtime.text.positions import All, Complement, Coordinate, SegmentTokens, Union, coordinates, positions
from probelang.runtime.text.render import render
from probelang.runtime.text.rendered import Rendered
from probelang.runtime.text.template import ROLES, Segment, SystemMode, Template
from probelang.runtime.zoo import data_path

from .network import Network
from .values import End, Prompts, Written

_rendered: dict[tuple, Rendered] = {}


def template(name: str, segments: list[tuple[str, str | SystemMode]]) -> Template:
    """The template of named segments: `user.body` is a segment `body` of the user's message."""
    made = []
    for full, text in segments:
        role, _, part = full.partition(".")
        made.append(Segment(part or role, role if role in ROLES else None, text))
    return Template(name, tuple(made))


def written(prompts: Prompts, key: Hashable, network: Network) -> Rendered:
    """One item's prompt as one model reads it, with the text behind it if one was written."""
    if isinstance(prompts, Written):
        return prompts.read_by(network)
    row = prompts.row(key)
    memo = (prompts.template, tuple(sorted((k, repr(v)) for k, v in row.items())), network.tokenizer)
    if memo not in _rendered:
        _rendered[memo] = render(prompts.template, row, network.tokenizer)
    return _rendered[memo]


def segment_tokens(prompts: Prompts, name: str) -> object:
    """The tokens of a segment, a column, or all segments of a role."""
    segments = prompts.template.prompt_segments
    parts = [s.name for s in segments if s.role == name and s.name != name]
    if name in ROLES and parts:
        own = [name] if any(s.name == name for s in segments) else []
        return Union(tuple(SegmentTokens(part) for part in [*own, *parts]))
    return SegmentTokens(name)


def find(rendered: Rendered, expression: object) -> list[int]:
    """The positions that a token expression means in one prompt, sorted."""
    match expression:
        case Union(parts):
            return sorted({p for part in parts for p in find(rendered, part)})
        case Complement(part):
            inside = set(find(rendered, part))
            return [p for p in find(rendered, All()) if p not in inside]
        case End(of, which):
            found = find(rendered, of)
            return found[:1] if which == "first" else found[-1:]
        case Coordinate(segment, index):
            found = [p for p, at in tokens_of(rendered).items() if at == (segment, index)]
            if not found:
                raise ProbeError("position-not-found", f"there is no token {segment}[{index}]")
            return found
    return positions(rendered, expression)


def tokens_of(rendered: Rendered) -> dict[int, tuple[str, int]]:
    """Position -> (segment, index in the segment), for the tokens that were written."""
    places = positions(rendered, All())
    return {p: (segment, index) for p, (segment, index, _) in zip(places, coordinates(rendered), strict=True)}


def token_label(rendered: Rendered, position: int) -> str:
    """The label of a token on a token axis: `segment[index]`."""
    at = tokens_of(rendered).get(position)
    return f"{at[0]}[{at[1]}]" if at is not None else f"[{position}]"


def answer(network: Network, rendered: Rendered, text: object) -> int:
    """The token that a measure looks for: one token, as written behind the prompt."""
    return answer_ids(network.tokenizer, rendered, str(text)).id


def answer_ids_alone(network: Network, word: str) -> int:
    """The one token of a word that stands alone."""
    return answer_ids(network.tokenizer, "", word).id


def target(rendered: Rendered, name: str) -> str:
    """The text of the prompt's `answer:` or `wrong:`."""
    if name not in rendered.targets:
        raise ProbeError("no-target", f"the prompt has no {name}")
    return rendered.targets[name]


def mean_loss(logits: np.ndarray, rendered: Rendered, expression: object) -> float:
    """Mean of -log p over the tokens that an expression means and that have a token before them, in nats."""
    losses = []
    for position in find(rendered, expression):
        if position > 0:
            row = logits[position - 1] - logits[position - 1].max()
            losses.append(np.log(np.exp(row).sum()) - row[rendered.ids[position]])
    if not losses:
        raise ProbeError("position-not-found", "no token of the text has one before it")
    return float(np.mean(losses))


def read_file(path: str, root: Path, limit: int | None, key: str | None) -> Table:
    """A dataset from a file beside the spec, or of the zoo."""
    if path.startswith("zoo/"):
        found = data_path(path.removeprefix("zoo/"))
        return files.read(found, root=found.parent, limit=limit, key=key)
    return files.read(path, root=root, limit=limit, key=key)


def read_rows(csv: str, key: str | None) -> Table:
    """A dataset written in the spec: the same as a csv file with these lines, stripped."""
    lines = "\n".join(line.strip() for line in csv.strip().splitlines())
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rows.csv").write_text(lines + "\n")
        return files.read("rows.csv", root=folder, key=key)
