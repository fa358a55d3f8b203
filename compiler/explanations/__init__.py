"""What each diagnostic means: code to what it says, why it matters, and an example wrong and right.

Examples stand behind the declarations of `SETTING`, unless they are `alone`. A test runs all of them.
"""

from __future__ import annotations

from difflib import get_close_matches

from .arguments import ARGUMENTS
from .axes import AXES
from .doubts import DOUBTS
from .entry import SETTING, Explanation
from .models import MODELS
from .names import NAMES
from .places import PLACES

EXPLANATIONS: dict[str, Explanation] = {**NAMES, **ARGUMENTS, **MODELS, **PLACES, **AXES, **DOUBTS}

__all__ = ["EXPLANATIONS", "SETTING", "Explanation", "explain"]


def explain(code: str) -> str:
    """Tell what a diagnostic's code means, with an example; for an unknown code, the nearest ones."""
    entry = EXPLANATIONS.get(code)
    if entry is None:
        near = get_close_matches(code, EXPLANATIONS, 3, 0.5)
        return f"there is no code {code}" + (f"; did you mean {' or '.join(near)}?" if near else "")
    parts = [f"{code}: {entry.what}", entry.why]
    if entry.wrong:
        parts += ["Wrong:\n\n" + indented(entry.wrong), "Right:\n\n" + indented(entry.right)]
    return "\n\n".join(parts) + "\n"


def indented(text: str) -> str:
    return "\n".join("    " + line if line else "" for line in text.strip("\n").split("\n"))
