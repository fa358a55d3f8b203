"""List the operations of the language, or print one with its parameters and its documentation.

probe operations
probe operations mean_diff
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ...runtime.errors import ProbeError
from ..console import Console

if TYPE_CHECKING:
    from ...compiler.signature import Catalogue, Parameter, Signature

GROUPS = {
    "model": "models", "data": "datasets and tokens", "run": "measures", "intervention": "interventions",
    "pure": "statistics", "generate": "generation", "judge": "judging", "train": "training", "plot": "plots",
}  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe operations`."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="an operation")
    parser.add_argument("--json", action="store_true", help="print all signatures as JSON")


def main(options: argparse.Namespace, console: Console) -> int:
    """Print the list, or one operation."""
    from ...runtime.registry import catalogue

    known = catalogue()
    if options.json:
        import json

        console.write(json.dumps([_plain(s) for s in known.values()], indent=2, ensure_ascii=False) + "\n")
    elif options.name is None:
        console.write(_listing(known, console))
    elif options.name in known:
        console.write(_page(known[options.name], console))
    else:
        from ...compiler.errors import likely_operations

        near = [f"`{name}`" for name in likely_operations(options.name, known)]
        hint = f"did you mean {' or '.join(near)}?" if near else "`probe operations` lists them"
        raise ProbeError("unknown-operation", f"there is no operation `{options.name}`", hint)
    return 0


def _listing(known: Catalogue, console: Console) -> str:
    width = max(map(len, known))
    parts = []
    for work, title in GROUPS.items():
        group = [s for s in known.values() if s.work == work]
        if group:
            parts.append(console.paint(title, "bold"))
            parts += [f"  {s.name:<{width}}  {s.summary}{_planned(s, console)}" for s in group]
            parts.append("")
    return "\n".join(parts)


def _planned(signature: Signature, console: Console) -> str:
    return console.paint("  (planned)", "dim") if signature.planned else ""


def _page(s: Signature, console: Console) -> str:
    lines = [console.paint(written(s), "bold"), "", s.doc or s.summary, ""]
    if s.planned:
        lines += ["Planned: it is checked and planned for, and does not run yet.", ""]
    if s.fields:
        lines += [f"Fields: {', '.join(f'.{name}' for name in s.fields)}", ""]
    if s.source:
        lines += [f"Source: {s.source}", ""]
    return "\n".join(lines)


def written(s: Signature) -> str:
    """Write a signature as the language would: `name(parameter: kind = default) -> kind`."""
    shown, starred = [], False
    for p in s.parameters:
        if p.keyword_only and not starred:
            shown.append("*")
            starred = True
        shown.append(_parameter(p))
    return f"{s.name}({', '.join(shown)}) -> {s.result.spoken}"


def _parameter(p: Parameter) -> str:
    kinds = " | ".join(map(_text, p.choices)) if p.choices else " | ".join(k.spoken for k in p.kinds)
    kinds = f"[{kinds}, …]" if p.many else kinds
    return f"{p.name}: {kinds}" if p.required else f"{p.name}: {kinds} = {_text(p.default)}"


def _text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return f'"{value}"' if isinstance(value, str) else str(value)


def _plain(s: Signature) -> dict:
    return {
        "name": s.name, "signature": written(s), "summary": s.summary, "doc": s.doc, "work": s.work,
        "planned": s.planned, "version": s.version, "source": s.source or None,
        "parameters": [
            {"name": p.name, "kinds": [k.spoken for k in p.kinds], "many": p.many, "required": p.required,
             "default": None if p.required else p.default, "choices": list(p.choices)}
            for p in s.parameters
        ],
    }  # fmt: skip
