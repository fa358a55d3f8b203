"""One page that holds a run: claims, plots, tables, the spec, prompts as models saw them, provenance.

The page opens offline, loads nothing, and runs only its own two scripts: its policy names them by hash.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ..results import PlotResult, Result, Run
from .listing import spec_lines
from .manifest import manifest_of
from .notices import Notice, opening
from .numbers import duration, is_number, single
from .plots import VEGA_LITE, heading, notes, png, spec, svg
from .safe import clean
from .sheet import Sheet, grid, listing, most_rows
from .texts import sections as text_sections

TABLE_ROWS = 500
OPEN_ROWS = 16
SHORT_ROWS = 8
GRID_WIDTH = 100
DRAWN_ROWS = 6000  # beyond this a plot is a picture, so that the page stays small


@dataclass(frozen=True)
class Figure:
    """A plot on the page: a picture, and the specification that replaces it where scripts run."""

    plot: PlotResult
    picture: str
    specification: dict[str, Any] | None
    notes: tuple[str, ...]

    @property
    def heading(self) -> str:
        """The figure's title."""
        return heading(self.plot)


@dataclass(frozen=True)
class Section:
    """A table on the page: what is shown at once of a long one, as a grid or as its most telling rows, and all rows."""

    result: Result
    short: Sheet | None
    rows: Sheet

    @property
    def long(self) -> bool:
        """Say whether the list starts folded."""
        return self.short is not None


def page(run: Run, manifest: dict[str, Any] | None = None, interactive: bool = True) -> str:
    """Return the report of a run as one HTML file; without `interactive`, plots are pictures only."""
    figures = [_figure(plot, interactive) for plot in run.plots]
    script = _environment().get_template("script.js.j2").render()
    drawn = any(figure.specification for figure in figures)
    bundle = _bundle() if drawn else ""
    scripts = [Markup(s) for s in (bundle, script) if s]
    return _environment().get_template("report.html.j2").render(
        **_shared(run), figures=figures, scripts=scripts, policy=_policy(scripts),
        manifest=manifest or manifest_of(run), lines=spec_lines(run.spec_text, _made(run)), previews=run.previews,
        texts=text_sections(run.texts),
    )  # fmt: skip


def notebook(run: Run) -> str:
    """Return a short view of a run for a notebook: claims, pictures and tables, no scripts."""
    figures = [_figure(plot, interactive=False) for plot in run.plots]
    return _environment().get_template("notebook.html.j2").render(**_shared(run), figures=figures)


def _shared(run: Run) -> dict[str, Any]:
    sections = [_section(r) for r in run.results]
    notices = [Notice.of(w) for w in run.warnings]
    return {"run": run, "abstract": opening(run.spec_text), "sections": sections, "notices": notices}


def _section(result: Result) -> Section:
    short = grid(result, GRID_WIDTH)
    if short is None and result.frame.height > max(OPEN_ROWS, most_rows(result.frame)):
        short = listing(result, SHORT_ROWS)
    return Section(result, short, listing(result, TABLE_ROWS))


def _figure(plot: PlotResult, interactive: bool) -> Figure:
    static = spec(plot, titled=False)
    if plot.frame.height > DRAWN_ROWS:
        return Figure(plot, _data_uri("image/png", png(static)), None, notes(plot))
    live = spec(plot, titled=False, ink="currentColor") if interactive else None
    return Figure(plot, _data_uri("image/svg+xml", svg(static).encode()), live, notes(plot))


def _made(run: Run) -> dict[int, list[tuple[str, str]]]:
    """What each line of the spec produced: anchor and name."""
    made: dict[int, list[tuple[str, str]]] = {}
    groups: Iterable[tuple[str, Iterable]] = (("claim", run.claims), ("plot", run.plots), ("table", run.results))
    for kind, things in groups:
        for thing in things:
            made.setdefault(thing.line, []).append((f"{kind}-{thing.name}", kind))
    return made


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _policy(scripts: list[Markup]) -> str:
    """Allow these scripts, inline styles and inline pictures, and nothing that leaves the page."""
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = " ".join(f"'sha256-{h}'" for h in hashes) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@functools.cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that leaves only `vegaEmbed` behind."""
    import vl_convert

    bundle = vl_convert.javascript_bundle(vl_version=VEGA_LITE)
    return "(() => {" + bundle.replace("</script", "<\\/script") + "})();"


@functools.cache
def _environment() -> Environment:
    package = __name__.rpartition(".")[0]
    environment = Environment(
        loader=PackageLoader(package, ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "clean": lambda text: clean(str(text)), "single": single, "duration": duration, "visible": _visible,
        "prose": _prose, "filename": lambda path: Path(path).name, "flat": _flat,
    }  # fmt: skip
    return environment


def _visible(text: str) -> str:
    """Show the ends of lines in a token."""
    return clean(text).replace("\n", "⏎\n").replace("\t", "⇥\t")


def _prose(text: str) -> Markup:
    """Escape a text and set what stands in backticks as code."""
    parts = [escape(clean(part)) for part in text.split("`")]
    if len(parts) % 2 == 0:
        return escape(clean(text))
    return Markup("").join(Markup(f"<code>{part}</code>") if i % 2 else part for i, part in enumerate(parts))


def _flat(value: Any) -> str:
    """Write a value of the manifest on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {_flat(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_flat, value))
    if is_number(value):
        return f"{value:,}" if isinstance(value, int) else single(value)
    return "none" if value is None else clean(str(value))
