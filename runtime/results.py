"""What a run found, as plain data: statistics, claims, plots, and the run that holds them.

Nothing here computes or writes; `report/` turns these values into tables, pictures and files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from .cube import Axis
from .report.frame import axis_columns, frame_of, label_text

if TYPE_CHECKING:
    import altair as alt

__all__ = ["AxisInfo", "Claim", "PlotResult", "Result", "Run", "RunView", "axis_columns", "frame_of", "label_text"]


@dataclass(frozen=True)
class AxisInfo:
    """An axis of a result: `kind` is written, model, data or computed; `coords` hold one value per label."""

    name: str
    kind: str
    labels: tuple
    coords: dict[str, tuple] = field(default_factory=dict)

    @staticmethod
    def of(axis: Axis) -> AxisInfo:
        """Describe the axis of a cube."""
        return AxisInfo(axis.name, axis.kind, axis.labels, dict(axis.coords))


@dataclass(frozen=True, eq=False)
class Result:
    """One statistic or direction with all its cells.

    `frame` is tidy: axis columns (coordinates as `axis.coordinate`), then `value` (`norm` for vectors), `low`, `high`,
    `n`, `reason`; tests also have `stat`, `p`, `adjusted`. `items` has the values per item, `vectors` the vectors
    themselves, of shape (length of each axis) + (width,). `text` is the statement, which starts at `line`.
    """

    name: str
    statement: Literal["statistic", "direction"]
    line: int
    text: str
    kind: Literal["number", "boolean", "test", "vector", "text", "table"]
    axes: tuple[AxisInfo, ...]
    frame: pl.DataFrame
    items: pl.DataFrame | None = None
    vectors: np.ndarray | None = None
    unit: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What the paper would say, and whether the numbers bear it; `reason` explains any verdict but a pass."""

    name: str
    line: int
    text: str
    verdict: Literal["pass", "fail", "not computed"]
    reason: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PlotResult:
    """A plot as data: which column of `frame` each channel shows.

    Channels are x, y, color, dash and facet; what a line's or bar's height and a heatmap's colour show is `value`, with
    `low` and `high` as its interval, titled `measure`. `band` has the same columns and `low`, `high` (a null), `rule`
    has `value` and perhaps one label column; `beside` is another plot of the same axes to its right. Options: `title`,
    `log` ("x", "y" or "xy"), `width`, `height` in pixels.
    """

    name: str
    line: int
    text: str
    mark: Literal["line", "bar", "heatmap", "scatter"]
    frame: pl.DataFrame
    encodings: dict[str, str]
    options: dict[str, Any] = field(default_factory=dict)
    band: pl.DataFrame | None = None
    rule: pl.DataFrame | None = None
    measure: str = "value"
    unit: str = ""
    beside: PlotResult | None = None


@dataclass(frozen=True)
class ScoredText:
    """A text that was scored: labels of its place, characters (start, end) that the score is about, and the score."""

    labels: tuple[tuple[str, str], ...]
    text: str
    marks: tuple[tuple[int, int], ...]
    score: str


@dataclass(frozen=True, eq=False)
class Texts:
    """The texts that a statement scored: `rows` is a sample of the `total`, `frame` has all of them."""

    name: str
    line: int
    text: str
    rows: tuple[ScoredText, ...]
    total: int
    frame: pl.DataFrame


@dataclass(frozen=True, eq=False)
class Run:
    """Everything a run found.

    `warnings` are diagnostics or dicts with code, message, line, help. `previews` hold the first prompt of each prompts
    as each model saw it: dicts with prompts, model, line and `text` or `tokens`, a list of {text, kind, segment} whose
    kind is special, template or text, and notes. `manifest` may carry seeds, timings, counts, models (a list),
    `started` (ISO time) and `seconds`.
    """

    name: str
    spec_text: str
    spec_path: str
    results: tuple[Result, ...] = ()
    claims: tuple[Claim, ...] = ()
    plots: tuple[PlotResult, ...] = ()
    warnings: tuple[Any, ...] = ()
    manifest: dict[str, Any] = field(default_factory=dict)
    directory: Path | None = None
    previews: tuple[dict[str, Any], ...] = ()
    texts: tuple[Texts, ...] = ()

    def _repr_html_(self) -> str:
        from .report.html import notebook

        return notebook(self)


class RunView:
    """A run as a notebook wants it: `tables`, `items`, `vectors`, `claims` and `plots` by name."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """Tidy tables by name of statistic or direction."""
        return {r.name: r.frame for r in self.run.results}

    @property
    def items(self) -> dict[str, pl.DataFrame]:
        """Values per item, for the statistics that have them."""
        return {r.name: r.items for r in self.run.results if r.items is not None}

    @property
    def vectors(self) -> dict[str, np.ndarray]:
        """Vectors by name, of shape (length of each axis) + (width,)."""
        return {r.name: r.vectors for r in self.run.results if r.vectors is not None}

    @property
    def texts(self) -> dict[str, pl.DataFrame]:
        """The texts that statistics scored, with their scores as a reader sees them."""
        return {t.name: t.frame for t in self.run.texts}

    @property
    def claims(self) -> dict[str, Claim]:
        """Claims by name."""
        return {c.name: c for c in self.run.claims}

    @property
    def plots(self) -> dict[str, alt.TopLevelMixin]:
        """Altair charts by name."""
        from .report.plots import chart

        return {p.name: chart(p) for p in self.run.plots}

    @property
    def directory(self) -> Path | None:
        """Where the run was written."""
        return self.run.directory

    def __repr__(self) -> str:
        passed = sum(c.verdict == "pass" for c in self.run.claims)
        return f"<run {self.run.name}: {len(self.run.results)} tables, {passed} of {len(self.run.claims)} claims pass>"

    def _repr_html_(self) -> str:
        return self.run._repr_html_()
