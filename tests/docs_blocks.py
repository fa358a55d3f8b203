"""The code blocks of the documentation: found, checked, run, and their shown output compared or written.

`probe` is a whole spec. `probe more` stands beside the page's `probe prelude`. The `text` behind a `probe bad` has
what the checker says, that behind a `probe run` what running it prints. `console` shows commands and what they print;
`| head -3` behind a command leaves its first lines, `| tail -3` its last.
`python tests/docs_blocks.py PAGE …` writes the shown outputs anew.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
TIME = re.compile(r"\d+(\.\d+)? (s|ms|min)\b")
PROGRESS = re.compile(r"stage \d+ of \d+ ")
PIPE = re.compile(r"(.*?)(?: \| (head|tail) -(\d+))?")
NAME = "spec.probe"


@dataclass(frozen=True)
class Block:
    """A fenced block: its info string, its body, the line it starts in, and where its body stands in the page."""

    info: str
    body: str
    line: int
    start: int
    stop: int

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.info.split())


def blocks(page: Path) -> list[Block]:
    """Find all fenced blocks of a page."""
    text = page.read_text("utf-8")
    return [
        Block(m["info"].strip(), m["body"], text.count("\n", 0, m.start()) + 1, m.start("body"), m.end("body"))
        for m in FENCE.finditer(text)
    ]


def specs(page: Path) -> Iterator[tuple[Block, str]]:
    """Give every spec of a page with its whole text: fragments are followed by the prelude, in any order being good."""
    found = blocks(page)
    prelude = "".join(b.body for b in found if b.words == ("probe", "prelude"))
    for block in found:
        if block.words[:1] == ("probe",):
            yield block, block.body + ("\n" + prelude if "more" in block.words else "")


def shown(page: Path) -> Iterator[tuple[Block, str, Block]]:
    """Give every block whose output is shown, its whole text, and the block that shows it."""
    found = blocks(page)
    whole = {block.line: text for block, text in specs(page)}
    for block, following in zip(found, found[1:], strict=False):
        if {"bad", "run"} & set(block.words) and block.words[0] == "probe" and following.words == ("text",):
            yield block, whole[block.line], following


def problems(text: str) -> list:
    """Check a text with everything that is at hand."""
    from probelang import check

    return check(text + "\n").problems


def told(text: str) -> str:
    """What `probe check` says of a text, without the closing count."""
    from probelang.grammar.diagnostics import Source
    from probelang.grammar.render_text import render_text

    wanted = [p for p in problems(text) if not p.code.startswith("unused")]
    return re.sub(r"\n\n\d+ (error|warning).*\n*$", "\n", render_text(wanted, Source(NAME, text), False))


def printed(command: str, folder: Path) -> str:
    """What a `probe …` command prints in a folder, both streams in turn, without progress."""
    from probelang.cli import main

    command, end, count = PIPE.fullmatch(command).groups()
    out, back, before = io.StringIO(), Path.cwd(), dict(os.environ)
    # a cache of its own: what this machine once measured would show in the outputs
    os.environ.update(
        COLUMNS="100", NO_COLOR="1", PROBELANG_STORE=str(folder / "store"), XDG_CACHE_HOME=str(folder / "cache")
    )
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            main(shlex.split(command)[1:])
    finally:
        os.chdir(back)
        os.environ.clear()
        os.environ.update(before)
    lines = (line.rstrip() for line in out.getvalue().strip("\n").split("\n"))
    found = [line for line in lines if not PROGRESS.match(line)]
    kept = {"head": slice(0, int(count or 0)), "tail": slice(-int(count or 0), None)}.get(end, slice(None))
    return "\n".join(found[kept]) + "\n"


def ran(text: str, folder: Path) -> str:
    """What `probe run` prints of a spec."""
    (folder / NAME).write_text(text, "utf-8")
    return printed(f"probe run {NAME} --no-out", folder)


def alike(a: str, b: str) -> bool:
    """Whether two outputs say the same: equal words, and numbers that differ by what machines differ by; no times."""
    first, second = TIME.sub("#", a), TIME.sub("#", b)
    if NUMBER.sub("#", first).split() != NUMBER.sub("#", second).split():
        return False
    pairs = zip(NUMBER.findall(first), NUMBER.findall(second), strict=True)
    values = [(float(x.replace(",", "")), float(y.replace(",", ""))) for x, y in pairs]
    return all(abs(x - y) <= 0.02 * max(abs(x), abs(y)) + 0.005 for x, y in values)


def commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a console block, each with what it shows."""
    found = re.split(r"^\$ (.*)\n", block.body, flags=re.M)[1:]
    return list(zip(found[::2], found[1::2], strict=True))


def write(page: Path, folder: Path) -> None:
    """Write the outputs that a page shows anew, from the last to the first; those that only took another time stay."""
    text = page.read_text("utf-8")
    changes = [(b, told(whole) if "bad" in block.words else ran(whole, folder)) for block, whole, b in shown(page)]
    for block in blocks(page):
        if block.words == ("console",):
            parts = [(c, printed(c, folder) if c.startswith("probe ") else out) for c, out in commands(block)]
            changes.append((block, "\n".join(f"$ {c}\n{out.rstrip()}\n" for c, out in parts)))
    for block, output in sorted(changes, key=lambda change: -change[0].start):
        if alike(block.body, output):
            continue
        text = text[: block.start] + output.strip("\n") + "\n" + text[block.stop :]
    page.write_text(text, "utf-8")


def prepare(folder: Path, root: Path) -> None:
    """Put the files that pages name into a folder."""
    for spec in (root / "docs").glob("*.probe"):
        (folder / spec.name).write_text(spec.read_text("utf-8"), "utf-8")


if __name__ == "__main__":
    for given in sys.argv[1:]:
        with TemporaryDirectory() as temporary:
            prepare(Path(temporary), Path(__file__).parent.parent)
            write(Path(given), Path(temporary))
