"""The second tier of checks: what tokenizers, configs and data files on this machine tell about a spec.

Nothing is downloaded, nothing is run, and neither torch nor transformers is imported. What could not be looked at is
said, once for each model and dataset, as a note `unchecked`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...compiler.check import Checked
    from ...grammar.diagnostics import Diagnostic
    from ..options import RunOptions


def deep_check(checked: Checked, root: Path, options: RunOptions) -> list[Diagnostic]:
    """Check a program that elaborated; `root` is the folder that paths in the spec are relative to.

    Each problem stands at its place in the spec. Of large datasets a sample of the items is looked at.
    """
    from ..registry import catalogue
    from . import (
        answers,
        attributes,
        columns,
        compared,
        edits,
        joins,
        judges,
        kept,
        labels,
        layers,
        presence,
        rendering,
        sides,
        token_labels,
        tokens,
    )
    from .scene import Scene

    if checked.program is None:
        return []
    scene = Scene(checked, root, options, catalogue())
    models = (presence, columns, compared, kept, labels, attributes, layers, edits, joins)
    prompts = (rendering, sides, tokens, token_labels, answers, judges)
    for part in models + prompts:
        part.look(scene)
    return sorted(scene.found.values(), key=lambda d: d.order)
