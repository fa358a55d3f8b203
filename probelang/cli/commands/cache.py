"""Look after the store of computed values: list it, measure it, drop what is old or too much, check it for damage.

probe cache
probe cache size
probe cache prune --older-than 30d --max-size 10GB
probe cache verify
"""

from __future__ import annotations

import argparse
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..console import Console
from ..usage import size

if TYPE_CHECKING:
    from ...runtime.store import Store

OF_A_STORE = ("index.sqlite", "shards", "journals", "replies")
SPANS = {"d": 1.0, "h": 1 / 24, "w": 7.0, "m": 1 / 1440}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe cache`."""
    parser.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=("list", "size", "prune", "verify"),
        help="default: list",
    )
    parser.add_argument("--store", type=Path, metavar="DIR", help="the store (default: the user's cache)")
    parser.add_argument("--older-than", type=days, metavar="TIME", help="prune what was not used for so long: 30d, 12h")
    parser.add_argument("--max-size", type=size, metavar="SIZE", help="prune the longest unused beyond a size: 10GB")
    parser.add_argument("--dry-run", action="store_true", help="say what prune would drop, and drop nothing")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text, or JSON")


def main(options: argparse.Namespace, console: Console) -> int:
    """Do one of the four; `verify` exits with 1 when something was damaged."""
    import sqlite3

    from ...runtime.errors import ProbeError
    from ...runtime.store import Store, default_folder

    if options.action == "prune" and options.older_than is None and options.max_size is None:
        console.error("nothing-to-prune", "prune what?", "say --older-than 30d, --max-size 10GB, or both")
        return 2
    folder = options.store or default_folder()
    if folder.is_dir() and any(folder.iterdir()) and not any((folder / name).exists() for name in OF_A_STORE):
        # opening it would leave an index in a folder of something else
        help_ = f"it has none of {', '.join(OF_A_STORE)}: name another with --store"
        raise ProbeError("not-a-store", f"{folder} is no store", help_)
    store = Store(folder)
    try:
        return {"list": listed, "size": measured, "prune": pruned, "verify": verified}[options.action](
            store, options, console
        )
    except sqlite3.Error as error:
        message = f"the index of {store.folder} cannot be used: {error}"
        raise ProbeError(
            "store-not-usable", message, "see whether the folder can be written to, and has room"
        ) from None
    finally:
        store.close()


def listed(store: Store, options: argparse.Namespace, console: Console) -> int:
    """Values by spec, kind of work and model."""
    from ...runtime.store.upkeep import groups, sizes
    from ..words import ago, bytes_

    found, whole = groups(store), sizes(store)
    if options.format == "json":
        return as_json({"folder": str(store.folder), **asdict(whole), "groups": [asdict(g) for g in found]}, console)
    console.write(f"{store.folder}: {whole.values:,} values, {bytes_(whole.bytes)}\n")
    rows = [("spec", "work", "model", "values", "size", "last used")]
    for g in found:
        rows.append((g.spec, g.op, ", ".join(g.models), f"{g.values:,}", bytes_(g.bytes), ago(g.used)))
    if found:
        console.write("\n" + table(rows, right=(3, 4), console=console))
    return 0


def measured(store: Store, options: argparse.Namespace, console: Console) -> int:
    """Bytes on the disk."""
    from ...runtime.store.upkeep import sizes
    from ..words import bytes_

    found = sizes(store)
    if options.format == "json":
        return as_json({"folder": str(store.folder), **asdict(found)}, console)
    stopped = f", {found.stopped} stopped runs" if found.stopped else ""
    unused = f", of which {bytes_(found.unused)} are unused" if found.unused else ""
    console.write(f"{store.folder}: {bytes_(found.bytes)}{unused}\n")
    console.write(f"{found.values:,} values in {found.shards} {'shard' if found.shards == 1 else 'shards'}{stopped}\n")
    return 0


def pruned(store: Store, options: argparse.Namespace, console: Console) -> int:
    """Drop values, and give their room back."""
    from ...runtime.store.upkeep import days_ago, prune
    from ..words import bytes_

    before = None if options.older_than is None else days_ago(options.older_than)
    found = prune(store, before=before, largest=options.max_size, dry=options.dry_run)
    if options.format == "json":
        return as_json(asdict(found), console)
    verb = "would drop" if options.dry_run else "dropped"
    stopped = f" and {found.stopped} stopped runs" if found.stopped else ""
    console.write(f"{verb} {found.values:,} values{stopped}, {bytes_(found.bytes)}\n")
    return 0


def verified(store: Store, options: argparse.Namespace, console: Console) -> int:
    """Read everything."""
    from ...runtime.store.upkeep import verify

    found = verify(store)
    if options.format == "json":
        as_json(asdict(found), console)
    else:
        again = f", {found.found_again:,} that the index had lost" if found.found_again else ""
        damaged = f", {found.damaged:,} damaged: they will be computed again" if found.damaged else ", none damaged"
        console.write(f"{found.whole:,} records are whole{again}{damaged}\n")
    return 1 if found.damaged else 0


def as_json(told: dict, console: Console) -> int:
    import json

    console.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    return 0


def table(rows: list[tuple[str, ...]], right: tuple[int, ...], console: Console) -> str:
    """Rows of text as columns, the first row as heads; `right` are columns set to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = (c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        lines.append("   ".join(cells).rstrip())
    return "\n".join([console.paint(lines[0], "dim"), *lines[1:]]) + "\n"


def days(text: str) -> float:
    """Read a time such as 30d, 12h or 2w, as days."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([dhwm])", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"`{text}` is no time: write 30d, 12h or 2w")
    return float(found[1]) * SPANS[found[2]]
