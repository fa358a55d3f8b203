"""List the small models that ship or were built here, what is planted in them, and the data files of their world.

With a name, of a model, an effect or a data file, tell all about it.

  probe zoo
  probe zoo sft
  probe zoo agreement.jsonl
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..console import Console

if TYPE_CHECKING:
    import polars


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the one name."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a model, an effect or a data file")


def main(options: argparse.Namespace, console: Console) -> int:
    """Print the overview, or a page on one name; raises `unknown-zoo-name`."""
    from ...runtime.zoo import DATA, zoo_names
    from ...runtime.zoo.listing import EFFECTS

    if options.name is None:
        _overview(console)
        return 0
    name = options.name.removeprefix("zoo/")
    known = {path.name: _file for path in DATA.iterdir()} | {e: _effect for e in EFFECTS}
    known |= dict.fromkeys(zoo_names(), _model)  # `facts` and `judge` are models first, and show their effects
    if name not in known:
        raise _unknown(name, known)
    known[name](name, console)
    return 0


def _overview(console: Console) -> None:
    from ...runtime.zoo import BUILD, DATA, zoo_names
    from ...runtime.zoo.listing import EFFECTS, exact_line, lacking, made, planted

    names = zoo_names()
    trained = [n for n in names if not n.startswith("exact/")]
    _title(console, "models", 'zoo("name", revision="…")')
    shown = [", ".join(planted(n)) or f"sibling without {', '.join(lacking(n))}" * bool(lacking(n)) for n in trained]
    _table(console, ("name", "made", "planted"), zip(trained, map(made, trained), shown, strict=True))
    _table(console, (), ((n, exact_line(n)) for n in names if n.startswith("exact/")))
    console.write(f"  others, and more revisions, are trained by `{BUILD}`\n\n")
    _title(console, "effects", "what is planted; a sibling is a model trained alike without it")
    _table(console, ("name", "what", "in", "not in"),
           ((n, e.what, ", ".join(e.models), e.sibling) for n, e in EFFECTS.items()))  # fmt: skip
    console.write("\n")
    _title(console, "data", 'file("zoo/name")')
    rows = [(path.name, _frame(path.name)) for path in sorted(DATA.iterdir())]
    _table(console, ("name", "rows", "columns"), ((name, str(len(f)), ", ".join(f.columns)) for name, f in rows))
    console.write("\n`probe zoo NAME` tells more about one of these.\n")


def _model(name: str, console: Console) -> None:
    from ...runtime.sources import ModelSource, source_facts
    from ...runtime.zoo import zoo_revisions
    from ...runtime.zoo.listing import EFFECTS, exact_line, lacking, made, planted

    facts = source_facts(ModelSource("zoo", name))
    exact = name.startswith("exact/")
    heads = f"{facts.n_heads} heads" + (f" over {facts.n_kv_heads}" if facts.n_kv_heads != facts.n_heads else "")
    _title(console, name, made(name))
    rows = [("shape", f"{facts.arch}, {facts.n_layers} layers, width {facts.d_model}, {heads}, {facts.vocab} tokens")]
    rows += [("what", exact_line(name))] if exact else [("revisions", ", ".join(zoo_revisions(name)))]
    rows += [("planted", f"{effect}: {EFFECTS[effect].what}") for effect in planted(name)]
    rows += [("without", f"{effect}: {EFFECTS[effect].what}") for effect in lacking(name)]
    _table(console, (), rows)
    console.write(f'\n  model m = zoo("{name}")\n')
    files = dict.fromkeys(f for effect in [*planted(name), *lacking(name)] for f in EFFECTS[effect].data)
    for file in files:
        columns = ", ".join(_frame(file).columns)
        console.write(f'  dataset {file.partition(".")[0]} = file("zoo/{file}")    # {columns}\n')


def _effect(name: str, console: Console) -> None:
    from ...runtime.zoo.listing import EFFECTS

    effect = EFFECTS[name]
    _title(console, name, effect.what)
    _table(console, (), [("in", ", ".join(effect.models)), ("not in", effect.sibling)])
    for file in effect.data:
        console.write("\n")
        _file(file, console)


def _file(name: str, console: Console) -> None:
    from ...runtime.data.files import column_types
    from ...runtime.zoo.listing import EFFECTS

    frame = _frame(name)
    _title(console, f'file("zoo/{name}")', f"{len(frame)} rows")
    first, types = frame.row(0, named=True), column_types(frame)
    _table(console, ("column", "type", "first row"), ((c, types[c], _cut(repr(first[c]))) for c in frame.columns))
    of = [effect for effect, e in EFFECTS.items() if name in e.data]
    if of:
        console.write(f"  for {', '.join(of)}\n")


def _frame(name: str) -> polars.DataFrame:
    from ...runtime.data.formats import read_frame
    from ...runtime.zoo import data_path

    return read_frame(data_path(name))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _title(console: Console, name: str, what: str) -> None:
    console.write(f"{console.paint(name, 'bold')}  {console.paint(what, 'dim')}\n")


def _table(console: Console, titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    rows = [tuple(row) for row in rows]
    widths = [max(len(row[i]) for row in [*rows, titles] if row) for i in range(len(rows[0]))]
    lines = [(titles, "dim")] * bool(titles) + [(row, None) for row in rows]
    for row, style in lines:
        line = "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        console.write(f"  {console.paint(line, style) if style else line}\n")


def _unknown(name: str, known: Iterable[str]):
    from difflib import get_close_matches

    from ...runtime.errors import ProbeError

    near = get_close_matches(name, list(known), 1)
    help = f"did you mean `{near[0]}`?" if near else "`probe zoo` lists what there is"
    return ProbeError("unknown-zoo-name", f"the zoo has nothing of the name {name!r}", help)
