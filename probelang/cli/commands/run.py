"""Run a spec: print its claims and tables, and write tables, vectors, plots and a report to a folder.

Claims that fail are results, not errors: the exit code stays 0 unless --strict-claims is given.

What has been computed is kept in a store: the same spec again does no forward pass, an edited one computes only what
changed, and a run that was stopped goes on behind its last batch. `probe why` says what is stored, `probe cache` looks
after it.

  probe run framing.probe
  probe run names.probe -p names='["Ada", "Elias"]' --device cuda --out results/names
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..console import Console
from ..failures import ERRORS, PLANNED
from ..specs import checked_spec, run_options, show
from ..usage import add_machine, add_spec

if TYPE_CHECKING:
    from ...runtime.results import Run


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe run`."""
    add_spec(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for results (default: runs/NAME)")
    parser.add_argument("--no-out", action="store_true", help="write no files")
    parser.add_argument("--json", action="store_true", help="print the manifest and all tables as JSON")
    parser.add_argument("--quiet", action="store_true", help="print no tables and no progress")
    parser.add_argument("--open", action="store_true", help="open the report when done")
    parser.add_argument("--strict-claims", action="store_true", help="exit 1 unless every claim passes")
    group = parser.add_argument_group("store")
    one = group.add_mutually_exclusive_group()
    one.add_argument("--store", type=Path, metavar="DIR", help="folder of values to reuse (default: the user's cache)")
    one.add_argument("--no-store", action="store_true", help="compute everything anew, and keep nothing")
    group.add_argument("--record", type=Path, metavar="FILE", help="write the replies of endpoints to a file")
    add_machine(parser)


def main(options: argparse.Namespace, console: Console) -> int:
    """Check, run, print and write."""
    from ...api import execute
    from ...planned import planned_operations
    from ..progress import Progress

    if options.open and options.no_out:
        console.error("nothing-to-open", "--open shows the report, and --no-out writes none")
        return 2
    found = checked_spec(options, console)
    if found is None:
        return ERRORS
    source, checked = found
    missing = planned_operations(checked)
    if missing:
        show(missing, checked, console)
        return PLANNED
    out = None if options.no_out else writable(options.out or Path("runs") / source.name)
    with Progress(console, quiet=options.quiet or options.json) as progress:
        run = execute(source, checked, run_options(options, source), out, progress)
    _print(run, options, console)
    if options.open:
        import webbrowser

        webbrowser.open((run.directory / "report.html").resolve().as_uri())
    return ERRORS if options.strict_claims and any(c.verdict != "pass" for c in run.claims) else 0


def writable(folder: Path) -> Path:
    """The folder for results, made before any work; raises `cannot-write` where it cannot be written to."""
    import os

    from ...runtime.errors import ProbeError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProbeError(
            "cannot-write", f"the folder {folder} cannot be made: {error.strerror}", "choose another with --out"
        ) from None
    if not os.access(folder, os.W_OK):
        raise ProbeError("cannot-write", f"the folder {folder} cannot be written to", "choose another with --out")
    return folder


def _print(run: Run, options: argparse.Namespace, console: Console) -> None:
    if options.json:
        import json

        from ...runtime.report.manifest import manifest_of, plain

        tables = {r.name: plain(r.frame.to_dicts()) for r in run.results}
        console.write(json.dumps(manifest_of(run) | {"tables": tables}, indent=2, ensure_ascii=False) + "\n")
    elif not options.quiet:
        from ...runtime.report.tables import print_run

        print_run(run, console.rich())
        if found := run.manifest.get("estimate"):
            console.tell(told(found))


def told(estimate: dict[str, float | bool]) -> str:
    """How far the estimate of `probe plan --cost` was off."""
    from ...compiler.plan_text import duration

    seconds, took = estimate["seconds"], estimate["took"]
    off = f"{took / seconds:.1f} times as long" if seconds else "nothing was to be done"
    most = "at most " if estimate["at_most"] else ""
    return f"models took {duration(took)}, and were estimated at {most}{duration(seconds)}: {off}"
