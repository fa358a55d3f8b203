"""Which positions a token expression means, item by item and label by label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...compiler.elaborate.attributes import prompts_under
from ...compiler.graph import Node
from ...compiler.kinds import Generated
from ..binding.axes import axis_of
from ..binding.bindings import Bindings
from ..binding.prompts import expression, find
from ..cube import Axis
from ..errors import ProbeError
from ..text.continuation import without_response
from ..text.positions import All, coordinates, positions
from ..text.rendered import Rendered
from .grid import Grid


@dataclass(frozen=True, eq=False)
class Places:
    """Positions [labels][items]: arrays, or the reason why there are none. `axis` is the token axis, if any."""

    axis: Axis | None
    found: tuple[tuple[np.ndarray | str, ...], ...]

    def of(self, label: int, item: int) -> np.ndarray | str:
        return self.found[label if self.axis is not None else 0][item]

    def labels(self, cells: Grid) -> np.ndarray:
        """Per cell, the number of its label; 0 where there is no axis of tokens."""
        return cells.at[self.axis.name] if self.axis is not None else np.zeros(cells.count, dtype=np.int64)


def places(bindings: Bindings, tokens: Node, model: Node, prompts: Node, home: Node) -> Places:
    """Resolve a token node in the prompts of a run; a single token of a token axis gives one position per label.

    Tokens of prompts are those of the prompts alone, also where a text was written behind them.
    """
    rendered = bindings.rendered(model, prompts)
    if issubclass(prompts.kind, Generated) and not any(issubclass(p.kind, Generated) for p in prompts_under(tokens)):
        rendered = tuple(map(without_response, rendered))
    if tokens.op == "token-at":
        label = tokens.input("label")
        if not label.axes:
            return Places(None, by_coordinate(rendered, (named(str(label.param("value")), rendered),)))
        axis = axis_of(bindings, label.axes[0], home)
        return Places(axis, by_coordinate(rendered, coordinates_on(axis)))
    wanted = expression(tokens)
    return Places(None, (tuple(find(r, wanted) for r in rendered),))


def each_token(bindings: Bindings, axis: Axis, tokens: Node, model: Node, prompts: Node) -> Places:
    """The tokens of an expression one by one, along their axis."""
    rendered = bindings.rendered(model, prompts)
    wanted = expression(tokens)
    inside = [find(r, wanted) for r in rendered]
    single = by_coordinate(rendered, coordinates_on(axis))
    kept = []
    for row in single:
        kept.append(
            tuple(
                p if isinstance(p, str) or isinstance(i, str) or p[0] in i else "not among these tokens"
                for p, i in zip(row, inside, strict=True)
            )
        )
    return Places(axis, tuple(kept))


def spread_positions(
    found: Places, cells: Grid, prompt: np.ndarray, prompts: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cell, position, rank among the cell's positions) of every token; `prompt` has the number of each cell's."""
    label = found.labels(cells)
    table = [[np.zeros(0, np.int64) if isinstance(p, str) else p for p in row] for row in found.found]
    sizes = np.array([[len(p) for p in row] for row in table], dtype=np.int64).reshape(len(table), prompts)
    flat = [p for row in table for p in row]
    pool = np.concatenate(flat) if flat else np.zeros(0, np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes.reshape(-1))])[:-1].reshape(sizes.shape)
    count = sizes[label, prompt]
    cell = np.repeat(np.arange(len(label)), count)
    rank = np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count)
    position = pool[np.repeat(starts[label, prompt], count) + rank] if len(cell) else np.zeros(0, np.int64)
    return cell, position, rank


def coordinates_on(axis: Axis) -> tuple[tuple[str, int], ...]:
    """Segment and index of each label of a token axis."""
    return tuple(zip(axis.coords["segment"], axis.coords["index"], strict=True))


def named(label: str, rendered: tuple[Rendered, ...]) -> tuple[str, int]:
    """The coordinate that a label as `noun[0]` means; `unknown-label` when no prompt has it."""
    known = {f"{segment}[{index}]": (segment, index) for r in rendered for segment, index, *_ in coordinates(r)}
    if label not in known:
        raise ProbeError("unknown-label", f"no token is called {label!r}", f"there are {', '.join(known)}")
    return known[label]


def by_coordinate(
    rendered: tuple[Rendered, ...], wanted: tuple[tuple[str, int], ...]
) -> tuple[tuple[np.ndarray | str, ...], ...]:
    """Positions of each coordinate in each prompt."""
    tables = [{c[:2]: p for p, c in zip(positions(r, All()), coordinates(r), strict=True)} for r in rendered]
    rows = []
    for segment, index in wanted:
        row = []
        for table in tables:
            place = table.get((segment, index))
            row.append(np.array([place]) if place is not None else f"no token {index} in {segment}")
        rows.append(tuple(row))
    return tuple(rows)
