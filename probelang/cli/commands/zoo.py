"""List the small models that ship or were built here, with their revisions, and the data files of their world.

probe zoo
"""

from __future__ import annotations

import argparse

from ..console import Console


def configure(parser: argparse.ArgumentParser) -> None:
    """Add no arguments: the zoo is small."""


def main(options: argparse.Namespace, console: Console) -> int:
    """Print models, revisions and data files."""
    from ...runtime.zoo import BUILD, DATA, zoo_names, zoo_revisions

    names = zoo_names()
    width = max(map(len, names))
    console.write(console.paint('models: zoo("name", revision="…")', "bold") + "\n")
    for name in names:
        revisions = [] if name.startswith("exact/") else [r for r in zoo_revisions(name) if r != "main"]
        if name.startswith("exact/"):
            shown = "weights set by hand"
        elif revisions:
            shown = f"{len(revisions)} revisions, {revisions[0]} to {revisions[-1]}, and main"
        else:
            shown = "main"
        console.write(f"  {name:<{width}}  {shown}\n")
    console.write(f"  others are trained by `{BUILD}`\n\n")
    console.write(console.paint('data: file("zoo/name")', "bold") + "\n")
    for file in sorted(DATA.iterdir()):
        console.write(f"  zoo/{file.name}\n")
    return 0
