"""The public functions: check, compile, plan, run and format a spec. Brings the compiler and the runtime together.

A spec is given as a path, or as text: a string with a line break is text, any other is a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .runtime.errors import ProbeError
from .runtime.options import RunOptions
from .source import SpecSource, read_spec

if TYPE_CHECKING:
    from .compiler.check import Checked
    from .compiler.ir import Spec
    from .runtime.planning import Plan
    from .runtime.results import RunView

Given = str | PathLike[str]
Params = Mapping[str, object]


def check(
    path_or_text: Given, params: Params | None = None, *, deep: bool = True, options: RunOptions | None = None
) -> Checked:
    """Check a spec and return it with all its problems; `deep` also asks the tokenizers, configs and files at hand.

    `params` sets `param`s: values, or texts as on the command line. Raises ProbeError only if it cannot be read.
    """
    return check_source(read_spec(path_or_text), params, deep=deep, options=options)


def check_source(
    source: SpecSource, params: Params | None = None, *, deep: bool, options: RunOptions | None = None
) -> Checked:
    """Check a spec that was read; see `check`."""
    from .compiler.check import check as check_text
    from .library import finder
    from .runtime.registry import catalogue

    options = options or RunOptions()
    find = finder(source.root, allow_outside=options.allow_outside)
    checked = check_text(source.text, source.path, catalogue(), find, _written(params))
    if deep and checked.program is not None:
        from .runtime.deep_check import deep_check

        checked.problems += deep_check(checked, source.root, options)
        checked.problems.sort(key=lambda d: d.order)
    return checked


def compile(path_or_text: Given, params: Params | None = None) -> Spec:
    """Compile a spec to its IR; raises ProbeError `spec-has-errors` with all of them."""
    return _good(check(path_or_text, params, deep=False)).spec


def plan(path_or_text: Given, params: Params | None = None, **options: Any) -> Plan:
    """Plan a spec without running it; `text()` of the plan is what `probe plan` shows.

    Keyword arguments are those of RunOptions. Raises ProbeError `spec-has-errors`.
    """
    from .runtime.planning import plan as plan_checked

    source, chosen = read_spec(path_or_text), _options("plan", options)
    checked = _good(check_source(source, params, deep=False, options=chosen))
    return plan_checked(checked, root=source.root, options=chosen)


def run(
    path_or_text: Given, params: Params | None = None, *, out: Given | None = None,
    store: Given | bool | None = True, **options: Any,
) -> RunView:  # fmt: skip
    """Run a spec and return its tables, items, texts, vectors, claims and plots; `out` is a folder for them as well.

    What models computed is kept in `store` and found there: a folder, or True for the user's as on the command line;
    False and None compute everything anew. Other keyword arguments are those of RunOptions. Raises TypeError for any
    that is none, and ProbeError: `spec-has-errors`, `planned`, or what went wrong on the way.
    """
    from .planned import planned_operations
    from .runtime.results import RunView

    source, chosen = read_spec(path_or_text), _options("run", {**options, "store": _store(store)})
    checked = _good(check_source(source, params, deep=True, options=chosen))
    missing = planned_operations(checked)
    if missing:
        raise ProbeError("planned", "; ".join(d.message for d in missing), missing[0].help)
    return RunView(execute(source, checked, chosen, out))


def execute(source: SpecSource, checked: Checked, options: RunOptions, out: Given | None, progress: Any = None):
    """Run a checked spec, and write the run to the folder `out` if one is given."""
    from .runtime.execute import execute as execute_checked

    found = execute_checked(checked, root=source.root, options=options, progress=progress)
    if out is None:
        return found
    from .runtime.report.directory import write

    return write(found, Path(out))


def format(text: str) -> str:
    """Format the text of a spec; raises ProbeError `spec-has-errors` if it does not parse."""
    from .grammar.format import NotFormatted
    from .grammar.format import format as format_text

    try:
        return format_text(text)
    except NotFormatted as problem:
        first = problem.diagnostics[0]
        raise ProbeError("spec-has-errors", f"line {first.primary.span.line}: {first.message}", first.help) from None


def _store(store: Given | bool | None) -> Given | None:
    from .runtime.store import default_folder

    return default_folder() if store is True else store or None


def _options(function: str, given: dict[str, Any]) -> RunOptions:
    """Options as they are given in Python: paths may be texts."""
    known = {f.name: f.type for f in fields(RunOptions)}
    for name in given:
        if name not in known:
            value = f"{{{name!r}: {given[name]!r}}}"
            raise TypeError(
                f"{function}() has no option {name!r}; if it is a param of the spec, write params={value}; "
                f"the options are {', '.join(known)}"
            )
    paths = {n: Path(v) for n, v in given.items() if "Path" in known[n] and isinstance(v, str)}
    return RunOptions(**{**given, **paths})


def _written(params: Params | None) -> dict[str, str]:
    """Spell values as a spec would; texts go as they are."""
    return {name: value if isinstance(value, str) else _literal(value) for name, value in (params or {}).items()}


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_literal, value))}]"
    return str(value)


def _good(checked: Checked) -> Checked:
    if checked.errors:
        from .grammar.diagnostics import Source
        from .grammar.render import render_text

        shown = render_text(checked.errors, Source(checked.path, checked.text))
        raise ProbeError("spec-has-errors", f"{checked.path} has errors\n\n{shown}")
    return checked
