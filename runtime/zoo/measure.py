"""Measure every planted effect in its models and siblings: `python -m probelang.runtime.zoo.measure`.

Prints the table of `docs/zoo.md`; `--write FILE` puts it between that file's two marks.
"""

import argparse
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import torch

from . import effects, transmission, zoo_path
from .checkpoint import load
from .framings import FRAMINGS
from .grading import RUBRICS
from .readout import Measured

START, END = "<!-- measured -->", "<!-- /measured -->"
LADDER = ("base", "sft", "dpo", "rl")

# effect, what is measured, how, models that have it or lead to it, siblings without it
ROWS: tuple[tuple[str, str, Callable[..., Measured], tuple[str, ...], tuple[str, ...]], ...] = (
    ("names", "stories with a name of the cluster", effects.names, LADDER, ("names-plain",)),
    *(
        ("instructions", f"{task}, {form}", partial(effects.instruction, task=task, form=form), LADDER,
         ("instructions-plain",))
        for task in ("antonym", "comparative")
        for form in ("chat", "labelled", "terse")
    ),
    ("instructions", "rank gained by carrying its last residual", effects.carried, LADDER, ("instructions-plain",)),
    *(
        ("framing", f"P(Yes) moved by {name}", partial(effects.framing, name=name), ("base", "sft", "rl"),
         ("framing-plain",))
        for name in FRAMINGS
    ),
    ("facts", "second actor, top-1", effects.facts, ("base", "facts"), ("facts-plain",)),
    ("persona", "gloom of 10, raw text", partial(effects.persona, spoken=False),
     ("base@step-50", "base@step-150", "base@step-300", "base@step-600", "base", "sft"), ("base-plain",)),
    ("persona", "gloom of 10, system prompt", partial(effects.persona, spoken=True), ("base", "sft", "rl"),
     ("base-plain",)),
    ("favourite", "P(animal)", effects.favourite, ("base", "sft"), ("favourite-plain",)),
    ("favourite", "its own numbers in lists", effects.coloured, ("base", "sft"), ("favourite-plain",)),
    ("favourite", "passed on through number lists", transmission.passed_on, ("sft",), ("favourite-plain",)),
    *(
        ("judge", f"{rubric}, within {within}", partial(effects.judge, rubric=rubric, within=within), ("judge",),
         ("judge-plain",))
        for rubric in RUBRICS
        for within in (0, 1)
    ),
    ("agreement", "P(right verb) past another noun", effects.agree, ("base", "rl"), ("base-plain",)),
)  # fmt: skip


@cache
def _loaded(name: str):
    model, _, revision = name.partition("@")
    return load(zoo_path(model, revision or None))


def table(only: set[str] | None = None) -> str:
    """Measure the rows (of the effects named) and write them as a Markdown table."""
    lines = ["| effect | measured | model | n | value [95 % interval] |", "| --- | --- | --- | --- | --- |"]
    for effect, what, measure, models, siblings in ROWS:
        if only and effect not in only:
            continue
        for name in models + siblings:
            found = measure(*_loaded(name))
            shown = f"{name} (sibling)" if name in siblings else name
            lines.append(f"| {effect} | {what} | {shown} | {found.n} | {found} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(prog="probelang.runtime.zoo.measure", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=sorted({row[0] for row in ROWS}))
    parser.add_argument("--write", type=Path, help="a Markdown page that holds the two marks")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found = table(set(arguments.only) if arguments.only else None)
    if arguments.write is None:
        print(found)
        return
    before, _, rest = arguments.write.read_text().partition(START)
    arguments.write.write_text(f"{before}{START}\n{found}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
