"""What every code means that a user can see: those of the checker, of what is at hand, and of a run."""

from __future__ import annotations

from ...compiler.explanations import EXPLANATIONS as OF_TEXT
from ...compiler.explanations.entry import Explanation
from ..deep_check.explanations import EXPLANATIONS as AT_HAND
from .commands import COMMANDS
from .data import DATA
from .edits import EDITS
from .models import MODELS
from .prompts import PROMPTS
from .values import VALUES

PARTS = (DATA, MODELS, PROMPTS, EDITS, VALUES, COMMANDS)
RUN = {code: Explanation(what, why) for part in PARTS for code, (what, why) in part.items()}
EXPLANATIONS: dict[str, Explanation] = {**RUN, **AT_HAND, **OF_TEXT}
