"""Show what a run would compute: stages, rows, tokens, and what each pass saves. Nothing is run.

probe plan framing.probe
probe plan framing.probe --without reuse-prefix
"""

from __future__ import annotations

import argparse

from ..console import Console
from ..failures import ERRORS
from ..specs import checked_spec, run_options
from ..usage import add_machine, add_spec


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe plan`."""
    add_spec(parser)
    add_machine(parser)


def main(options: argparse.Namespace, console: Console) -> int:
    """Print the plan to standard output."""
    found = checked_spec(options, console, deep=False)
    if found is None:
        return ERRORS
    from ...runtime.planning import plan

    source, checked = found
    console.write(plan(checked, root=source.root, options=run_options(options, source)).text().rstrip("\n") + "\n")
    return 0
