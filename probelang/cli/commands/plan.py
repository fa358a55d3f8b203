"""Show what a run would compute: stages, rows, tokens, FLOPs, memory, and what each pass saves. Nothing is run.

With --cost it also says how long that takes: the first time, models of the same shape are timed on this machine for a
few seconds each, and what was measured is kept.

probe plan framing.probe
probe plan framing.probe --naive
probe plan framing.probe --stage 1 --no-pass reuse-prefix
probe plan framing.probe --cost --html plan.html
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..console import Console
from ..failures import ERRORS, USAGE
from ..specs import checked_spec, run_options
from ..usage import add_machine, add_spec


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe plan`."""
    add_spec(parser)
    parser.add_argument("--naive", action="store_true", help="show beside it what every row alone would take")
    parser.add_argument("--stage", type=int, metavar="N", help="show one stage alone")
    parser.add_argument("--cost", action="store_true", help="estimate time and memory on this machine")
    parser.add_argument("--again", action="store_true", help="measure this machine anew (with --cost)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="draw the plan into a page")
    add_machine(parser)


def main(options: argparse.Namespace, console: Console) -> int:
    """Print the plan to standard output, or draw it into a file and print its totals."""
    if options.again and not (options.cost or options.calibrated):
        console.error("nothing-to-measure", "--again measures the machine anew, which is for an estimate", "add --cost")
        return USAGE
    if options.html is not None and options.stage is not None:
        console.error("one-stage-in-a-page", "--html draws all stages", "leave --stage out, or print it without --html")
        return USAGE
    found = checked_spec(options, console, deep=False)
    if found is None:
        return ERRORS
    from ...runtime.errors import ProbeError
    from ...runtime.planning import Measure, plan

    source, checked = found
    wanted = run_options(options, source)
    measure = Measure(options.again, console.tell) if options.cost or options.calibrated else None
    naive = options.naive or options.html is not None
    made = plan(checked, root=source.root, options=wanted, naive=naive, measure=measure)
    if options.html is not None:
        from ...runtime.report.plan_page import plan_page

        try:
            options.html.parent.mkdir(parents=True, exist_ok=True)
            options.html.write_text(plan_page(made), encoding="utf-8")
        except OSError as error:
            message = f"{options.html} cannot be written: {error.strerror}"
            raise ProbeError("cannot-write", message, "choose another with --html") from None
        console.write("\n".join(made.totals()) + "\n")
        console.tell(f"wrote {options.html}")
        return 0
    if options.stage is not None and not 0 <= options.stage < len(made.stages):
        last = len(made.stages) - 1
        raise ProbeError("no-such-stage", f"there is no stage {options.stage}: the last one of this plan is {last}")
    console.write(made.text(options.stage).rstrip("\n") + "\n")
    return 0
