"""Tell more about a code that an error or warning carries: what it means, an example, and what to do.

probe explain unpaired
probe explain              lists the codes
"""

from __future__ import annotations

import argparse

from ...runtime.errors import ProbeError
from ..console import Console


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe explain`."""
    parser.add_argument("code", nargs="?", metavar="CODE", help="as in `error[unpaired]`")


def main(options: argparse.Namespace, console: Console) -> int:
    """Print the explanation to standard output."""
    from ...compiler import explanations

    codes = sorted(explanations.CODES)
    if options.code is None:
        console.write("".join(f"{code}\n" for code in codes))
        return 0
    code = options.code.strip().removeprefix("error").removeprefix("warning").removeprefix("note").strip("[]")
    if code not in codes:
        from difflib import get_close_matches

        near = get_close_matches(code, codes, 3)
        hint = f"did you mean {' or '.join(f'`{n}`' for n in near)}?" if near else "`probe explain` lists the codes"
        raise ProbeError("unknown-code", f"there is no code `{code}`", hint)
    console.write(explanations.explain(code).rstrip("\n") + "\n")
    return 0
