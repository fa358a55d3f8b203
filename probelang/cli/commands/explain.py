"""Tell more about a code that an error or warning carries: what it means, why it matters, and an example.

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
    """Print an explanation, or the list of codes with a line for each."""
    from ...compiler.explanations import explain
    from ...runtime.explanations import EXPLANATIONS as known

    if options.code is None:
        width = max(map(len, known))
        console.write("".join(f"{code:<{width}}  {known[code].what}\n" for code in sorted(known)))
        return 0
    code = options.code.strip().removeprefix("error").removeprefix("warning").removeprefix("note").strip("[]")
    if code not in known:
        from difflib import get_close_matches

        near = get_close_matches(code, known, 3)
        hint = f"did you mean {' or '.join(f'`{n}`' for n in near)}?" if near else "`probe explain` lists the codes"
        raise ProbeError("unknown-code", f"there is no code `{code}`", hint)
    console.write(explain(code, known[code]))
    return 0
