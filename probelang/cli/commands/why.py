"""Say what of a run is in the store, and why the rest has to be computed. Nothing is run.

For what is not stored, it names what has changed since the stored value that is most like it: rows of a dataset, the
text of a prompt, weights, a dtype, the version of a library.

probe why framing.probe
probe why framing.probe separation
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..console import Console
from ..failures import ERRORS
from ..specs import checked_spec, run_options
from ..usage import add_machine, add_spec

if TYPE_CHECKING:
    from ...runtime.why import Part, Why

MOST = 5  # differences that are shown


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe why`."""
    add_spec(parser)
    parser.add_argument("statements", nargs="*", metavar="STATEMENT", help="statistics or directions (default: all)")
    parser.add_argument("--store", type=Path, metavar="DIR", help="the store (default: the user's cache)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text, or JSON")
    parser.set_defaults(no_store=False)
    add_machine(parser)


def main(options: argparse.Namespace, console: Console) -> int:
    """Print a line for each value that has to be there, under the statement that needs it."""
    found = checked_spec(options, console, deep=False)
    if found is None:
        return ERRORS
    from ...runtime.why import why

    source, checked = found
    asked = why(checked, root=source.root, options=run_options(options, source), names=tuple(options.statements))
    if options.format == "json":
        import json
        from dataclasses import asdict

        console.write(json.dumps([asdict(w) for w in asked], indent=2, ensure_ascii=False) + "\n")
    else:
        told: set[str] = set()
        console.write("\n".join(block(w, told, console) for w in asked))
    return 0


def block(why: Why, told: set[str], console: Console) -> str:
    """The lines of a statement; why a value is not stored is told once, and then it is in `told`."""
    lines = [f"{console.paint(why.name, 'bold')}   line {why.line}"]
    if not why.parts:
        lines.append("  no model is read for it")
    seen: dict[tuple[str, ...], int] = {}
    for part in why.parts:
        shown = tuple(part_lines(part, console))
        seen[shown] = seen.get(shown, 0) + 1
    for (first, *rest), count in seen.items():
        lines.append(first + (f"  (x {count})" if count > 1 else ""))
        lines += [] if first in told else rest
        told.add(first)
    return "\n".join(lines) + "\n"


def part_lines(part: Part, console: Console) -> list[str]:
    """A work value, and what it differs in."""
    from ..words import ago, bytes_

    what = f"{part.says}  {', '.join(part.models)}"
    if part.state != "computed":
        how = "the same rows were run under another name"
        if part.state == "stored":
            how = f"{bytes_(part.bytes)}, {part.spec}, {ago(part.written)}"
        return [f"  {console.paint('stored', 'good')}    {what}  {how}"]
    how = part.note
    if part.items is not None and part.items[0] < part.items[1]:
        how = f"{part.items[0]:,} of {part.items[1]:,} items"
    lines = [f"  {console.paint('computed', 'bad')}  {what}" + (f"  {how}" if how else "")]
    if part.relative is None:
        return [*lines, "              nothing like it is stored"]
    lines.append(f"              not as in {part.relative.spec}, {ago(part.relative.written)}:")
    lines += [f"                {line}" for line in part.relative.differs[:MOST]]
    more = len(part.relative.differs) - MOST
    return [*lines, f"                and {more} more"] if more > 0 else lines
