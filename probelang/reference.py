"""The reference page, made from what the code knows: `python -m probelang.reference > docs/reference.md`.

Knows how to lay facts out as Markdown; the facts are the catalogue, the sites, the commands, the data and the codes.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from importlib import import_module

from .cli.commands import COMMANDS
from .cli.commands.operations import written
from .compiler.builtins import MODES, PARTS, POOLS, RESERVED_SEGMENTS, ROLES, SITES, TARGETS
from .compiler.elaborate.calls import FORMS
from .compiler.explanations import EXPLANATIONS
from .compiler.kinds import Boolean, Classifier, Number, Test, Text, Vector
from .compiler.signature import Signature
from .runtime.data.formats import read_frame
from .runtime.registry import catalogue
from .runtime.zoo import DATA

INTRO = """# Reference

Made by `python -m probelang.reference`; do not edit. [language.md](language.md) is the guide.
"""

TOKENS = {
    "p.first": "first token of the text that was written",
    "p.last": "last token of the text that was written",
    "p.all": "every token of the text that was written: no special tokens, nothing that a chat template writes",
    "p.tokens": "the same, to walk in a `for`",
    "p.bos": "the token that marks the start of the text",
    "p.template": "what the chat template writes, its special tokens included, the start token excluded",
    "p.NAME": "tokens of the segment or of the placeholder column `NAME`",
    "p.NAME.first, p.NAME.last": "its first or last token",
    "tokens(p, TEXT)": "tokens that overlap an occurrence of a text; every occurrence counts",
    "a + b": "tokens of either",
    "not a": "tokens of `p.all` that are not among them",
    "a.mean, a.max, a.sum": "vectors at these tokens pooled to one; for reading, not for editing",
}
FAMILIES = (
    ("model", "Models"),
    ("data", "Datasets and tokens"),
    ("run", "Measures of a run"),
    ("generate", "Generation"),
    ("texts", "Measures of texts"),
    ("judge", "Judges"),
    ("intervention", "Interventions, and what they change"),
    ("vectors", "Vectors and directions"),
    ("reducers", "Reductions, curves and relations"),
    ("tests", "Tests, nulls and intervals"),
    ("arithmetic", "Arithmetic, cell by cell"),
    ("plot", "Plots"),
    ("planned", "Planned"),
)
AXES = {
    "broadcast": "Arguments are joined axis by axis, by name.",
    "reduce-items": "Consumes the items.",
    "reduce": "Consumes the items, or the axis that `over` names.",
    "reduce-side": "Consumes the items and the axis `side`.",
    "reduce-any": "Consumes the items, or the axis that `over` names, or all cells where there are no items.",
    "reduce-entries": "Takes the entries of a vector, or the axis that `over` names.",
}


def reference() -> str:
    """Write the whole page."""
    parts = [INTRO, sites(), names(), tokens(), *operations(), commands(), zoo(), codes()]
    return "\n".join(parts).rstrip("\n") + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay rows out as a Markdown table; bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in lines) + "\n"


def sites() -> str:
    """The sites, in execution order."""
    rows = []
    for site in sorted(SITES.values(), key=lambda s: s.order):
        index = f"[{', '.join(site.indices)}]" if site.indices else ""
        rows.append((f"`{site.name}{index}`", site.width, site.doc))
    text = "Layers are blocks, counted from 0. `probe sites MODEL` tells which module holds each.\n"
    return "\n".join(["## Sites\n", text, table(("site", "width", "what it is"), rows)])


def names() -> str:
    """Words that mean something of themselves."""
    rows = [
        ("parts of the weights", ", ".join(f"`{p}`" for p in PARTS)),
        ("roles of messages", ", ".join(f"`{r}`" for r in ROLES)),
        ("system prompts", ", ".join(f"`{m}`" for m in MODES)),
        ("segments that measures look for", ", ".join(f"`{t}`" for t in TARGETS)),
        ("pools", ", ".join(f"`.{p}`" for p in POOLS)),
        ("no names for segments", ", ".join(f"`{s}`" for s in sorted(RESERVED_SEGMENTS))),
    ]
    text = "Operations and sites, and these, cannot be declared again.\n"
    return "\n".join(["## Words\n", text, table(("what", "words"), rows)])


def tokens() -> str:
    """Token expressions."""
    return "\n".join(["## Tokens\n", table(("written", "meaning"), ((f"`{k}`", v) for k, v in TOKENS.items()))])


def operations() -> list[str]:
    """The operations by family; those that do not run yet come last."""
    groups: dict[str, list[Signature]] = {}
    for signature in catalogue().values():
        groups.setdefault(family(signature), []).append(signature)
    parts = ["## Operations\n"]
    for key, title in FAMILIES:
        parts.append(f"### {title}\n")
        if key == "planned":
            parts.append("These are checked and planned for. `probe run` refuses them before any work.\n")
        parts += [entry(s) for s in groups.get(key, ())]
    return parts


def family(s: Signature) -> str:
    """The family of an operation, from its signature alone."""
    if s.planned:
        return "planned"
    if s.name in FORMS and s.work == "pure":
        return "intervention"
    if s.work != "pure":
        return s.work
    first = s.parameters[0].kinds if s.parameters else ()
    if first == (Text,) and not issubclass(s.result, Classifier):
        return "texts"
    if issubclass(s.result, Test):
        return "tests"
    kinds = [k for p in s.parameters for k in p.kinds]
    if not issubclass(s.result, (Text, Boolean)) and s.axes.startswith("reduce") and issubclass(first[0], Number):
        return "reducers"
    if issubclass(s.result, Vector) or any(issubclass(k, Vector) for k in kinds):
        return "vectors"
    return "reducers" if s.axes.startswith("reduce") else "arithmetic"


def entry(s: Signature) -> str:
    """One operation: signature, documentation, axes, fields and source."""
    notes = []
    if s.axes in AXES and s.work == "pure":
        notes.append(AXES[s.axes])
    if s.nonlinear:
        notes.append("Nonlinear: averaging before it or behind it gives different numbers.")
    if s.adds:
        notes.append(f"Adds the axis {', '.join(f'`{name}`' for name, _ in s.adds)}.")
    if s.fields:
        notes.append(f"Fields: {', '.join(f'`.{name}`' for name in s.fields)}.")
    if s.source:
        notes.append(f"Source: {s.source}.")
    lines = [f"#### `{s.name}`\n", f"```text\n{written(s)}\n```\n", paragraphs(s.doc)]
    return "\n".join([*lines, *([" ".join(notes) + "\n"] if notes else [])])


def paragraphs(doc: str) -> str:
    """A docstring as Markdown: notes for those who write kernels are left out."""
    kept = [re.split(r"(?m)^Kernel:", p)[0].strip() for p in doc.split("\n\n")]
    return "\n\n".join(p for p in kept if p) + "\n"


def commands() -> str:
    """The commands, with their options."""
    parts = ["## Commands\n", "Exit codes: 0 done, 1 errors or findings, 2 wrong usage, 3 the spec needs an operation"
             " that does not run yet, 130 interrupted.\n"]  # fmt: skip
    for name, line in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"probe {name}", add_help=False)
        import_module(f".cli.commands.{name}", __package__).configure(parser)
        rows = [(f"`{usage(a)}`", a.help or "") for a in parser._actions if a.help != argparse.SUPPRESS]
        parts += [f"### `probe {name}`\n", f"{line[0].upper()}{line[1:]}.\n"]
        parts += [table(("argument", "meaning"), rows)] if rows else []
    return "\n".join(parts)


def usage(action: argparse.Action) -> str:
    """How an argument is written on the command line."""
    value = action.metavar if isinstance(action.metavar, str) else ""
    if action.choices:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if not action.option_strings:
        return value or action.dest
    return ", ".join(action.option_strings) + (f" {value}" if action.nargs != 0 and value else "")


def zoo() -> str:
    """The data files that ship, with their rows and columns."""
    rows = []
    for path in sorted(DATA.iterdir()):
        frame = read_frame(path)
        rows.append((f"`zoo/{path.name}`", str(len(frame)), ", ".join(f"`{c}`" for c in frame.columns)))
    text = '`file("zoo/NAME")` reads these. [zoo.md](zoo.md) says what they are for.\n'
    return "\n".join(["## Data of the zoo\n", text, table(("file", "rows", "columns"), rows)])


def codes() -> str:
    """The codes of diagnostics, with what each means."""
    rows = [(f"`{code}`", EXPLANATIONS[code].what) for code in sorted(EXPLANATIONS)]
    text = "`probe explain CODE` says why each matters, with an example wrong and right.\n"
    return "\n".join(["## Codes\n", text, table(("code", "meaning"), rows)])


if __name__ == "__main__":
    print(reference(), end="")
