"""What the names of revisions tell: training steps and tokens seen, as columns of the axis `revision`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from ...compiler.graph import Node, walk
from ..errors import ProbeError

STEP = re.compile(r"(?:^|[^a-z])steps?[-_]?(\d+)", re.IGNORECASE)
TOKENS = re.compile(r"tokens?[-_]?(\d+(?:\.\d+)?)([KMBT])(?![a-z])", re.IGNORECASE)
UNITS = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def step_of(name: str) -> int | None:
    """The training step in a name like `step-300` or `stage1-step3000-tokens13B`."""
    found = STEP.search(name)
    return int(found.group(1)) if found else None


def tokens_of(name: str) -> int | None:
    """The tokens seen, in a name like `stage1-step3000-tokens13B`."""
    found = TOKENS.search(name)
    return round(float(found.group(1)) * UNITS[found.group(2).upper()]) if found else None


def revision_columns(labels: Sequence[object], elements: Iterable[Node]) -> dict[str, tuple]:
    """The columns `step` and `tokens` of an axis of revisions, as far as their names, or the zoo, tell them.

    `elements` are the values at each label. Where no revision has a column it is left out.
    """
    steps = [known_step(str(label), element) for label, element in zip(labels, elements, strict=True)]
    found = {"step": tuple(steps), "tokens": tuple(tokens_of(str(label)) for label in labels)}
    return {name: values for name, values in found.items() if any(v is not None for v in values)}


def known_step(label: str, element: Node) -> int | None:
    """The step in a revision's name, or what the zoo wrote down, for `main` too."""
    named = step_of(label)
    zoo = next((n for n in walk(element) if n.op == "zoo" and n.input("name").op == "const"), None)
    if named is not None or zoo is None:
        return named
    from ..zoo import zoo_path

    try:
        file = zoo_path(str(zoo.input("name").param("value")), label) / "zoo.json"
    except ProbeError:
        return None
    return json.loads(file.read_text()).get("step") if file.is_file() else None
