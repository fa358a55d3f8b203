"""List the sites of a model: how each is indexed, how wide it is, and which module holds it. Reads the config only.

probe sites zoo:base
probe sites path:checkpoints/mine
probe sites hub:allenai/OLMo-2-0425-1B@main
"""

from __future__ import annotations

import argparse

from ...runtime.errors import ProbeError
from ..console import Console


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe sites`."""
    parser.add_argument(
        "model", metavar="MODEL", help="zoo:NAME, path:FOLDER or hub:ORG/NAME, with @REVISION if need be"
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.add_argument("--offline", action="store_true", help="never download the config")


def main(options: argparse.Namespace, console: Console) -> int:
    """Print the table of sites."""
    from ...runtime.sites import site_infos
    from ...runtime.sources import source_facts

    source = model_source(options.model)
    facts = source_facts(source, download=not options.offline)
    infos = site_infos(facts)
    if options.json:
        import json
        from dataclasses import asdict

        whole = {"model": str(source), "facts": asdict(facts), "sites": [asdict(i) for i in infos]}
        console.write(json.dumps(whole, indent=2) + "\n")
        return 0
    heads = f"{facts.n_heads} heads" + (f" ({facts.n_kv_heads} key-value)" if facts.n_kv_heads != facts.n_heads else "")
    console.write(
        console.paint(str(source), "bold")
        + f"  {facts.arch}, {facts.n_layers} layers, {heads}, width {facts.d_model}\n\n"
    )
    rows = [(_indexed(i), str(i.width or "tokens"), i.place) for i in infos]
    sizes = [max(len(row[c]) for row in [("site", "width", ""), *rows]) for c in range(2)]
    for site, width, place in [("site", "width", "where"), *rows]:
        console.write(f"  {site:<{sizes[0]}}  {width:>{sizes[1]}}  {place}\n")
    return 0


def model_source(text: str):
    """Read `kind:name@revision`; raises ProbeError `bad-model-name`."""
    from ...runtime.sources import ModelSource

    kind, colon, rest = text.partition(":")
    if not colon or kind not in ("zoo", "path", "hub") or not rest:
        raise ProbeError("bad-model-name", f"`{text}` names no model", "write zoo:base, path:FOLDER or hub:ORG/NAME")
    name, _, revision = rest.partition("@") if kind != "path" else (rest, "", "")
    return ModelSource(kind, name, revision or None)


def _indexed(info) -> str:
    indices = [f"0..{n - 1}" for n in (info.layers, info.heads) if n is not None]
    return f"{info.name}[{', '.join(indices)}]" if indices else info.name
