"""Token expressions: which tokens of a prompt are meant, as data, and how they are found.

Knows `p.first`, `p.subject.last`, `tokens(p, "…")`, unions and complements. Does not know models or pools.
`First`, `Last` and `All` mean the text that was written: no special tokens, and nothing that a chat template writes.
"""

import difflib
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from ..errors import ProbeError
from .rendered import Rendered


@dataclass(frozen=True)
class First:
    """The first token of the text that was written."""


@dataclass(frozen=True)
class Last:
    """The last token of the text that was written."""


@dataclass(frozen=True)
class Bos:
    """The token that marks the start of the text."""


@dataclass(frozen=True)
class TemplateTokens:
    """Every token that the chat template writes, its special tokens included, the start token excluded."""


@dataclass(frozen=True)
class All:
    """Every token of the text that was written; with `scope="every"`, every token there is."""

    scope: Literal["written", "every"] = "written"


@dataclass(frozen=True)
class SegmentTokens:
    """The tokens of a segment or column, or its first or last one."""

    name: str
    which: Literal["all", "first", "last"] = "all"


@dataclass(frozen=True)
class Occurrences:
    """Every token that shares a visible character with an occurrence of a text, anywhere in the prompt."""

    text: str


@dataclass(frozen=True)
class Union:
    """The tokens of any part."""

    parts: tuple["TokenExpression", ...]


@dataclass(frozen=True)
class Complement:
    """The tokens of `All` that are not in `part`."""

    part: "TokenExpression"
    scope: Literal["written", "every"] = "written"


@dataclass(frozen=True)
class Coordinate:
    """One token, counted from 0 within a segment."""

    segment: str
    index: int


TokenExpression = (
    First | Last | Bos | TemplateTokens | All | SegmentTokens | Occurrences | Union | Complement | Coordinate
)
_CLASSES: dict[str, type] = {kind.__name__: kind for kind in get_args(TokenExpression)}


def to_dict(expression: TokenExpression) -> dict[str, Any]:
    """Write an expression as JSON values."""
    fields: dict[str, Any] = {"kind": type(expression).__name__}
    match expression:
        case Union(parts):
            fields["parts"] = [to_dict(part) for part in parts]
        case Complement(part, scope):
            fields |= {"part": to_dict(part), "scope": scope}
        case _:
            fields |= asdict(expression)
    return fields


def from_dict(data: dict[str, Any]) -> TokenExpression:
    """Read what `to_dict` wrote; raises ProbeError for an unknown kind."""
    fields = {name: value for name, value in data.items() if name != "kind"}
    if data.get("kind") not in _CLASSES:
        raise ProbeError("unknown-token-expression", f"{data.get('kind')!r} is not a token expression.")
    if "parts" in fields:
        fields["parts"] = tuple(from_dict(part) for part in fields["parts"])
    if "part" in fields:
        fields["part"] = from_dict(fields["part"])
    return _CLASSES[data["kind"]](**fields)


def positions(rendered: Rendered, expression: TokenExpression) -> list[int]:
    """Find the tokens that an expression means, as sorted indices; raises ProbeError when there are none to mean.

    A complement may be empty; everything else that finds no token is an error.
    """
    match expression:
        case First():
            return _need(rendered, _written(rendered), "no token of written text")[:1]
        case Last():
            return _need(rendered, _written(rendered), "no token of written text")[-1:]
        case Bos():
            found = [0] if rendered.ids and rendered.ids[0] == rendered.start_id else []
            help = "This model's tokenizer adds none; `first` is the first token of the text."
            return _need(rendered, found, "no start token", help)
        case TemplateTokens():
            return _need(rendered, _template(rendered), "no token of a chat template")
        case All(scope):
            everything = list(range(len(rendered.ids)))
            return _need(rendered, everything if scope == "every" else _written(rendered), "no token at all")
        case SegmentTokens(name, which):
            return _pick(_segment(rendered, name), which)
        case Occurrences(text):
            return _need(rendered, _occurrences(rendered, text), f"no occurrence of {text!r}")
        case Union(parts):
            return sorted({position for part in parts for position in positions(rendered, part)})
        case Complement(part, scope):
            inner = set(positions(rendered, part))
            return [position for position in positions(rendered, All(scope)) if position not in inner]
        case Coordinate(segment, index):
            found = _segment(rendered, segment)
            if not 0 <= index < len(found):
                raise _missing(rendered, f"no token {index} in {segment!r}, which has {len(found)}")
            return [found[index]]


def coordinates(rendered: Rendered) -> list[tuple[str, int, str]]:
    """List the written tokens as (segment, index in the segment, text), parallel to `positions(rendered, All())`."""
    counts: dict[str, int] = {}
    result = []
    for position in _written(rendered):
        name = rendered.token_segments[position] or ""
        index = counts.get(name, 0)
        counts[name] = index + 1
        result.append((name, index, rendered.pieces[position]))
    return result


def _written(rendered: Rendered) -> list[int]:
    return [position for position, kind in enumerate(rendered.token_kinds) if kind == "text"]


def _template(rendered: Rendered) -> list[int]:
    return [
        position
        for position, kind in enumerate(rendered.token_kinds)
        if kind == "template" or (kind == "special" and _by_template(rendered, position))
    ]


def _by_template(rendered: Rendered, position: int) -> bool:
    start, end = rendered.offsets[position]
    is_start = position == 0 and rendered.ids[0] == rendered.start_id
    return start < end and not is_start and rendered.token_segments[position] is None


def _segment(rendered: Rendered, name: str) -> list[int]:
    if name not in rendered.spans:
        near = difflib.get_close_matches(name, list(rendered.spans), n=1)
        help = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(rendered.spans) or 'none'}."
        raise _missing(rendered, f"no segment or column {name!r}", help)
    low, high = rendered.spans[name]
    found = [
        position
        for position, (first, end) in enumerate(rendered.cores)
        if first < end and low <= first < high and rendered.token_kinds[position] != "special"
    ]
    if found:
        return found
    why = "its characters belong to tokens that start before it" if rendered.text[low:high].strip() else "it is empty"
    raise _missing(rendered, f"no token in {name!r}: {why}")


def _pick(found: list[int], which: str) -> list[int]:
    return {"all": found, "first": found[:1], "last": found[-1:]}[which]


def _occurrences(rendered: Rendered, text: str) -> list[int]:
    if not text:
        return []
    hits: list[tuple[int, int]] = []
    start = rendered.text.find(text)
    while start >= 0:
        hits.append((start, start + len(text)))
        start = rendered.text.find(text, start + 1)
    return [
        position
        for position, (first, end) in enumerate(rendered.cores)
        if any(first < high and low < end for low, high in hits)
    ]


def _need(rendered: Rendered, found: list[int], what: str, help: str | None = None) -> list[int]:
    if not found:
        raise _missing(rendered, what, help)
    return found


def _missing(rendered: Rendered, what: str, help: str | None = None) -> ProbeError:
    text = rendered.text
    shown = text if len(text) <= 200 else f"{text[:160]} … {text[-30:]}"
    help = help or f"Its segments: {', '.join(rendered.spans) or 'none'}."
    return ProbeError("position-not-found", f"There is {what} in the prompt {shown!r}.", help)
