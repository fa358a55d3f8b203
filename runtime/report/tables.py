"""A run in a terminal: claims, tables, warnings, and where the report is. Works in 80 columns and without colour."""

from __future__ import annotations

import os
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..results import Claim, Result, Run
from .notices import Notice
from .numbers import duration, single
from .safe import clean
from .sheet import Sheet, layout

MARGIN = 14  # columns of the verdict
VERDICTS = {
    "pass": ("PASS", "bold green"),
    "fail": ("FAIL", "bold red"),
    "not computed": ("NOT COMPUTED", "bold yellow"),
}


def print_run(run: Run, console: Console) -> None:
    """Print claims with their verdicts, then a table per statistic, warnings, and the path of the report."""
    seconds = run.manifest.get("seconds")
    head = Text(run.name, style="bold")
    head.append(f"   {Path(run.spec_path).name}", style="dim")
    if seconds is not None:
        head.append(f"   {duration(seconds)}", style="dim")
    console.print(head)
    if run.claims:
        console.print()
        for claim in run.claims:
            _claim(claim, console)
    for result in run.results:
        console.print()
        _result(result, console)
    notices = [Notice.of(w) for w in run.warnings]
    if notices:
        console.print()
        console.print(Text(f"{len(notices)} warning{'s' * (len(notices) > 1)}", style="bold yellow"))
        for notice in notices:
            _notice(notice, console)
    if run.directory is not None:
        console.print()
        path = os.path.relpath(run.directory / "report.html")
        console.print(Text.assemble(("report  ", "bold"), path), soft_wrap=True)


def _claim(claim: Claim, console: Console) -> None:
    word, colour = VERDICTS[claim.verdict]
    body = Text.assemble((claim.name, "bold"), (f"  line {claim.line}", "dim"))
    if claim.values:
        body.append("\n" + clean(", ".join(f"{name} = {single(value)}" for name, value in claim.values.items())))
    if claim.reason:
        body.append("\n" + clean(claim.reason))
    # written line by line: a grid would fill each line with spaces, which a copy of it then has
    for number, line in enumerate(body.wrap(console, max(20, console.width - MARGIN))):
        line.rstrip()
        console.print(Text.assemble((f"{'' if number else word:<{MARGIN}}", colour), line))


def _result(result: Result, console: Console) -> None:
    sheet = layout(result, console.width)
    alone = len(sheet.titles) == 1 and len(sheet.rows) == 1
    title = Text(result.name, style="bold")
    if result.unit:
        title.append(f" ({clean(result.unit)})")
    if alone:
        title.append(f"   {clean(sheet.rows[0][0])}")
    for name, label in sheet.fixed:
        title.append(f"   {name} = {clean(label)}", style="dim")
    title.append(f"   line {result.line}", style="dim")
    console.print(title)
    if not alone:
        console.print(_table(sheet))
    if sheet.left_out:
        kind = "row" if sheet.left_out == 1 else "rows"
        said = f"… {sheet.left_out} more {kind} in tables/{result.name}.parquet (shown: {sheet.chosen_by})"
        console.print(Text(said, style="dim"))
    for reason, count in sheet.missing:
        console.print(Text(f"{count} cell{'s' * (count > 1)} not computed: {clean(reason)}", style="dim"))
    for note in result.notes:
        console.print(Text(clean(note), style="dim"))


def _table(sheet: Sheet) -> Table:
    padding = (0, 0) if sheet.across else (0, 1)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=padding)
    for title, numeric in zip(sheet.titles, sheet.numeric, strict=True):
        table.add_column(Text(clean(title)), justify="right" if numeric else "left", overflow="fold")
    if sheet.across:
        table.title = Text(f"{sheet.across} across", style="dim")
        table.title_justify = "right"
    for row in sheet.rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    return table


def _notice(notice: Notice, console: Console) -> None:
    place = "" if notice.line is None else f"line {notice.line}: "
    text = Text(f"  {place}{clean(notice.message)}")
    if notice.code:
        text.append(f"  [{notice.code}]", style="dim")
    if notice.help:
        text.append(f"\n    {clean(notice.help)}", style="dim")
    console.print(text)
