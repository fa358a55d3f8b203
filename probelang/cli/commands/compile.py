"""Print the IR of a spec: JSON with every name resolved, in the published format.

probe compile framing.probe > framing.json
"""

from __future__ import annotations

import argparse

from ..console import Console
from ..failures import ERRORS
from ..specs import checked_spec
from ..usage import add_spec


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe compile`."""
    add_spec(parser)


def main(options: argparse.Namespace, console: Console) -> int:
    """Print the IR to standard output."""
    from ...compiler.ir import to_json

    found = checked_spec(options, console, deep=False)
    if found is None:
        return ERRORS
    console.write(to_json(found[1].spec) + "\n")
    return 0
