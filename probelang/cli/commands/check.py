"""Find every mistake of a spec that can be found without running it.

What a model's tokenizer and config or a data file can tell is checked when they are on this machine, and said to be
unchecked when not; nothing is downloaded. Exit code 1 when there are errors.

  probe check framing.probe
  probe check --format github specs/*.probe
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ...api import check_source
from ...runtime.options import RunOptions
from ...source import read_spec
from ..console import Console
from ..failures import ERRORS
from ..specs import used_sources
from ..usage import name_and_value

if TYPE_CHECKING:
    from ...compiler.check import Checked


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe check`."""
    parser.add_argument("specs", nargs="+", metavar="SPEC", help=".probe files, or - for standard input")
    parser.add_argument("-p", "--param", dest="params", metavar="NAME=VALUE", type=name_and_value, action="append",
                        default=[], help="set a param of the spec; may be given several times")  # fmt: skip
    parser.add_argument("--format", choices=("text", "json", "github"), default="text", help="default: text")
    parser.add_argument("--no-deep", action="store_true", help="only what the text itself can tell")
    parser.add_argument("--deny-warnings", action="store_true", help="exit 1 for warnings too")
    parser.add_argument("--allow-outside", action="store_true", help="let the spec read files outside its folder")


def main(options: argparse.Namespace, console: Console) -> int:
    """Check each spec; findings go to standard output."""
    found = [_check(spec, options) for spec in options.specs]
    if options.format == "json":
        console.write(_json(found))
    else:
        for checked in found:
            console.write(_shown(checked, options.format, console))
    severities = {d.severity for checked in found for d in checked.problems}
    bad = "error" in severities or (options.deny_warnings and "warning" in severities)
    return ERRORS if bad else 0


def _check(spec: str, options: argparse.Namespace) -> Checked:
    run_options = RunOptions(allow_outside=options.allow_outside)
    return check_source(read_spec(spec), dict(options.params), deep=not options.no_deep, options=run_options)


def _shown(checked: Checked, format: str, console: Console) -> str:
    from ...grammar.diagnostics import Source

    source = Source(checked.path, checked.text)
    if format == "github":
        from ...grammar.render import render_github

        return render_github(checked.problems, source, used_sources(checked))
    from ...grammar.render_text import render_text

    text = render_text(checked.problems, source, console.colour, used_sources(checked))
    if any(d.severity != "note" for d in checked.problems):
        return text
    return (text + "\n" if text else "") + f"{checked.path}: {console.paint('ok', 'good')}{_size(checked)}\n"


def _size(checked: Checked) -> str:
    counts: dict[str, int] = {}
    for statement in checked.program.statements if checked.program else ():
        counts[statement.keyword] = counts.get(statement.keyword, 0) + 1
    shown = [f"{n} {keyword}{'s' if n > 1 else ''}" for keyword, n in counts.items()]
    return f" ({', '.join(shown)})" if shown else ""


def _json(found: list[Checked]) -> str:
    import json

    from ...grammar.diagnostics import Source
    from ...grammar.render import render_json

    parts = [json.loads(render_json(c.problems, Source(c.path, c.text), used_sources(c))) for c in found]
    whole = parts[0] | {"diagnostics": [d for part in parts for d in part["diagnostics"]]}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
