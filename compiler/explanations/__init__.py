"""What each diagnostic means: code to what it says, why it matters, and an example wrong and right.

Examples stand behind the declarations of `SETTING`, unless they are `alone`. A test runs all of them.
"""

from __future__ import annotations

from .arguments import ARGUMENTS
from .axes import AXES
from .doubts import DOUBTS
from .entry import SETTING, Explanation
from .models import MODELS
from .names import NAMES
from .places import PLACES

EXPLANATIONS: dict[str, Explanation] = {**NAMES, **ARGUMENTS, **MODELS, **PLACES, **AXES, **DOUBTS}

__all__ = ["EXPLANATIONS", "SETTING", "Explanation", "explain"]


def explain(code: str, entry: Explanation) -> str:
    """Tell what a code means, with an example where there is one."""
    parts = [f"{code}: {entry.what}", entry.why]
    if entry.wrong:
        parts += ["Wrong:\n\n" + indented(entry.wrong), "Right:\n\n" + indented(entry.right)]
    return "\n\n".join(parts) + "\n"


def indented(text: str) -> str:
    return "\n".join("    " + line if line else "" for line in text.strip("\n").split("\n"))
