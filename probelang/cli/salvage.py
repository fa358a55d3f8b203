"""The part of a spec that can be looked at: without the statements that have errors, and with a run of every prompts.

Works on the text alone, and keeps every offset, so that places stay those of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..compiler.check import Checked

Check = Callable[[str], "Checked"]


def sound(checked: Checked, check: Check) -> Checked:
    """Leave out statements with errors, and then those that needed them, until the rest checks."""
    while checked.errors:
        text = checked.text
        for problem in checked.errors:
            start, end = _statement(checked, problem.primary.span.start)
            text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
        if text == checked.text:  # an error that no statement holds, such as a param that is not there
            return checked
        checked = check(text)
    return checked


def with_every_prompt(checked: Checked, check: Check) -> Checked:
    """Add a measure of each prompts without params on each model, so that those which nothing uses yet are run too."""
    from ..compiler import ir

    prompts = [s.name for s in checked.spec.statements if isinstance(s, (ir.PromptsOf, ir.ContrastOf)) and not s.params]
    models = [s.name for s in checked.spec.statements if isinstance(s, ir.Define) and s.keyword == "model"]
    taken = {getattr(s, "name", "") for s in checked.spec.statements}
    added = [
        f"statistic {name} = entropy({p}) on {model}\n"
        for p in prompts
        for model in models
        if (name := f"seen_{p}_{model}") not in taken
    ]
    return sound(check(checked.text.rstrip("\n") + "\n\n" + "".join(added)), check) if added else checked


def _statement(checked: Checked, at: int) -> tuple[int, int]:
    """The statement around an offset; where it could not be parsed, all up to the next one that could."""
    for s in checked.tree.statements:
        if s.span.start <= at < s.span.end:
            return s.span.start, s.span.end
    before = [s.span.end for s in checked.tree.statements if s.span.end <= at]
    behind = [s.span.start for s in checked.tree.statements if s.span.start > at]
    return max(before, default=0), min(behind, default=len(checked.text))
