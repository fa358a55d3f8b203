"""What several commands share: reading a spec from the command line, checking it, and showing what is wrong."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..api import check_source
from ..runtime.options import RunOptions
from ..source import SpecSource, read_spec
from .console import Console

if TYPE_CHECKING:
    from ..compiler.check import Checked
    from ..grammar.diagnostics import Diagnostic


def checked_spec(
    options: argparse.Namespace, console: Console, *, deep: bool = True
) -> tuple[SpecSource, Checked] | None:
    """Read and check the spec that was named; errors are shown, and then there is None."""
    source = read_spec(options.spec)
    checked = check_source(source, dict(options.params), deep=deep, options=run_options(options, source))
    if checked.errors:
        show(checked.errors, checked, console)
        return None
    return source, checked


def run_options(options: argparse.Namespace, source: SpecSource) -> RunOptions:
    """Gather the options of a run; commands without them get the defaults."""
    given = vars(options)
    if "device" not in given:
        return RunOptions(allow_outside=options.allow_outside)
    check_passes(options.no_pass)
    return RunOptions(
        device=options.device, dtype=options.dtype, batch_tokens=options.batch_tokens, seed=options.seed,
        allow_outside=options.allow_outside, trust_remote_code=options.trust_remote_code,
        device_map=options.device_map, offline=options.offline, passes_off=tuple(options.no_pass),
        replicates=options.replicates, attention=options.attention, store=store_of(given),
        memory=options.memory, tf32=options.tf32, deterministic=not options.no_deterministic,
        calibration=calibrations(given), calibrated=options.calibrated,
        record=given.get("record"),
    )  # fmt: skip


def check_passes(names: list[str]) -> None:
    """A pass that does not exist cannot be left out."""
    if not names:
        return
    from ..compiler.passes import PASSES, SCHEDULING
    from ..runtime.errors import ProbeError

    known = [*(name for name, _ in PASSES), *SCHEDULING]
    for name in names:
        if name not in known:
            raise ProbeError("unknown-pass", f"the planner has no pass {name!r}", f"it has {', '.join(known)}")


def calibrations(given: dict[str, object]) -> Path | None:
    """Where the speed of this machine is kept; a plan that nobody asked the cost of tells no times."""
    if not given.get("cost", True) and not given["calibrated"]:
        return None
    from ..runtime.calibration import default_folder

    return default_folder()


def store_of(given: dict[str, object]) -> Path | None:
    """The store of a run: the one that is named, else the user's; none for commands that compute nothing."""
    if "store" not in given or given["no_store"]:
        return None
    from ..runtime.store import default_folder

    return given["store"] or default_folder()


def show(problems: Iterable[Diagnostic], checked: Checked, console: Console) -> None:
    """Show diagnostics on standard error, as for a person."""
    from ..grammar.diagnostics import Source
    from ..grammar.render_text import render_text

    console.err.write(
        render_text(problems, Source(checked.path, checked.text), console.err_colour, used_sources(checked))
    )


def used_sources(checked: Checked) -> list:
    """The files that diagnostics point into beside the spec itself."""
    from ..grammar.diagnostics import Source

    labels = [label for d in checked.problems for label in (d.primary, *d.secondary)]
    paths = {label.path for label in labels if label.path is not None}
    return [Source(path, Path(path).read_text(encoding="utf-8")) for path in sorted(paths) if Path(path).is_file()]
